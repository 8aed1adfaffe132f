"""How calls end: goodbye, hang-up, loss, stop. Last words are said to their end, within limits, and then nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.core.scenario import (
    CONNECTED,
    ONE,
    R1,
    R2,
    T1,
    T2,
    Script,
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
from vivavoce.core.phase import Phase
from vivavoce.core.playout import Playout
from vivavoce.events import (
    END_CALL,
    FAREWELL,
    CallerAudio,
    CallerHungUp,
    CallerSpeechStarted,
    CallerText,
    CallStarted,
    CancelResponse,
    CancelTool,
    ChannelLost,
    CloseCall,
    CloseModel,
    Disposition,
    Event,
    FinishPlaying,
    Flush,
    HangUp,
    Ignore,
    ModelLost,
    ModelReady,
    Play,
    ResponseFinished,
    ResponseInterrupted,
    ResponseStarted,
    ReturnToolResult,
    Speak,
    StopRequested,
    StoreFailed,
    TimePassed,
    ToolFinished,
    ToolRequested,
    ToolStatus,
)

GOODBYE = ToolRequested(ONE, T1, END_CALL, '{"reason": "goodbye"}')
PERSON = ToolRequested(ONE, T1, END_CALL, '{"reason": "person"}')
CALLER_STARTS = CallerSpeechStarted(ONE, samples(0))
BY_AGENT = "the agent ended the call"


def _saying_goodbye() -> Script:
    """At ten seconds the agent calls end_call while two seconds of its last sentence are still to be heard."""
    call = talking()
    call.at(10_000, *whole(R1, 2_000), GOODBYE)
    assert call.session.phase.state is Phase.ENDING
    return call


def _saying_farewell() -> Script:
    """Nobody spoke for ten seconds; half a second of the farewell was made."""
    call = talking(plan(silence_limit_ms=10_000, farewell="Goodbye."))
    call.at(10_000, ResponseStarted(ONE, FAREWELL), said(FAREWELL, 500))
    return call


PHASES: dict[str, Callable[[], Script]] = {
    "opening": opening,
    "talking": talking,
    "ending": _saying_goodbye,
    "farewell": _saying_farewell,
}
in_every_phase = pytest.mark.parametrize("make", PHASES.values(), ids=PHASES)


# -- the agent ends it -------------------------------------------------------------------------------------------------


def test_end_call_waits_until_what_is_being_said_is_heard() -> None:
    call = talking()
    assert call.at(0, *whole(R1, 2_000), GOODBYE) == (Play(R1, audio(2_000)), FinishPlaying(R1))
    assert call.at(1_000, played(R1, 1_000)) == ()
    assert call.at(2_000, played(R1, 2_000)) == (
        CloseModel(ONE),
        HangUp(BY_AGENT),
        CloseCall(Disposition.COMPLETED, BY_AGENT),
    )


def test_end_call_waits_for_a_response_that_is_still_being_made() -> None:
    call = talking()
    call.at(0, ResponseStarted(ONE, R1), GOODBYE)
    assert call.at(100, said(R1, 500)) == (Play(R1, audio(500)),)
    assert call.at(600, played(R1, 500)) == ()
    assert call.at(700, ResponseFinished(ONE, R1))[-1] == CloseCall(Disposition.COMPLETED, BY_AGENT)


def test_end_call_when_nothing_is_said_closes_at_once() -> None:
    call = talking(plan(farewell="Goodbye."))
    assert call.at(0, GOODBYE) == (CloseModel(ONE), HangUp(BY_AGENT), CloseCall(Disposition.COMPLETED, BY_AGENT))


@pytest.mark.parametrize(
    ("arguments", "disposition"),
    [
        ('{"reason": "goodbye"}', Disposition.COMPLETED),
        ('{"reason": "person"}', Disposition.HANDOFF),
        ('{"reason":"person"}', Disposition.HANDOFF),
        ("{}", Disposition.COMPLETED),
        ("not json", Disposition.COMPLETED),
        ('{"reason": "a personal matter"}', Disposition.COMPLETED),
        ('{"reason": "\ud800"}', Disposition.COMPLETED),
    ],
)
def test_end_call_means_the_end_whatever_its_arguments(arguments: str, disposition: Disposition) -> None:
    closed = talking().at(0, ToolRequested(ONE, T1, END_CALL, arguments))[-1]
    assert isinstance(closed, CloseCall)
    assert closed.disposition is disposition


def test_end_call_is_no_tool_to_run() -> None:
    call = _saying_goodbye()
    assert call.at(10_010, ToolFinished(T1, ToolStatus.OK, "1")) == (
        Ignore("ToolFinished", "nobody waits for this tool call"),
    )


def test_why_a_call_ends_is_settled_once() -> None:
    call = _saying_goodbye()
    assert call.at(10_010, PERSON) == (Ignore("ToolRequested", "the call is ending"),)
    assert call.at(12_000, played(R1, 2_000))[-1] == CloseCall(Disposition.COMPLETED, BY_AGENT)


def test_a_caller_who_wants_a_person_is_handed_off() -> None:
    call = talking()
    call.at(0, *whole(R1, 500), PERSON)
    assert call.at(500, played(R1, 500))[-1] == CloseCall(Disposition.HANDOFF, "the caller wants a person")


# -- while the last words are said -------------------------------------------------------------------------------------


def test_last_words_can_be_interrupted_and_then_the_call_is_over() -> None:
    call = _saying_goodbye()
    assert call.at(10_500, CALLER_STARTS) == (
        Flush(R1),
        CloseModel(ONE),
        HangUp(BY_AGENT),
        CloseCall(Disposition.COMPLETED, BY_AGENT),
    )


def test_a_farewell_is_never_cut() -> None:
    call = _saying_farewell()
    assert call.at(10_100, CALLER_STARTS) == ()
    assert call.at(10_200, said(FAREWELL, 500)) == (Play(FAREWELL, audio(500)),)
    assert call.at(10_300, ResponseInterrupted(ONE, FAREWELL)) == (FinishPlaying(FAREWELL),)
    assert call.at(11_000, played(FAREWELL, 1_000))[-1] == CloseCall(Disposition.SILENCE, "nobody spoke")


def test_a_farewell_comes_after_what_is_being_said() -> None:
    call = talking(plan(call_limit_ms=20_000, farewell="Goodbye."))
    call.at(19_900, ResponseStarted(ONE, R1), said(R1, 500))
    assert call.at(20_100, ResponseStarted(ONE, FAREWELL), said(FAREWELL, 100)) == (
        FinishPlaying(R1),
        Play(FAREWELL, audio(100)),
    )
    assert call.at(20_500, CALLER_STARTS) == (Flush(R1),)
    call.at(20_510, stopped(R1, 300), ResponseFinished(ONE, FAREWELL))
    assert call.at(20_600, played(FAREWELL, 100))[-1] == CloseCall(Disposition.TOO_LONG, "the longest call is over")


def test_the_call_does_not_close_between_a_farewell_asked_for_and_begun() -> None:
    call = talking(plan(call_limit_ms=20_000, farewell="Goodbye."))
    call.at(19_000, *whole(R1, 1_000))
    assert call.at(20_000, played(R1, 1_000)) == ()
    assert not call.session.closed


def test_while_last_words_are_said_the_caller_is_not_listened_to() -> None:
    call = _saying_goodbye()
    assert call.at(10_010, CallerAudio(audio(20)), CallerText("wait")) == (
        Ignore("CallerAudio", "the call is ending", samples(20)),
        Ignore("CallerText", "the call is ending"),
    )


def test_a_tool_that_finishes_while_last_words_are_said_is_answered() -> None:
    call = talking()
    call.at(0, ToolRequested(ONE, T2, "book", "{}"), *whole(R1, 2_000), GOODBYE)
    assert call.at(10, ToolFinished(T2, ToolStatus.OK, "1")) == (ReturnToolResult(ONE, T2, ToolStatus.OK, "1"),)


# -- the caller leaves -------------------------------------------------------------------------------------------------


def test_a_caller_who_hangs_up_completes_the_call() -> None:
    call = talking()
    call.at(0, ResponseStarted(ONE, R1), said(R1, 500), ToolRequested(ONE, T2, "book", "{}"))
    assert call.at(100, CallerHungUp("busy")) == (
        CancelTool(T2),
        CloseModel(ONE),
        CloseCall(Disposition.COMPLETED, "busy"),
    )


def test_a_channel_that_breaks_is_a_lost_call() -> None:
    assert talking().at(0, ChannelLost("reset")) == (CloseModel(ONE), CloseCall(Disposition.CHANNEL_LOST, "reset"))


@pytest.mark.parametrize("event", [CallerHungUp(), ChannelLost("reset")], ids=["hung up", "lost"])
@pytest.mark.parametrize(
    ("make", "verdict"),
    [
        (_saying_goodbye, CloseCall(Disposition.COMPLETED, BY_AGENT)),
        (_saying_farewell, CloseCall(Disposition.SILENCE, "nobody spoke")),
    ],
    ids=["goodbye", "farewell"],
)
def test_a_channel_gone_during_last_words_leaves_the_verdict(
    make: Callable[[], Script], verdict: CloseCall, event: Event
) -> None:
    assert make().at(10_000, event) == (CloseModel(ONE), verdict)


@in_every_phase
def test_nobody_hangs_up_on_a_channel_that_is_gone(make: Callable[[], Script]) -> None:
    call = make()
    call.at(10_100, ChannelLost("reset"))
    assert call.session.closed
    assert call.all(HangUp) == []


# -- the model leaves --------------------------------------------------------------------------------------------------


def test_a_model_lost_for_good_ends_the_call_once_what_was_said_is_heard() -> None:
    call = talking(plan(models=("only",)))
    call.at(0, ResponseStarted(ONE, R1), said(R1, 500))
    assert call.at(100, ModelLost(ONE, "no", retryable=False)) == (FinishPlaying(R1),)
    assert call.at(500, played(R1, 500)) == (HangUp("no"), CloseCall(Disposition.MODEL_LOST, "no"))


def test_a_model_lost_for_good_in_silence_ends_the_call_at_once() -> None:
    call = talking(plan(models=("only",)))
    assert call.at(100, ModelLost(ONE, "no", retryable=False)) == (
        HangUp("no"),
        CloseCall(Disposition.MODEL_LOST, "no"),
    )


def test_a_model_lost_while_its_last_words_are_played_lets_them_be_heard() -> None:
    call = _saying_goodbye()
    assert call.at(10_500, ModelLost(ONE, "reset")) == ()
    assert call.at(12_000, played(R1, 2_000)) == (HangUp(BY_AGENT), CloseCall(Disposition.COMPLETED, BY_AGENT))


def test_a_model_lost_before_it_begins_the_farewell_ends_the_call() -> None:
    call = talking(plan(silence_limit_ms=10_000, farewell="Goodbye."))
    call.until(10_000)
    assert call.at(10_100, ModelLost(ONE, "reset")) == (
        HangUp("nobody spoke"),
        CloseCall(Disposition.SILENCE, "nobody spoke"),
    )


def test_a_lost_model_says_no_more_and_is_told_no_more() -> None:
    call = talking(plan(call_limit_ms=20_000, farewell="Goodbye."))
    call.at(19_900, ResponseStarted(ONE, R1), said(R1, 500), ToolRequested(ONE, T2, "book", "{}"))
    call.at(20_100, *whole(FAREWELL, 1_000), CALLER_STARTS)
    assert call.at(20_200, ModelLost(ONE, "reset")) == ()
    assert call.at(20_300, stopped(R1, 300)) == ()
    assert call.at(20_300, ToolFinished(T2, ToolStatus.OK, "1")) == (
        Ignore("ToolFinished", "the model that asked is gone"),
    )
    assert call.at(20_300, ResponseStarted(ONE, R2), ModelLost(ONE, "reset")) == (
        Ignore("ResponseStarted", "the model is gone"),
        Ignore("ModelLost", "the model is gone"),
    )


# -- we leave ----------------------------------------------------------------------------------------------------------


@in_every_phase
@pytest.mark.parametrize(
    ("event", "disposition"),
    [(StopRequested("draining"), Disposition.STOPPED), (StoreFailed("disk full"), Disposition.FAILED)],
    ids=["stop", "store"],
)
def test_stopping_closes_everything_now(make: Callable[[], Script], event: Event, disposition: Disposition) -> None:
    call = make()
    reason = "draining" if disposition is Disposition.STOPPED else "disk full"
    assert call.at(10_100, event) == (CloseModel(ONE), HangUp(reason), CloseCall(disposition, reason))


def test_audio_still_held_is_given_up() -> None:
    call = opening()
    call.at(0, CONNECTED, CallerAudio(audio(60)))
    assert call.at(0, StopRequested("draining"))[0] == Ignore(
        "CallerAudio", "the call closed before a model listened", samples(60)
    )
    assert (call.session.intake.held, call.session.intake.dropped) == (0, samples(60))


# -- and then nothing --------------------------------------------------------------------------------------------------

AFTERWARDS: list[Event] = [
    CallStarted(plan()),
    TimePassed(),
    CONNECTED,
    ModelReady(ONE),
    CALLER_STARTS,
    ResponseStarted(ONE, R2),
    ToolFinished(T1, ToolStatus.OK, "1"),
    CallerHungUp(),
    ModelLost(ONE, "reset"),
    StopRequested("again"),
    StoreFailed("disk full"),
]


@pytest.mark.parametrize("event", AFTERWARDS, ids=lambda event: type(event).__name__)
def test_after_the_end_every_event_is_ignored(event: Event) -> None:
    call = talking()
    call.at(0, StopRequested("draining"))
    assert call.at(10, event) == (Ignore(type(event).__name__, "the call is closed"),)
    assert len(call.all(CloseCall)) == 1
    assert call.session.deadline is None


def test_audio_after_the_end_is_dropped_and_counted_on_both_sides() -> None:
    call = talking()
    call.at(0, StopRequested("draining"))
    assert call.at(10, CallerAudio(audio(20)), said(R1, 40)) == (
        Ignore("CallerAudio", "the call is closed", samples(20)),
        Ignore("AgentAudio", "the call is closed", samples(40)),
    )
    assert call.session.intake.dropped == samples(20)


@in_every_phase
def test_the_last_effect_is_close_call(make: Callable[[], Script]) -> None:
    call = make()
    call.at(10_100, CallerHungUp())
    assert isinstance(call.effects[-1], CloseCall)
    assert len(call.all(CloseCall)) == 1


def test_what_was_being_played_is_left_as_it_was() -> None:
    call = talking()
    call.at(0, *whole(R1, 2_000), CallerHungUp())
    playout = call.session.talk.playouts.get(R1)
    assert playout is not None
    assert (playout.state, playout.played) == (Playout.ENDING, 0)
    assert call.all(CancelResponse) == []
    assert call.all(Speak) == []
