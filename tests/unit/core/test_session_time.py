"""Limits: nobody talks, the call is too long, the channel does not report. The clock is the test's."""

from __future__ import annotations

import pytest

from tests.unit.core.scenario import (
    ONE,
    R1,
    R2,
    T1,
    Script,
    audio,
    instant,
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
from vivavoce.core.timers import Timer
from vivavoce.events import (
    FAREWELL,
    GREETING,
    CallerAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CloseCall,
    CloseModel,
    Disposition,
    Event,
    Evidence,
    FinishPlaying,
    HangUp,
    ModelLost,
    PlayoutProgress,
    ResponseFinished,
    ResponseInterrupted,
    ResponseStarted,
    Speak,
    StopRequested,
    TimePassed,
    ToolFinished,
    ToolRequested,
    ToolStatus,
)

SHORT = plan(silence_limit_ms=10_000, farewell="Goodbye.")
CALLER_STARTS = CallerSpeechStarted(ONE, samples(0))
CALLER_STOPS = CallerSpeechStopped(ONE, samples(0))
SILENCE_FAREWELL = (Speak(ONE, FAREWELL, "Goodbye."),)


def _silent_since(call: Script) -> int | None:
    """The instant in ms from which silence counts, or None while it does not."""
    deadline = call.session.deadline
    return None if deadline is None or deadline > instant(600_000) else deadline // 1000 - 10_000


# -- silence -----------------------------------------------------------------------------------------------------------


def test_silence_from_the_first_moment_ends_the_call() -> None:
    call = talking(SHORT)
    assert call.until(9_999) == ()
    assert call.until(10_000) == SILENCE_FAREWELL
    assert call.session.phase.state is Phase.ENDING


def test_without_a_farewell_silence_closes_at_once() -> None:
    call = talking(plan(silence_limit_ms=10_000))
    assert call.until(10_000) == (
        CloseModel(ONE),
        HangUp("nobody spoke"),
        CloseCall(Disposition.SILENCE, "nobody spoke"),
    )


def test_silence_does_not_count_while_the_caller_talks() -> None:
    call = talking(SHORT)
    call.at(9_000, CALLER_STARTS)
    assert _silent_since(call) is None
    call.at(50_000, CALLER_STOPS)
    assert _silent_since(call) == 50_000
    assert call.until(59_999) == ()
    assert call.until(60_000) == SILENCE_FAREWELL


def test_silence_does_not_count_while_the_model_prepares_or_speaks() -> None:
    call = talking(SHORT)
    call.at(9_000, ResponseStarted(ONE, R1))
    assert _silent_since(call) is None
    call.at(30_000, said(R1, 100))
    assert not call.session.timers.is_set(Timer.SILENCE)
    call.at(50_000, played(R1, 100))
    assert _silent_since(call) is None
    call.at(60_000, ResponseFinished(ONE, R1))
    assert _silent_since(call) == 60_000


def test_silence_does_not_count_while_the_caller_hears_the_agent() -> None:
    call = talking(SHORT)
    call.at(1_000, *whole(R1, 30_000))
    call.at(16_000, played(R1, 15_000))
    assert call.all(Speak) == []
    call.at(31_000, played(R1, 30_000))
    assert _silent_since(call) == 31_000


def test_silence_does_not_count_while_a_tool_works() -> None:
    call = talking(SHORT)
    call.at(9_000, ToolRequested(ONE, T1, "book", "{}"))
    assert _silent_since(call) is None
    call.at(40_000, ToolFinished(T1, ToolStatus.OK, "1"))
    assert _silent_since(call) == 40_000


def test_silence_counts_from_the_moment_the_agent_has_yielded() -> None:
    call = talking(SHORT)
    call.at(1_000, ResponseStarted(ONE, R1), said(R1, 100), CALLER_STARTS, CALLER_STOPS)
    assert _silent_since(call) == 1_000
    call.at(1_100, stopped(R1, 50))
    assert _silent_since(call) == 1_000


def test_typing_breaks_the_silence() -> None:
    call = talking(SHORT)
    call.at(9_000, CallerText("hello"))
    assert _silent_since(call) == 9_000


@pytest.mark.parametrize(
    "event", [CallerAudio(audio(20)), PlayoutProgress(R2, samples(5), Evidence.PLAYED)], ids=["audio", "progress"]
)
def test_what_is_no_speech_does_not_break_the_silence(event: Event) -> None:
    call = talking(SHORT)
    call.at(9_000, event)
    assert _silent_since(call) == 0


def test_the_caller_may_be_silent_after_the_greeting() -> None:
    call = talking(plan(greeting="Hello.", silence_limit_ms=10_000))
    call.at(500, *whole(GREETING, 1_000))
    call.at(1_500, played(GREETING, 1_000))
    assert _silent_since(call) == 1_500


# -- the longest call --------------------------------------------------------------------------------------------------


def test_the_longest_call_ends_with_a_farewell() -> None:
    call = talking(plan(call_limit_ms=20_000, farewell="Time is up."))
    assert call.until(19_999) == ()
    assert call.until(20_000) == (Speak(ONE, FAREWELL, "Time is up."),)
    call.at(20_100, *whole(FAREWELL, 900))
    assert call.at(21_000, played(FAREWELL, 900)) == (
        CloseModel(ONE),
        HangUp("the longest call is over"),
        CloseCall(Disposition.TOO_LONG, "the longest call is over"),
    )


def test_the_longest_call_ends_whoever_is_talking() -> None:
    call = talking(plan(call_limit_ms=20_000))
    call.at(0, ResponseStarted(ONE, R1), said(R1, 30_000))
    call.at(19_000, CALLER_STARTS, CALLER_STOPS, CALLER_STARTS)
    assert call.until(20_000)[-1] == CloseCall(Disposition.TOO_LONG, "the longest call is over")


def test_the_longest_call_lets_the_agent_finish_its_sentence() -> None:
    call = talking(plan(call_limit_ms=20_000))
    call.at(19_000, *whole(R1, 3_000))
    assert call.until(20_000) == ()
    assert call.at(22_000, played(R1, 3_000))[-1] == CloseCall(Disposition.TOO_LONG, "the longest call is over")


def test_two_limits_that_pass_together_end_the_call_once() -> None:
    """A busy engine may say late that time has passed: the earlier limit settles why, and the farewell is said."""
    call = talking(plan(silence_limit_ms=10_000, call_limit_ms=10_500, farewell="Goodbye."))
    assert call.session.receive(TimePassed(), instant(11_000)) == SILENCE_FAREWELL
    call.at(11_100, *whole(FAREWELL, 500))
    assert call.at(11_600, played(FAREWELL, 500))[-1] == CloseCall(Disposition.SILENCE, "nobody spoke")


# -- the end of the last words -----------------------------------------------------------------------------------------


def test_last_words_that_never_end_do_not_hold_the_line() -> None:
    call = talking(SHORT)
    call.until(10_000)
    call.at(11_000, ResponseStarted(ONE, FAREWELL), said(FAREWELL, 100))
    assert call.until(29_999) == ()
    assert call.until(30_000) == (
        CloseModel(ONE),
        HangUp("nobody spoke"),
        CloseCall(Disposition.SILENCE, "nobody spoke"),
    )


def test_a_farewell_that_never_begins_does_not_hold_the_line() -> None:
    call = talking(SHORT)
    call.until(10_000)
    assert call.until(29_999) == ()
    assert call.until(30_000)[-1] == CloseCall(Disposition.SILENCE, "nobody spoke")


# -- a channel that does not report ------------------------------------------------------------------------------------


def _state(call: Script, event: object = R1) -> Playout | None:
    playout = call.session.talk.playouts.get(R1 if event is R1 else R2)
    return playout.state if playout else None


def test_without_a_report_playout_is_assumed_when_the_wall_clock_says_so() -> None:
    call = talking()
    call.at(1_000, *whole(R1, 4_000))
    call.until(9_999)  # its length and five seconds of grace
    assert _state(call) is Playout.ENDING
    assert call.until(10_000) == ()
    assert _state(call) is Playout.PLAYED


def test_a_report_has_the_rest_reckoned_anew() -> None:
    call = talking()
    call.at(1_000, *whole(R1, 4_000))
    call.at(9_000, played(R1, 3_000))
    call.until(14_999)  # one second is left of it, and five of grace
    assert _state(call) is Playout.ENDING
    call.until(15_000)
    assert _state(call) is Playout.PLAYED


@pytest.mark.parametrize(
    "ended_by",
    [
        ResponseFinished(ONE, R2),
        ResponseInterrupted(ONE, R2),
        ResponseStarted(ONE, R1),
    ],
    ids=["finished", "broken off", "overtaken"],
)
def test_a_second_response_has_the_rest_reckoned_anew(ended_by: Event) -> None:
    """However the second one ends, its own length counts, not only what was left of the first when that ended."""
    call = talking(plan(interruption="never"))
    call.at(0, *whole(GREETING, 1_000))
    call.at(100, ResponseStarted(ONE, R2), said(R2, 20_000), ended_by)
    call.until(26_099)
    assert _state(call, R2) is Playout.ENDING
    call.until(26_100)
    assert _state(call, R2) is Playout.PLAYED


def test_what_was_sent_of_a_response_still_being_made_is_assumed_played() -> None:
    """Else a channel that reports nothing holds back the model, and with it the end of the response, for ever."""
    call = talking()
    call.at(0, ResponseStarted(ONE, R1), said(R1, 1_000))
    call.until(5_999)
    assert call.session.talk.playouts.unplayed == samples(1_000)
    call.until(100_000)
    assert call.session.talk.playouts.unplayed == 0
    assert _state(call) is Playout.OPEN


def test_more_of_a_response_has_the_rest_reckoned_anew() -> None:
    call = talking()
    call.at(0, ResponseStarted(ONE, R1), said(R1, 1_000))
    call.at(5_000, said(R1, 1_000))
    call.until(11_999)
    assert call.session.talk.playouts.unplayed == samples(2_000)
    call.until(12_000)
    assert call.session.talk.playouts.unplayed == 0


def test_a_flushed_response_is_not_waited_for() -> None:
    call = talking(SHORT)
    call.at(0, *whole(R1, 4_000))
    call.at(1_000, CALLER_STARTS, CALLER_STOPS)
    assert _silent_since(call) == 1_000
    assert call.until(10_999) == ()


def test_last_words_are_over_when_the_wall_clock_says_so() -> None:
    call = talking(SHORT)
    call.until(10_000)
    call.at(10_500, *whole(FAREWELL, 1_000))
    assert call.until(16_499) == ()
    assert call.until(16_500)[-1] == CloseCall(Disposition.SILENCE, "nobody spoke")


def test_what_a_lost_model_left_is_waited_for_at_its_own_length() -> None:
    call = talking(SHORT)
    call.until(10_000)
    call.at(10_500, ResponseStarted(ONE, FAREWELL), said(FAREWELL, 1_000))
    assert call.at(10_500, ModelLost(ONE, "reset")) == (FinishPlaying(FAREWELL),)
    assert call.until(16_499) == ()
    assert call.until(16_500) == (HangUp("nobody spoke"), CloseCall(Disposition.SILENCE, "nobody spoke"))


# -- the deadline ------------------------------------------------------------------------------------------------------


def test_time_that_has_not_come_changes_nothing() -> None:
    call = talking(SHORT)
    before = call.session.deadline
    assert call.session.receive(TimePassed(), instant(5_000)) == ()
    assert call.session.deadline == before


def test_a_closed_call_has_no_deadline_even_if_something_was_playing() -> None:
    call = talking()
    call.at(0, *whole(R1, 4_000))
    call.at(100, StopRequested("draining"))
    assert call.session.closed
    assert call.session.deadline is None
