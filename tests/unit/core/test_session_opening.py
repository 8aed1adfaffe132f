"""Putting a call through: both ends, the greeting, what the caller says meanwhile, and who does not come."""

from __future__ import annotations

import pytest

from tests.unit.core.scenario import CONNECTED, ONE, T1, TWO, Script, audio, opening, plan, samples, talking
from vivavoce.core.phase import Phase
from vivavoce.events import (
    GREETING,
    CallerAudio,
    CallerConnected,
    CallerHungUp,
    CallerText,
    CallStarted,
    ChannelLost,
    CloseCall,
    CloseModel,
    Disposition,
    Event,
    ForwardAudio,
    ForwardText,
    HangUp,
    Ignore,
    ModelLost,
    ModelReady,
    OpenModel,
    ReplyRequested,
    RequestReply,
    Speak,
    StopRequested,
    StoreFailed,
    TimePassed,
    ToolRequested,
)

HELLO = plan(greeting="Hello.")


def test_a_call_begins_by_opening_the_first_model() -> None:
    call = Script()
    assert call.at(0, CallStarted(plan())) == (OpenModel(ONE, 0),)
    assert call.session.phase.state is Phase.OPENING


def test_nothing_has_a_deadline_before_the_start() -> None:
    assert Script().session.deadline is None


@pytest.mark.parametrize(
    "event",
    [TimePassed(), CONNECTED, CallerText("hi"), CallerHungUp(), ChannelLost("reset"), ModelReady(ONE)],
    ids=lambda event: type(event).__name__,
)
def test_before_the_start_nothing_counts(event: Event) -> None:
    call = Script()
    assert call.at(0, event) == (Ignore(type(event).__name__, "the call has not started"),)
    assert call.session.phase.state is Phase.NEW


def test_audio_before_the_start_is_dropped_and_counted() -> None:
    call = Script()
    assert call.at(0, CallerAudio(audio(20))) == (Ignore("CallerAudio", "the call is new", samples(20)),)
    assert (call.session.intake.received, call.session.intake.dropped) == (samples(20), samples(20))


def test_a_call_can_be_stopped_before_it_starts() -> None:
    assert Script().at(0, StopRequested("draining")) == (
        HangUp("draining"),
        CloseCall(Disposition.STOPPED, "draining"),
    )


def test_a_call_whose_timeline_cannot_be_kept_does_not_start() -> None:
    assert Script().at(0, StoreFailed("disk full"))[-1] == CloseCall(Disposition.FAILED, "disk full")


def test_a_call_starts_once() -> None:
    call = opening()
    assert call.at(0, CallStarted(plan())) == (Ignore("CallStarted", "the call has already started"),)


def test_an_agent_without_a_model_cannot_talk() -> None:
    assert Script().at(0, CallStarted(plan(models=()))) == (
        HangUp("the agent names no model"),
        CloseCall(Disposition.MODEL_LOST, "the agent names no model"),
    )


# -- the greeting ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(CONNECTED, ModelReady(ONE)), (ModelReady(ONE), CONNECTED)])
def test_the_agent_greets_when_both_ends_are_there(order: tuple[Event, Event]) -> None:
    call = opening(HELLO)
    first, second = order
    assert call.at(100, first) == ()
    assert call.at(200, second) == (Speak(ONE, GREETING, "Hello."),)
    assert call.session.phase.state is Phase.TALKING


def test_without_a_greeting_the_caller_begins() -> None:
    assert opening(plan()).at(0, CONNECTED, ModelReady(ONE)) == ()


def test_each_end_comes_once() -> None:
    call = talking(HELLO)
    assert call.at(10, CallerConnected("other", 16_000), ModelReady(ONE)) == (
        Ignore("CallerConnected", "the channel is live"),
        Ignore("ModelReady", "the model is live"),
    )
    assert call.session.rate_hz == 8000
    assert len(call.all(Speak)) == 1


# -- what the caller says meanwhile ------------------------------------------------------------------------------------


def test_what_the_caller_says_before_the_model_is_ready_is_handed_over_in_order() -> None:
    call = opening(HELLO)
    chunks = [CallerAudio(audio(ms)) for ms in (20, 40, 60)]
    assert call.at(0, CONNECTED, *chunks) == ()
    assert call.at(500, ModelReady(ONE)) == (
        Speak(ONE, GREETING, "Hello."),
        *(ForwardAudio(ONE, chunk.audio) for chunk in chunks),
    )
    intake = call.session.intake
    assert (intake.received, intake.forwarded, intake.held) == (samples(120), samples(120), 0)


