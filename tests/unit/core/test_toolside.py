"""Tools that are slow, superseded, need approval, or have to wait until the agent has spoken."""

from __future__ import annotations

from tests.unit.core.scenario import CONNECTED, ONE, R1, T1, T2, TWO, Script, plan, played, talking, whole
from vivavoce.events import (
    SWITCH_AGENT,
    TRANSFER_CALL,
    AgentRevised,
    AskApproval,
    CallerTranscribed,
    CallPlan,
    CallStarted,
    CancelTool,
    CloseCall,
    Disposition,
    Ignore,
    ModelReady,
    PlayClip,
    ReturnToolResult,
    RunTool,
    Speak,
    StopRequested,
    ToolApproved,
    ToolDenied,
    ToolFinished,
    ToolPlan,
    ToolRequested,
    ToolStatus,
)

SLOW = ToolPlan(
    name="look_up",
    lead_in="One moment.",
    lead_in_us=1_500_000,
    progress=("Still looking.", "Nearly there."),
    progress_us=5_000_000,
)
BOOK = ToolPlan(name="book", supersedable=True)
REFUND = ToolPlan(name="refund", approval=True, approval_us=30_000_000)


def with_tools(*tools: ToolPlan) -> CallPlan:
    base = plan()
    return CallPlan(agent=base.agent, models=base.models, tools=tools)


def asked(call: Script, ms: int, name: str, tool_call: object = T1, arguments: str = "{}") -> tuple[object, ...]:
    return call.at(ms, ToolRequested(ONE, tool_call, name, arguments))  # type: ignore[arg-type]


def spoken(call: Script) -> list[str]:
    return [wish.text for wish in call.all(Speak)]


def say_it(call: Script, ms: int) -> None:
    """The model says the aside that it was asked for last, and it is heard."""
    response = call.all(Speak)[-1].response
    call.at(ms, *whole(response, 500))
    call.at(ms + 500, played(response, 500))


def test_a_slow_tool_is_talked_over() -> None:
    call = talking(with_tools(SLOW))
    asked(call, 1_000, "look_up")
    call.until(2_400)
    assert spoken(call) == []
    call.until(2_500)
    assert spoken(call) == ["One moment."]
    say_it(call, 2_600)
    call.until(7_500)
    say_it(call, 7_600)
    call.until(12_500)
    say_it(call, 12_600)
    call.until(17_500)
    assert spoken(call) == ["One moment.", "Still looking.", "Nearly there.", "Still looking."]


def test_a_quick_tool_is_not() -> None:
    call = talking(with_tools(SLOW))
    asked(call, 1_000, "look_up")
    call.at(2_000, ToolFinished(T1, ToolStatus.OK, "1"))
    call.until(20_000)
    assert spoken(call) == []


def test_nobody_is_talked_into() -> None:
    call = talking(with_tools(SLOW))
    asked(call, 1_000, "look_up")
    call.at(1_100, *whole(R1, 3_000))
    call.until(3_000)
    assert spoken(call) == [], "the agent is talking"
    call.at(4_100, played(R1, 3_000))
    assert spoken(call) == ["One moment."]


def test_what_does_not_hold_any_more_is_not_said() -> None:
    call = talking(with_tools(SLOW))
    asked(call, 1_000, "look_up")
    call.at(1_100, *whole(R1, 3_000))
    call.at(3_000, ToolFinished(T1, ToolStatus.OK, "1"))
    call.at(4_100, played(R1, 3_000))
    assert spoken(call) == []


def test_a_model_that_cannot_be_told_is_spoken_for() -> None:
    call = Script()
    call.at(0, CallStarted(with_tools(SLOW)), CONNECTED, ModelReady(ONE, speaks=False))
    asked(call, 1_000, "look_up")
    call.until(2_500)
    assert [clip.text for clip in call.all(PlayClip)] == ["One moment."]
    assert spoken(call) == []


def test_an_aside_answers_nothing() -> None:
    """The result is still owed to whichever session speaks for the call when the tool is done."""
    call = talking(with_tools(SLOW))
    asked(call, 1_000, "look_up")
    call.until(2_500)
    say_it(call, 2_600)
    assert ReturnToolResult(ONE, T1, ToolStatus.OK, "1") in call.at(4_000, ToolFinished(T1, ToolStatus.OK, "1"))


# -- superseding -------------------------------------------------------------------------------------------------------


