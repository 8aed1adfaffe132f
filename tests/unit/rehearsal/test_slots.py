"""Whether the last value reached the tool."""

from __future__ import annotations

from tests.unit.rehearsal.calls import call, marks_of, said
from vivavoce.events import CancelTool, RunTool, ToolCallId
from vivavoce.rehearsal.slots import corrected_slots
from vivavoce.rehearsal.truth import SaidKind

OLD, NEW = '{"date": "2026-03-15"}', '{"date": "2026-03-16"}'
SAID = said(SaidKind.TURN, 1000, 4000, slots={"date": "2026-03-16"})


def runs(at_ms: int, arguments: str, name: str = "a") -> tuple[int, RunTool]:
    return at_ms, RunTool(ToolCallId(name), "book", arguments)


def test_the_last_call_counts() -> None:
    assert corrected_slots(call(SAID, agent=[], marks=marks_of(runs(4500, NEW)))) == [True]
    assert corrected_slots(call(SAID, agent=[], marks=marks_of(runs(3000, OLD), runs(4500, NEW, "b")))) == [True]
    assert corrected_slots(call(SAID, agent=[], marks=marks_of(runs(4500, OLD)))) == [False]
    assert corrected_slots(call(SAID, agent=[], marks=marks_of())) == [False]


def test_a_call_that_was_given_up_does_not() -> None:
    marks = marks_of(runs(3000, NEW), runs(4500, OLD, "b"), (4600, CancelTool(ToolCallId("b"))))
    assert corrected_slots(call(SAID, agent=[], marks=marks)) == [True]


def test_calls_belong_to_what_was_said_last() -> None:
    second = said(SaidKind.TURN, 6000, 8000, slots={"date": "2026-03-15"})
    marks = marks_of(runs(4500, NEW), runs(8500, NEW, "b"), runs(500, OLD, "c"), runs(4600, "{}", "d"))
    assert corrected_slots(call(SAID, second, agent=[], marks=marks)) == [True, False]


def test_without_a_timeline_nothing_is_known() -> None:
    assert corrected_slots(call(SAID, agent=[])) == []
