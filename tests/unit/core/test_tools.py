"""Tool calls: each is answered once."""

from __future__ import annotations

import pytest

from tests.unit.core.scenario import T1, T2, T3
from vivavoce.core.tools import ToolCalls
from vivavoce.errors import IllegalMove
from vivavoce.events import PendingTool, ToolCallId


def asked(tool_call: ToolCallId) -> PendingTool:
    return PendingTool(tool_call, "look_up", "{}")


def test_a_tool_call_is_known_from_its_start_on() -> None:
    tools = ToolCalls()
    assert not tools.known(T1)
    tools.start(asked(T1))
    assert tools.known(T1)
    tools.answer(T1)
    assert tools.known(T1)


def test_what_was_asked_for_is_remembered_for_a_session_that_takes_over() -> None:
    tools = ToolCalls()
    tools.start(asked(T1))
    tools.answer(T1)
    assert tools.described(T1) == asked(T1)


def test_a_tool_call_is_answered_once() -> None:
    tools = ToolCalls()
    tools.start(asked(T1))
    assert tools.can_answer(T1)
    tools.answer(T1)
    assert not tools.can_answer(T1)
    with pytest.raises(IllegalMove):
        tools.answer(T1)


def test_a_cancelled_tool_call_is_not_answered() -> None:
    tools = ToolCalls()
    tools.start(asked(T1))
    tools.cancel(T1)
    assert not tools.can_answer(T1)
    with pytest.raises(IllegalMove):
        tools.answer(T1)


def test_an_unknown_tool_call_cannot_be_answered() -> None:
    assert not ToolCalls().can_answer(T1)


def test_running_lists_what_is_neither_answered_nor_cancelled_in_the_order_asked() -> None:
    tools = ToolCalls()
    assert tools.running == []
    for tool_call in (T3, T1, T2):
        tools.start(asked(tool_call))
    assert tools.running == [T3, T1, T2]
    tools.answer(T1)
    assert tools.running == [T3, T2]
    tools.cancel(T3)
    assert tools.running == [T2]
