"""What waits for an answer in a call, and whether the caller does, from any row of facts and wishes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.console.decisions import HEEDED, KEPT_APPROVALS, Decisions
from vivavoce.errors import Refused
from vivavoce.events import (
    AskApproval,
    CloseCall,
    ConnectionId,
    Disposition,
    Effect,
    Event,
    HoldChanged,
    Ignore,
    Muted,
    ReturnToolResult,
    Samples,
    ToolApproved,
    ToolCallId,
    ToolDenied,
    ToolRequested,
    ToolStatus,
)

ONE, T1 = ConnectionId(1), ToolCallId("t1")
ASKED = AskApproval(T1, "wipe_phone", '{"number":"4711"}')
ANSWERED = ReturnToolResult(ONE, T1, ToolStatus.OK, "{}")
CLOSED = CloseCall(Disposition.COMPLETED, "goodbye")


def after(*values: Event | Effect) -> Decisions:
    decisions = Decisions()
    for value in values:
        decisions.add(value)
    return decisions


def refused(decisions: Decisions, tool_call: str = T1) -> tuple[int, str]:
    with pytest.raises(Refused) as refusal:
        decisions.answer(tool_call, approved=True)
    return refusal.value.status, str(refusal.value)


def test_what_is_asked_waits_and_can_be_answered_once() -> None:
    decisions = after(ASKED)
    assert [one.name for one in decisions.waiting] == ["wipe_phone"]
    assert decisions.answer(T1, approved=True).arguments == '{"number":"4711"}'
    assert decisions.waiting == ()
    assert refused(decisions) == (409, "this tool call was approved already")


def test_what_nobody_asked_is_not_found() -> None:
    assert refused(after(ASKED), "t2")[0] == 404


@pytest.mark.parametrize(
    ("over", "said"),
    [
        (ToolApproved(T1, "ann"), "approved already"),
        (ToolDenied(T1, "ann"), "denied already"),
        (ANSWERED, "not answered in time"),
        (CLOSED, "not answered in time"),
    ],
)
def test_what_is_over_says_how_it_came_out(over: Event | Effect, said: str) -> None:
    decisions = after(ASKED, over, ANSWERED)
    assert decisions.waiting == ()
    assert refused(decisions) == (409, f"this tool call was {said}")


def test_the_oldest_answered_ones_are_forgotten_first() -> None:
    rest = [AskApproval(ToolCallId(f"x{number}"), "x", "{}") for number in range(KEPT_APPROVALS)]
    decisions = after(ASKED, rest[0], ToolDenied(rest[0].tool_call), *rest[1:])
    assert decisions.waiting[0].tool_call == T1
    assert refused(decisions, rest[0].tool_call)[0] == 404


HELD, RESUMED = HoldChanged(held=True), HoldChanged(held=False)
ASKS_HOLD = ToolRequested(ONE, ToolCallId("h1"), "hold_call", "{}")
HOLD_ANSWERED = ReturnToolResult(ONE, ToolCallId("h1"), ToolStatus.OK, "{}")
NOT_NOW = Ignore("HoldChanged", "the call does not talk")
LIMIT_PASSED = Muted(Samples(0), Samples(160), "the caller is on hold")


@pytest.mark.parametrize(
    ("values", "held"),
    [
        ([HELD], True),
        ([HELD, RESUMED], False),
        ([HELD, LIMIT_PASSED], False),
        ([HELD, NOT_NOW], False),
        ([HELD, HELD, NOT_NOW], True),
        ([ASKS_HOLD], True),
        ([ASKS_HOLD, HOLD_ANSWERED], False),
        ([ASKS_HOLD, RESUMED], False),
        ([HELD, ASKS_HOLD, HOLD_ANSWERED], True),
        ([HELD, Muted(Samples(0), Samples(160), "digits are collected in private")], True),
        ([HELD, CLOSED], False),
    ],
)
def test_whether_the_caller_waits(values: list[Event | Effect], held: bool) -> None:
    decisions = after(*values)
    assert decisions.held is held
    decisions.hold(held=not held)
    with pytest.raises(Refused) as refusal:
        decisions.hold(held=held)
    assert refusal.value.status == 409


@given(
    st.lists(st.sampled_from([ASKED, ToolApproved(T1), ToolDenied(T1), ANSWERED, HELD, RESUMED, NOT_NOW, ASKS_HOLD]))
)
def test_after_the_end_nothing_waits(values: list[Event | Effect]) -> None:
    assert {type(value) for value in values} <= HEEDED
    decisions = after(*values, CLOSED)
    assert (decisions.waiting, decisions.held) == ((), False)
