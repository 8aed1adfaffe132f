"""In talk: both voices, barge-in, typing, tools, and what comes late."""

from __future__ import annotations

import pytest

from tests.unit.core.scenario import (
    CONNECTED,
    ONE,
    R1,
    R2,
    T1,
    T2,
    T3,
    TWO,
    audio,
    opening,
    plan,
    played,
    said,
    samples,
    stopped,
    talking,
    whole,
)
from vivavoce.events import (
    AgentAudio,
    AgentText,
    AudioLost,
    CallerAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CallerTranscribed,
    CancelResponse,
    CancelTool,
    Event,
    FinishPlaying,
    Flush,
    ForwardAudio,
    ForwardText,
    Ignore,
    ModelEvent,
    ModelLost,
    ModelReady,
    Play,
    ResponseFinished,
    ResponseInterrupted,
    ResponseStarted,
    ReturnToolResult,
    RunTool,
    StopRequested,
    ToolFinished,
    ToolRequested,
    ToolStatus,
    Truncate,
    UsageReported,
)

CALLER_STARTS = CallerSpeechStarted(ONE, samples(0))
CALLER_STOPS = CallerSpeechStopped(ONE, samples(500))


def test_the_caller_is_forwarded_as_they_talk() -> None:
    call = talking()
    assert call.at(20, CallerAudio(audio(20))) == (ForwardAudio(ONE, audio(20)),)
    assert call.at(40, CallerAudio(audio(20))) == (ForwardAudio(ONE, audio(20)),)


def test_audio_the_model_refused_counts_as_dropped() -> None:
    call = talking()
    assert call.at(20, CallerAudio(audio(20)), AudioLost(ONE, samples(15))) == (ForwardAudio(ONE, audio(20)),)
    assert (call.session.intake.forwarded, call.session.intake.dropped) == (samples(5), samples(15))


def test_a_turn_each() -> None:
    call = talking()
    assert call.at(0, CALLER_STARTS) == ()
    assert call.at(500, CALLER_STOPS, CallerTranscribed(ONE, "when do you open", final=True)) == ()
    assert call.at(900, *whole(R1, 2000)) == (Play(R1, audio(2000)), FinishPlaying(R1))
    assert call.at(2900, played(R1, 2000)) == ()


def test_transcripts_and_usage_are_for_the_record() -> None:
    call = talking()
    assert call.at(0, CallerTranscribed(ONE, "when", final=False), UsageReported(ONE, speech_in=9)) == ()


def test_barge_in_through_the_whole_call() -> None:
    call = talking()
    call.at(0, ResponseStarted(ONE, R1), AgentText(ONE, R1, "We open at nine.", samples(0)), said(R1, 1000))
    assert call.at(600, CALLER_STARTS) == (Flush(R1), CancelResponse(ONE, R1))
    assert call.at(610, said(R1, 200)) == (Ignore("AgentAudio", "this response is flushing", samples(200)),)
    assert call.at(620, stopped(R1, 600)) == (Truncate(ONE, R1, samples(600), "We open"),)
    assert call.at(630, said(R1, 200)) == (Ignore("AgentAudio", "this response is cut", samples(200)),)
    assert call.at(1000, CALLER_STOPS) == ()
    assert call.at(1100, ResponseStarted(ONE, R2), said(R2, 100)) == (Play(R2, audio(100)),)
    assert (call.played_ms(R1), call.played_ms(R2)) == (1000, 100)


def test_a_caller_who_talks_first_is_not_talked_over_at_once() -> None:
    """A response begun under the caller's speech is played; it yields at the caller's next start, not at this one."""
    call = talking()
    call.at(0, CALLER_STARTS)
    assert call.at(100, ResponseStarted(ONE, R1), said(R1, 100)) == (Play(R1, audio(100)),)
    assert call.at(200, CALLER_STOPS, CALLER_STARTS) == (Flush(R1), CancelResponse(ONE, R1))


def test_a_model_that_breaks_off_by_itself_is_told_what_was_heard() -> None:
    call = talking()
    call.at(0, ResponseStarted(ONE, R1), AgentText(ONE, R1, "We open at nine.", samples(0)), said(R1, 1000))
    assert call.at(500, ResponseInterrupted(ONE, R1)) == (Flush(R1),)
    assert call.at(510, stopped(R1, 500)) == (Truncate(ONE, R1, samples(500), "We open"),)


def test_with_interruption_never_nothing_is_cut() -> None:
    call = talking(plan(interruption="never"))
    call.at(0, ResponseStarted(ONE, R1), said(R1, 1000))
    assert call.at(100, CALLER_STARTS) == ()
    assert call.at(200, said(R1, 500)) == (Play(R1, audio(500)),)
    assert call.at(300, CallerText("stop")) == (ForwardText(ONE, "stop"),)


def test_typed_text_takes_the_turn_and_reaches_the_model() -> None:
    call = talking()
    call.at(0, ResponseStarted(ONE, R1), said(R1, 1000))
    assert call.at(400, CallerText("never mind")) == (
        Flush(R1),
        CancelResponse(ONE, R1),
        ForwardText(ONE, "never mind"),
    )


# -- what an old connection says ---------------------------------------------------------------------------------------

