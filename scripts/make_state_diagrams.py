"""Draw the state machines of a call from their tables into docs/reference/states.md.

    python scripts/make_state_diagrams.py           write the page
    python scripts/make_state_diagrams.py --check   exit with 1 if the page is out of date

The page has nothing that the code does not say: the diagrams come from the tables, the words from the docstrings and
comments beside them.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from vivavoce.core import (
    floor,
    links,
    phase,
    playout,
    recovery,
    renewal,
    session,
    takeover,
    talk,
    tools,
    voices,
    watch,
)

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "states.md"
Table = Mapping[Any, Any]  # (state, move) -> state, of whatever enums

UNLISTED = (
    "A move that a diagram does not show is a mistake of ours and raises `IllegalMove`. What a peer sends is asked "
    "about first: where no move answers it, nothing moves and the timeline says why (`Ignore`)."
)


class Drawing(NamedTuple):
    """One machine of the page; it begins in the first state of its enum."""

    title: str
    module: ModuleType
    table: Table


DRAWINGS = (
    Drawing("The call", phase, phase.PHASE_TABLE),
    Drawing("A wire: the channel, and each model connection", links, links.LINK_TABLE),
    Drawing("The caller's voice", voices, voices.CALLER_TABLE),
    Drawing("The agent's voice", voices, voices.AGENT_TABLE),
    Drawing("Playout, one for each response", playout, playout.PLAYOUT_TABLE),
    Drawing("The floor: a voice that is heard while the agent speaks", floor, floor.FLOOR_TABLE),
    Drawing("A tool call", tools, tools.TOOL_TABLE),
    Drawing("The next model session", renewal, renewal.SPARE_TABLE),
)


def page() -> str:
    """The whole page as Markdown."""
    head = [
        "# State machines of a call",
        "<!-- Made by scripts/make_state_diagrams.py from src/vivavoce/core. Do not edit. -->",
        _markdown(inspect.getdoc(sys.modules["vivavoce.core"]) or ""),
        UNLISTED,
    ]
    rules = [
        "## What joins them",
        *(_markdown(_paragraphs(module)[-1]) for module in (session, talk, floor, renewal, recovery, takeover, watch)),
    ]
    return "\n\n".join([*head, *(part for drawing in DRAWINGS for part in _section(drawing)), *rules]) + "\n"


def _section(drawing: Drawing) -> list[str]:
    state, move = next(iter(drawing.table))
    state_kind: type[StrEnum] = type(state)
    move_kind: type[StrEnum] = type(move)
    notes = _comments(drawing.module, state_kind) | _comments(drawing.module, move_kind)
    section = [
        f"## {drawing.title}",
        f"`{state_kind.__module__}.{state_kind.__name__}`: {_markdown(inspect.getdoc(state_kind) or '')}",
        _mermaid(drawing.table, list(state_kind)),
    ]
    if notes:
        section.append("\n".join(f"- `{member}`: {note}" for member, note in notes.items()))
    return section


def _mermaid(table: Table, states: Sequence[StrEnum]) -> str:
    """Moves that lead the same way share an arrow."""
    arrows: dict[tuple[StrEnum, StrEnum], list[StrEnum]] = {}
    for (before, move), after in table.items():
        arrows.setdefault((before, after), []).append(move)
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {states[0]}"]
    lines += [f"    {before} --> {after}: {', '.join(moves)}" for (before, after), moves in arrows.items()]
    left = {before for before, _ in table}
    lines += [f"    {state} --> [*]" for state in states if state not in left]
    return "\n".join([*lines, "```"])


def _comments(module: ModuleType, kind: type[StrEnum]) -> dict[str, str]:
    """The comment beside each member of an enum, where there is one."""
    source = inspect.getsource(module)
    lines = source.splitlines()
    found: dict[str, str] = {}
    for node in ast.parse(source).body:
        if not (isinstance(node, ast.ClassDef) and node.name == kind.__name__):
            continue
        for line in (lines[member.lineno - 1] for member in node.body if isinstance(member, ast.Assign)):
            name, _, note = line.partition("  # ")
            if note:
                found[kind[name.split()[0]].value] = _markdown(note)
    return found


def _paragraphs(module: ModuleType) -> list[str]:
    return (inspect.getdoc(module) or "").split("\n\n")


def _markdown(text: str) -> str:
    """Docstring markup as Markdown, on one line."""
    text = re.sub(r":\w+:`~?([\w.]+)`", lambda role: f"`{role[1].removeprefix('vivavoce.events.')}`", text)
    return " ".join(text.replace("``", "`").split())


def main(argv: Sequence[str], path: Path = PAGE) -> int:
    parser = argparse.ArgumentParser(description="Draw the state machines of a call.")
    parser.add_argument(
        "--check", action="store_true", help="exit with 1 if the page is out of date, and write nothing"
    )
    check = parser.parse_args(argv).check
    drawn = page()
    if not check:
        path.write_text(drawn, encoding="utf-8")
        return 0
    if path.exists() and path.read_text(encoding="utf-8") == drawn:
        return 0
    print(f"{path.name} is out of date: run python scripts/make_state_diagrams.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
