"""What a tool needs to know, as slots: one per property of its JSON Schema, with what the tool's examples teach about
it.

The words around a ``{parameter}`` in an example ("room {room}",
"{party_size} people") later tell which of two numbers in an
utterance is which, and lend the confirmation its prepositions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from vivavoce.agent.declaration import Tool
from vivavoce.errors import AgentFileError
from vivavoce.model.local.dialogue.moments import Leaning
from vivavoce.model.local.dialogue.text import plain, words

PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_MORNING_SERVICE: Final = frozenset({"wake", "alarm", "breakfast"})
_EVENING_SERVICE: Final = frozenset({"dinner", "restaurant", "supper", "evening"})
_PRICE_WORDS: Final = frozenset({"price", "cost", "budget", "amount", "pay"})
_PRICE_BEFORE: Final = frozenset(
    {"under", "below", "than", "to", "budget", "most", "maximum", "spend", "around", "about"}
)
_PRICE_AFTER: Final = frozenset({"dollars", "pounds", "euros", "bucks", "quid"})
_PEOPLE_BEFORE: Final = frozenset({"of", "we're"})
_PEOPLE_AFTER: Final = frozenset({"people", "persons", "guests", "adults", "of"})


class Kind(StrEnum):
    """How a slot is said."""

    CHOICE = "choice"
    DATE = "date"
    TIME = "time"
    MOMENT = "moment"
    INTEGER = "integer"
    NUMBER = "number"
    YES_NO = "yes_no"
    DIGITS = "digits"
    LETTERS = "letters"
    EMAIL = "email"
    NAME = "name"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Choice:
    """One allowed value and every way to say it, the plainest first."""

    value: Any
    spoken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """One property. ``before`` and ``after`` are the words seen next to it in examples; another slot there is
    ``<name>``. ``least``/``most`` bound a number, or the count of characters of digits (0: unknown)."""

    name: str
    kind: Kind
    required: bool
    label: str
    choices: tuple[Choice, ...] = ()
    known: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    before: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()
    default: Any = None

    @property
    def length(self) -> int:
        """The exact count of characters, 0 when any count will do."""
        return int(self.least or 0) if self.least == self.most else 0

    @property
    def is_price(self) -> bool:
        return self.kind in (Kind.INTEGER, Kind.NUMBER) and "dollars" in self.after

    @property
    def is_code(self) -> bool:
        """Whether its digits are read one by one: a number that names something, such as a room."""
        return self.kind is Kind.INTEGER and "room" in self.label


def slots_of(tool: Tool, vocabulary: Mapping[str, tuple[str, ...]]) -> tuple[Slot, ...]:
    """The slots of ``tool`` in the order of its signature. Raises when a required one cannot be asked for in speech."""
    properties: Mapping[str, Any] = tool.parameters.get("properties", {})
    required = set(tool.parameters.get("required", ()))
    slots = []
    for name, schema in properties.items():
        slot = _slot(tool, name, _resolved(schema, tool.parameters), name in required, vocabulary)
        if slot:
            slots.append(slot)
        elif name in required:
            raise AgentFileError(
                f"tool {tool.name}: the embedded dialogue cannot ask for {name!r}, which is no single spoken value",
                hint="give it a default, or let a language model do the dialogue",
            )
    return tuple(slots)


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """``schema`` without references and without the "or null" of an optional parameter."""
    reference = schema.get("$ref", "")
    if reference.startswith("#/$defs/"):
        target = root.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {})
        return _resolved({**target, **{key: value for key, value in schema.items() if key != "$ref"}}, root)
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    if len(options) == 1:
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        return _resolved({**options[0], **rest}, root)
    return schema


def _kind(schema: Mapping[str, Any]) -> Kind | None:
    if "enum" in schema or "const" in schema:
        return Kind.CHOICE
    of_type = schema.get("type", "string")
    if isinstance(of_type, list):
        of_type = next((one for one in of_type if one != "null"), "string")
    by_type = {"integer": Kind.INTEGER, "number": Kind.NUMBER, "boolean": Kind.YES_NO}
    if of_type != "string":
        return by_type.get(of_type)
    by_format = {"date": Kind.DATE, "time": Kind.TIME, "date-time": Kind.MOMENT, "email": Kind.EMAIL}
    by_spoken = {
        "name": Kind.NAME, "digits": Kind.DIGITS, "phone": Kind.DIGITS, "letters": Kind.LETTERS, "email": Kind.EMAIL,
    }  # fmt: skip
    return by_format.get(schema.get("format", "")) or by_spoken.get(schema.get("x-spoken", ""), Kind.FREE)


def _slot(
    tool: Tool, name: str, schema: Mapping[str, Any], required: bool, vocabulary: Mapping[str, tuple[str, ...]]
) -> Slot | None:
    kind = _kind(schema)
    if kind is None:
        return None
    label = plain(name)
    before, after = _neighbours(tool.examples, name)
    if kind in (Kind.INTEGER, Kind.NUMBER):
        before |= set(words(label)) - {"number"}
        if _PRICE_WORDS & set(words(label)):
            before, after = before | _PRICE_BEFORE, after | _PRICE_AFTER
        if {"party", "people", "guests", "persons"} & set(words(label)):
            before, after = before | _PEOPLE_BEFORE, after | _PEOPLE_AFTER
        least, most = schema.get("minimum"), schema.get("maximum")
    else:
        least, most = schema.get("minLength"), schema.get("maxLength")
    return Slot(
        name, kind, required, label, _choices(schema, vocabulary), tuple(vocabulary.get(name, ())), least, most,
        frozenset(before), frozenset(after), schema.get("default"),
    )  # fmt: skip


def _choices(schema: Mapping[str, Any], vocabulary: Mapping[str, tuple[str, ...]]) -> tuple[Choice, ...]:
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    return tuple(
        Choice(value, (plain(str(value)), *(plain(synonym) for synonym in vocabulary.get(str(value), ()))))
        for value in values
        if value is not None
    )


def _neighbours(examples: tuple[str, ...], name: str) -> tuple[set[str], set[str]]:
    before: set[str] = set()
    after: set[str] = set()
    for example in examples:
        tokens = tuple(_marked(example))
        for at, token in enumerate(tokens):
            if token == f"<{name}>":
                before.update(tokens[max(at - 1, 0) : at])
                after.update(tokens[at + 1 : at + 2])
    return before, after


def _marked(example: str) -> Iterator[str]:
    for index, part in enumerate(PLACEHOLDER.split(example)):
        if index % 2:
            yield f"<{part}>"
        else:
            yield from words(part)


def leaning_of(tool: Tool) -> Leaning:
    """Which half of the day this tool's bare hours mean, from its own words."""
    told = set(words(f"{plain(tool.name)} {tool.description} {' '.join(tool.examples)}"))
    if told & _MORNING_SERVICE:
        return Leaning.MORNING
    return Leaning.EVENING if told & _EVENING_SERVICE else Leaning.DAY
