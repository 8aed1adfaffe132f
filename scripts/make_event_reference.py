"""List every event and effect of a call, from the code, in docs/reference/events.md.

    python scripts/make_event_reference.py           write the page
    python scripts/make_event_reference.py --check   exit with 1 if the page is out of date

The page has nothing that the code does not say: the groups are the unions of vivavoce.events, the fields its
annotations, the words its docstrings.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, NewType, get_args

import msgspec

from vivavoce import events
from vivavoce.events import facts, values, wishes

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "events.md"


class Group(NamedTuple):
    """One table of the page. ``members`` is a union of classes, or one class."""

    title: str
    members: Any


FACTS = (
    Group("Facts of the engine", events.EngineEvent),
    Group("Facts of the channel", events.ChannelEvent),
    Group("Facts of the ear", events.EarEvent),
    Group("Facts of the model", events.ModelEvent),
    Group("Facts of the tools", events.ToolEvent),
)
WISHES = (
    Group("Wishes towards the channel", events.ChannelEffect),
    Group("Wishes towards the model", events.ModelEffect),
    Group("Wishes towards the tools", events.ToolEffect),
    Group("Wishes for the call itself", events.CallEffect),
)
ENUMS: tuple[type[StrEnum], ...] = (
    events.Disposition,
    events.ToolStatus,
    events.Evidence,
    events.VoiceKind,
    events.FloorVerdict,
    events.Answerer,
)

_SOURCE = "\n".join(inspect.getsource(module) for module in (values, facts, wishes))
_TREE = ast.parse(_SOURCE)


def page() -> str:
    """The whole page as Markdown."""
    parts = [
        "# Events and effects",
        "<!-- Made by scripts/make_event_reference.py from src/vivavoce/events/. Do not edit. -->",
        *map(_markdown, (inspect.getdoc(events) or "").split("\n\n")),
        "How they stand in a file is told in [the timeline](timeline.md).",
    ]
    for group in (*FACTS, *WISHES):
        parts += [f"## {group.title}", _table(members(group))]
    parts += [
        "## Types of the fields",
        "\n".join(_types()),
        "## The plan",
        _table((events.CallPlan, events.ToolPlan, events.SpendPlan, events.TokenPrices)),
    ]
    for enum in ENUMS:
        parts += [f"## {enum.__name__}", _markdown(inspect.getdoc(enum) or ""), "\n".join(_enum_members(enum))]
    return "\n\n".join(parts) + "\n"


def members(group: Group) -> tuple[type[msgspec.Struct], ...]:
    return get_args(group.members) or (group.members,)


def _table(kinds: Sequence[type[msgspec.Struct]]) -> str:
    rows = ["| name | fields | meaning |", "|---|---|---|"]
    for kind in kinds:
        fields = ", ".join(_field(field, kind) for field in msgspec.structs.fields(kind))
        notes = (f"`{name}`: {note}" for name, note in _beneath(_class(kind).body))
        meaning = ". ".join(text.rstrip(".") for text in (_markdown(inspect.getdoc(kind) or ""), *notes)) + "."
        cells = (text.replace("|", "\\|") for text in (f"`{kind.__name__}`", fields, meaning))
        rows.append("|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|")
    return "\n".join(rows)


def _field(field: msgspec.structs.FieldInfo, kind: type[msgspec.Struct]) -> str:
    annotation = kind.__annotations__[field.name]
    default = "" if field.required else f" = {field.default!r}"
    return f"`{field.name}: {annotation}{default}`"


def _types() -> Iterator[str]:
    """The names of plain numbers and strings, with what is written beneath them."""
    notes = dict(_beneath(_TREE.body))
    for name, kind in vars(events).items():
        if isinstance(kind, NewType):
            yield f"- `{name}` ({kind.__supertype__.__name__}){f': {notes[name]}' if name in notes else ''}"
    yield f"- `{events.Audio.__name__}`: {_markdown((inspect.getdoc(events.Audio) or '').partition(chr(10))[0])}"


def _enum_members(enum: type[StrEnum]) -> Iterator[str]:
    lines = _SOURCE.splitlines()
    for node in _class(enum).body:
        if isinstance(node, ast.Assign):
            name, _, note = lines[node.lineno - 1].partition("  # ")
            yield f"- `{enum[name.split()[0]].value}`{f': {_markdown(note)}' if note else ''}"


def _beneath(body: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Each name that is assigned or annotated, with the string that stands beneath it."""
    for node, following in pairwise(body):
        match node, following:
            case (
                (ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name))),
                ast.Expr(value=ast.Constant(value=str(note))),
            ):
                yield name, _markdown(note)


def _class(kind: type) -> ast.ClassDef:
    return next(node for node in _TREE.body if isinstance(node, ast.ClassDef) and node.name == kind.__name__)


def _markdown(text: str) -> str:
    """Docstring markup as Markdown, on one line."""
    text = re.sub(r":\w+:`~?([\w.]+)`", lambda role: f"`{role[1].removeprefix('vivavoce.events.')}`", text)
    return " ".join(text.replace("``", "`").split())


def main(argv: Sequence[str], path: Path = PAGE) -> int:
    parser = argparse.ArgumentParser(description="List every event and effect of a call.")
    parser.add_argument(
        "--check", action="store_true", help="exit with 1 if the page is out of date, and write nothing"
    )
    check = parser.parse_args(argv).check
    made = page()
    if not check:
        path.write_text(made, encoding="utf-8")
        return 0
    if path.exists() and path.read_text(encoding="utf-8") == made:
        return 0
    print(f"{path.name} is out of date: run python scripts/make_event_reference.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
