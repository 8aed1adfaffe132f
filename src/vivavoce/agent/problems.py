"""Everything that is wrong with an agent file, gathered before anything is raised: one run shows it all."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from vivavoce.errors import AgentFileError


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. ``where`` is ``path:line``; ``hint`` says what to do about it (may be empty)."""

    where: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return str(AgentFileError(self.message, where=self.where, hint=self.hint))


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing that was looked at. ``subject`` names it, ``detail`` says what was found; it holds if there are no
    problems. ``doubt`` says what holds and is hardly meant so."""

    subject: str
    detail: str = ""
    problems: tuple[Problem, ...] = ()
    doubt: str = ""

    @property
    def holds(self) -> bool:
        return not self.problems


def raise_all(problems: Iterable[Problem]) -> None:
    """One :class:`AgentFileError` for all of them, a line each; ``where`` is that of the first. Nothing, if there are
    none."""
    found = list(dict.fromkeys(problems))
    if not found:
        return
    first, *rest = found
    if not rest:
        raise AgentFileError(first.message, where=first.where, hint=first.hint)
    first_line = f"{first.message} ({first.hint})" if first.hint else first.message
    raise AgentFileError("\n".join([first_line, *map(str, rest)]), where=first.where)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint: the known word that comes nearest, else all of them."""
    words = sorted(known)
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    return f"known here: {', '.join(words)}" if words else ""