def test_a_tool_that_is_called_anew_gives_up_the_earlier_call() -> None:
    call = talking(with_tools(BOOK))
    asked(call, 1_000, "book", T1, '{"day": 15}')
    effects = asked(call, 2_000, "book", T2, '{"day": 16}')
    assert CancelTool(T1) in effects
    assert RunTool(T2, "book", '{"day": 16}') in effects
    (result,) = call.all(ReturnToolResult)
    assert (result.tool_call, result.status) == (T1, ToolStatus.SUPERSEDED)
    assert isinstance(call.at(2_100, ToolFinished(T1, ToolStatus.OK, "1"))[0], Ignore)


def test_a_caller_who_goes_on_gives_it_up_too() -> None:
    call = talking(with_tools(BOOK))
    asked(call, 1_000, "book")
    assert CancelTool(T1) in call.at(1_500, CallerTranscribed(ONE, "no, the sixteenth", final=False))


def test_a_caller_who_agrees_does_not() -> None:
    call = talking(with_tools(BOOK))
    asked(call, 1_000, "book")
    call.at(1_500, CallerTranscribed(ONE, "Okay, thank you.", final=True))
    assert not call.all(CancelTool)


def test_a_tool_that_must_not_be_given_up_runs_on() -> None:
    call = talking(with_tools())
    asked(call, 1_000, "book", T1)
    asked(call, 1_500, "book", T2)
    call.at(1_600, CallerTranscribed(ONE, "no, the sixteenth", final=True))
    assert not call.all(CancelTool)
    assert len(call.all(RunTool)) == 2


# -- approval ----------------------------------------------------------------------------------------------------------


def test_a_tool_waits_for_approval() -> None:
    call = talking(with_tools(REFUND))
    assert asked(call, 1_000, "refund", T1, '{"amount": 5}') == (AskApproval(T1, "refund", '{"amount": 5}'),)
    assert call.at(9_000, ToolApproved(T1, "ada")) == (RunTool(T1, "refund", '{"amount": 5}'),)
    assert isinstance(call.at(9_100, ToolApproved(T1, "ada"))[0], Ignore), "once"


def test_what_is_denied_is_not_run() -> None:
    call = talking(with_tools(REFUND))
    asked(call, 1_000, "refund")
    (result,) = call.at(9_000, ToolDenied(T1, "ada", "too much"))
    assert isinstance(result, ReturnToolResult)
    assert result.status is ToolStatus.DENIED
    assert "too much" in result.result
    assert not call.all(RunTool)


def test_silence_is_no_approval() -> None:
    call = talking(with_tools(REFUND))
    asked(call, 1_000, "refund")
    call.until(31_000)
    assert [result.status for result in call.all(ReturnToolResult)] == [ToolStatus.DENIED]


def test_what_was_never_run_needs_no_cancelling() -> None:
    call = talking(with_tools(REFUND))
    asked(call, 1_000, "refund")
    call.at(2_000, StopRequested("enough"))
    assert not call.all(CancelTool)


# -- transfer ----------------------------------------------------------------------------------------------------------


def test_a_transfer_waits_for_the_agent_to_have_spoken_and_ends_the_call() -> None:
    call = talking()
    call.at(1_000, *whole(R1, 2_000))
    asked(call, 1_100, TRANSFER_CALL)
    assert not call.all(RunTool)
    assert [effect for effect in call.at(3_000, played(R1, 2_000)) if isinstance(effect, RunTool)]
    call.at(3_500, ToolFinished(T1, ToolStatus.OK, "{}"))
    assert [closed.disposition for closed in call.all(CloseCall)] == [Disposition.TRANSFERRED]


def test_a_transfer_does_not_wait_for_ever() -> None:
    call = talking()
    call.at(1_000, *whole(R1, 60_000))
    asked(call, 1_100, TRANSFER_CALL)
    call.until(16_100)
    assert call.all(RunTool)


def test_a_transfer_that_fails_leaves_the_call_where_it_is() -> None:
    call = talking()
    asked(call, 1_100, TRANSFER_CALL)
    call.at(3_500, ToolFinished(T1, ToolStatus.FAILED, "{}"))
    assert not call.all(CloseCall)
    assert call.all(ReturnToolResult)


def test_who_takes_over_is_told_that_it_is_another() -> None:
    call = talking()
    asked(call, 1_000, SWITCH_AGENT)
    call.at(1_500, AgentRevised("model"))
    effects = call.at(1_600, ToolFinished(T1, ToolStatus.OK, "{}"))
    assert not [effect for effect in effects if isinstance(effect, ReturnToolResult)]
    call.at(2_500, ModelReady(TWO))
    call.until(4_000)
    assert [(result.connection, result.tool_call) for result in call.all(ReturnToolResult)] == [(TWO, T1)]