OLD: list[ModelEvent] = [
    ModelReady(ONE),
    CallerSpeechStarted(ONE, samples(0)),
    CallerSpeechStopped(ONE, samples(0)),
    CallerTranscribed(ONE, "hello", final=True),
    ResponseStarted(ONE, R1),
    AgentText(ONE, R1, "Hello.", samples(0)),
    ResponseFinished(ONE, R1),
    ResponseInterrupted(ONE, R1),
    ToolRequested(ONE, T1, "find_cars", "{}"),
    ModelLost(ONE, "closed"),
]


@pytest.mark.parametrize("event", OLD, ids=lambda event: type(event).__name__)
def test_an_event_of_an_old_connection_is_late(event: ModelEvent) -> None:
    call = opening()
    call.at(0, CONNECTED, ModelLost(ONE, "refused"), ModelReady(TWO))
    assert call.at(100, event) == (Ignore(type(event).__name__, "an event of an old connection"),)


def test_audio_of_an_old_connection_is_late_and_counted() -> None:
    call = opening()
    call.at(0, CONNECTED, ModelLost(ONE, "refused"), ModelReady(TWO))
    assert call.at(100, said(R1, 20)) == (Ignore("AgentAudio", "an event of an old connection", samples(20)),)


@pytest.mark.parametrize("event", OLD[1:-2], ids=lambda event: type(event).__name__)
def test_a_model_that_is_not_ready_says_nothing(event: Event) -> None:
    call = opening()
    assert call.at(0, CONNECTED, event) == (Ignore(type(event).__name__, "the model is opening"),)


def test_a_model_that_is_not_ready_may_still_count() -> None:
    assert opening().at(0, UsageReported(ONE, text_in=900)) == ()


def test_audio_of_a_connection_never_opened_is_counted() -> None:
    call = talking()
    assert call.at(0, AgentAudio(TWO, R1, audio(20)))[0] == Ignore(
        "AgentAudio", "an event of an old connection", samples(20)
    )


# -- tools -------------------------------------------------------------------------------------------------------------


def test_tools_run_beside_the_talk_and_are_answered_in_any_order() -> None:
    call = talking()
    assert call.at(
        0,
        ToolRequested(ONE, T1, "find_cars", '{"max_price": 9000}'),
        ToolRequested(ONE, T2, "find_cars", "{}"),
        ToolRequested(ONE, T3, "book", "{}"),
    ) == (RunTool(T1, "find_cars", '{"max_price": 9000}'), RunTool(T2, "find_cars", "{}"), RunTool(T3, "book", "{}"))
    assert call.at(10, ResponseStarted(ONE, R1), said(R1, 20)) == (Play(R1, audio(20)),)
    failed = '{"error": "no such car"}'
    assert call.at(20, ToolFinished(T3, ToolStatus.OK, "1"), ToolFinished(T1, ToolStatus.FAILED, failed)) == (
        ReturnToolResult(ONE, T3, ToolStatus.OK, "1"),
        ReturnToolResult(ONE, T1, ToolStatus.FAILED, failed),
    )
    assert call.at(30, ToolFinished(T2, ToolStatus.TIMED_OUT, "{}")) == (
        ReturnToolResult(ONE, T2, ToolStatus.TIMED_OUT, "{}"),
    )


def test_a_tool_is_answered_once() -> None:
    call = talking()
    call.at(0, ToolRequested(ONE, T1, "find_cars", "{}"), ToolFinished(T1, ToolStatus.OK, "1"))
    assert call.at(10, ToolFinished(T1, ToolStatus.OK, "2")) == (
        Ignore("ToolFinished", "nobody waits for this tool call"),
    )


def test_a_tool_nobody_asked_for_is_not_answered() -> None:
    assert talking().at(0, ToolFinished(T1, ToolStatus.OK, "1")) == (
        Ignore("ToolFinished", "nobody waits for this tool call"),
    )


@pytest.mark.parametrize("finished", [False, True])
def test_a_tool_call_is_made_once(finished: bool) -> None:
    call = talking()
    call.at(0, ToolRequested(ONE, T1, "find_cars", "{}"))
    if finished:
        call.at(0, ToolFinished(T1, ToolStatus.OK, "1"))
    assert call.at(10, ToolRequested(ONE, T1, "find_cars", "{}")) == (
        Ignore("ToolRequested", "this tool call was already made"),
    )


def test_barge_in_does_not_cancel_a_tool() -> None:
    call = talking()
    call.at(0, ToolRequested(ONE, T1, "book", "{}"), ResponseStarted(ONE, R1), said(R1, 100))
    call.at(10, CALLER_STARTS)
    assert call.all(CancelTool) == []
    assert call.at(20, ToolFinished(T1, ToolStatus.OK, "1")) == (ReturnToolResult(ONE, T1, ToolStatus.OK, "1"),)


def test_tools_that_still_run_when_the_call_ends_are_cancelled_once() -> None:
    call = talking()
    call.at(0, *(ToolRequested(ONE, tool_call, "book", "{}") for tool_call in (T1, T2, T3)))
    call.at(10, ToolFinished(T2, ToolStatus.OK, "1"))
    assert call.at(20, StopRequested("draining"))[:2] == (CancelTool(T1), CancelTool(T3))
    assert call.at(30, ToolFinished(T1, ToolStatus.OK, "1")) == (Ignore("ToolFinished", "the call is closed"),)