def test_all_that_is_said_while_a_model_opens_is_kept() -> None:
    call = opening()
    call.at(0, CONNECTED)
    assert [call.at(ms, CallerAudio(audio(1000))) for ms in range(0, 29_000, 1000)] == [()] * 29
    call.at(29_500, ModelReady(ONE))
    assert [forward.audio for forward in call.all(ForwardAudio)] == [audio(1000)] * 29


def test_audio_of_a_caller_who_is_not_connected_is_dropped() -> None:
    call = opening()
    assert call.at(0, CallerAudio(audio(20))) == (Ignore("CallerAudio", "the call is opening", samples(20)),)


def test_text_waits_for_the_talk_and_tools_do_not() -> None:
    call = opening()
    call.at(0, ModelReady(ONE))
    tool = ToolRequested(ONE, T1, "find_cars", "{}")
    assert call.at(0, CallerText("hi"), tool) == (Ignore("ToolRequested", "the call is opening"),)
    assert call.at(10, CONNECTED) == (ForwardText(ONE, "hi"),)


def test_what_is_asked_early_comes_after_the_greeting_and_goes_to_whoever_is_there() -> None:
    call = opening(plan(greeting="Good morning."))
    call.at(0, CONNECTED, ReplyRequested("Be brief."))
    assert call.at(5, ModelLost(ONE, "reset")) == (OpenModel(TWO, 1),)
    assert call.at(10, ModelReady(TWO)) == (Speak(TWO, GREETING, "Good morning."), RequestReply(TWO, "Be brief."))


# -- who does not come -------------------------------------------------------------------------------------------------


def test_a_caller_who_is_not_put_through_in_time_is_given_up() -> None:
    call = opening()
    call.at(0, ModelReady(ONE))
    assert call.until(29_999) == ()
    reason = "the caller was not put through in time"
    assert call.until(30_000) == (CloseModel(ONE), HangUp(reason), CloseCall(Disposition.CHANNEL_LOST, reason))


def test_a_model_that_is_not_ready_in_time_ends_the_call() -> None:
    call = opening()
    call.at(0, CONNECTED, CallerAudio(audio(20)))
    assert call.until(29_999) == ()
    reason = "no model was ready in time"
    assert call.until(30_000) == (
        Ignore("CallerAudio", "the call closed before a model listened", samples(20)),
        CloseModel(ONE),
        HangUp(reason),
        CloseCall(Disposition.MODEL_LOST, reason),
    )


def test_once_both_are_there_the_opening_has_no_limit() -> None:
    call = talking()
    assert call.until(59_999) == ()


def test_the_next_model_in_the_order_of_preference_is_opened_when_one_will_not() -> None:
    call = opening(HELLO)
    call.at(0, CONNECTED, CallerAudio(audio(20)))
    assert call.at(100, ModelLost(ONE, "no such region")) == (OpenModel(TWO, 1),)
    assert call.at(100, ModelReady(ONE)) == (Ignore("ModelReady", "an event of an old connection"),)
    assert call.at(200, ModelReady(TWO)) == (Speak(TWO, GREETING, "Hello."), ForwardAudio(TWO, audio(20)))


def test_the_opening_limit_is_for_all_models_together() -> None:
    call = opening()
    call.at(0, CONNECTED)
    call.at(29_000, ModelLost(ONE, "refused"))
    assert call.until(30_000)[-1] == CloseCall(Disposition.MODEL_LOST, "no model was ready in time")


def test_when_no_model_will_open_the_last_reason_is_told() -> None:
    call = opening()
    assert call.at(0, CONNECTED, ModelLost(ONE, "no such region"), ModelLost(TWO, "out of quota")) == (
        OpenModel(TWO, 1),
        HangUp("out of quota"),
        CloseCall(Disposition.MODEL_LOST, "out of quota"),
    )


def test_a_model_lost_while_the_caller_is_still_put_through_makes_room_for_the_next() -> None:
    call = opening()
    assert call.at(0, ModelReady(ONE), ModelLost(ONE, "reset")) == (OpenModel(TWO, 1),)


def test_a_caller_who_hangs_up_while_it_rings_ends_the_call() -> None:
    call = opening()
    assert call.at(0, CallerHungUp()) == (
        CloseModel(ONE),
        CloseCall(Disposition.COMPLETED, "the caller hung up"),
    )


def test_a_call_shorter_than_its_opening_ends_without_a_farewell() -> None:
    call = opening(plan(call_limit_ms=5_000, farewell="Goodbye."))
    assert call.until(5_000) == (
        CloseModel(ONE),
        HangUp("the longest call is over"),
        CloseCall(Disposition.TOO_LONG, "the longest call is over"),
    )
