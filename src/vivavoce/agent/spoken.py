"""How a tool's string is said aloud, written in the function's signature: ``Annotated[str, Spoken("digits",
length=5)]``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

SpokenForm = Literal["name", "digits", "letters", "phone", "email", "free"]
SPOKEN_FORMS: tuple[SpokenForm, ...] = get_args(SpokenForm)


@dataclass(frozen=True, slots=True)
class Spoken:
    """What callers say for a string: a person's ``name``, ``digits`` or ``letters`` one by one, a ``phone`` number, an
    ``email`` address, or ``free`` words. ``length`` is the exact number of characters, where it is known."""

    form: SpokenForm
    length: int | None = None

    def __post_init__(self) -> None:
        if self.form not in SPOKEN_FORMS:
            raise ValueError(f"Spoken({self.form!r}): the form is one of {', '.join(SPOKEN_FORMS)}")
        if self.length is not None and (type(self.length) is not int or self.length < 1):
            raise ValueError(f"Spoken(length={self.length!r}): the length is a whole number from 1")
