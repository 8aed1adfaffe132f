"""Every table, move by move: what is legal stands here in full, and nothing else is."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import pytest

import vivavoce.core
from vivavoce.core.floor import FLOOR_TABLE, Floor
from vivavoce.core.links import LINK_TABLE, Link
from vivavoce.core.machine import Machine
from vivavoce.core.phase import PHASE_TABLE, Phase
from vivavoce.core.playout import PLAYOUT_TABLE, Playout
from vivavoce.core.renewal import SPARE_TABLE, Spare
from vivavoce.core.tools import TOOL_TABLE, ToolState
from vivavoce.core.voices import AGENT_TABLE, CALLER_TABLE, Agent, Caller
from vivavoce.errors import IllegalMove

Table = Mapping[Any, Any]  # of whatever enums: a mapping is invariant in its keys


class Case(NamedTuple):
    table: Table
    start: StrEnum
    legal: dict[str, str]


CASES = {
    "PHASE_TABLE": Case(
        PHASE_TABLE,
        Phase.NEW,
        {
            "new start": "opening",
            "new close": "closed",
            "opening connect": "talking",
            "opening close": "closed",
            "talking end": "ending",
            "talking close": "closed",
            "ending close": "closed",
        },
    ),
    "LINK_TABLE": Case(
        LINK_TABLE,
        Link.OPENING,
        {
            "opening open": "live",
            "opening lose": "gone",
            "opening close": "gone",
            "live lose": "gone",
            "live close": "gone",
        },
    ),
    "CALLER_TABLE": Case(
        CALLER_TABLE,
        Caller.SILENT,
        {
            "silent start": "talking",
            "talking stop": "silent",
        },
    ),
    "AGENT_TABLE": Case(
        AGENT_TABLE,
        Agent.IDLE,
        {
            "idle begin": "preparing",
            "preparing begin": "preparing",
            "preparing speak": "speaking",
            "preparing finish": "idle",
            "preparing cut": "idle",
            "speaking begin": "preparing",
            "speaking speak": "speaking",
            "speaking finish": "idle",
            "speaking cut": "idle",
        },
    ),
    "PLAYOUT_TABLE": Case(
        PLAYOUT_TABLE,
        Playout.OPEN,
        {
            "open finish": "ending",
            "open flush": "flushing",
            "ending play_out": "played",
            "ending flush": "flushing",
            "flushing stop": "cut",
        },
    ),
    "SPARE_TABLE": Case(
        SPARE_TABLE,
        Spare.NONE,
        {
            "none open": "opening",
            "opening come_up": "ready",
            "opening fail": "failed",
            "ready fail": "failed",
            "failed open": "opening",
            "ready take_over": "none",
            "opening take_over": "none",
            "opening drop": "none",
            "ready drop": "none",
            "failed drop": "none",
        },
    ),
    "FLOOR_TABLE": Case(
        FLOOR_TABLE,
        Floor.CLEAR,
        {
            "clear doubt": "doubt",
            "clear keep": "kept",
            "clear take": "taken",
            "clear pass": "passed",
            "doubt keep": "kept",
            "doubt take": "taken",
            "kept doubt": "doubt",
            "kept take": "taken",
            "kept end": "clear",
            "taken end": "clear",
            "passed end": "clear",
        },
    ),
    "TOOL_TABLE": Case(
        TOOL_TABLE,
        ToolState.ASKED,
        {
            "asked run": "running",
            "asked answer": "answered",
            "asked cancel": "cancelled",
            "running answer": "answered",
            "running cancel": "cancelled",
        },
    ),
}


def _pairs(case: Case) -> list[tuple[StrEnum, StrEnum]]:
    move_kind = type(next(iter(case.table))[1])
    return [(state, move) for state in type(case.start) for move in move_kind]


def _square(*, legal: bool) -> list[object]:
    """Parameters for every (machine, state, move) that is, or is not, listed as legal above."""
    return [
        pytest.param(case, state, move, id=f"{name}: {state} {move}")
        for name, case in CASES.items()
        for state, move in _pairs(case)
        if (f"{state} {move}" in case.legal) is legal
    ]


@pytest.mark.parametrize(("case", "state", "move"), _square(legal=True))
def test_a_legal_move_leads_where_it_should(case: Case, state: StrEnum, move: StrEnum) -> None:
    machine = Machine(case.table, state)
    assert machine.can(move)
    assert machine.move(move).value == case.legal[f"{state} {move}"]
    assert machine.state.value == case.legal[f"{state} {move}"]


@pytest.mark.parametrize(("case", "state", "move"), _square(legal=False))
def test_any_other_move_raises_and_changes_nothing(case: Case, state: StrEnum, move: StrEnum) -> None:
    machine = Machine(case.table, state)
    assert not machine.can(move)
    with pytest.raises(IllegalMove, match=f"{type(state).__name__} is {state} and cannot {move}"):
        machine.move(move)
    assert machine.state is state


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_state_can_be_reached(case: Case) -> None:
    reached = {case.start}
    while more := {after for (before, _), after in case.table.items() if before in reached} - reached:
        reached |= more
    assert reached == set(type(case.start))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_line_above_names_a_real_state_and_move(case: Case) -> None:
    assert set(case.legal) <= {f"{state} {move}" for state, move in _pairs(case)}


def test_no_table_of_the_core_is_forgotten_here() -> None:
    modules = [
        importlib.import_module(f"vivavoce.core.{info.name}") for info in pkgutil.iter_modules(vivavoce.core.__path__)
    ]
    assert {name for module in modules for name in vars(module) if name.endswith("_TABLE")} == set(CASES)


def test_machines_of_a_kind_do_not_share_their_state() -> None:
    one, other = (Machine(CALLER_TABLE, Caller.SILENT) for _ in range(2))
    one.move(next(iter(CALLER_TABLE))[1])
    assert (one.state, other.state) == (Caller.TALKING, Caller.SILENT)
