"""Who talks and what is heard of it, without the rest of the call."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.core.scenario import ONE, R1, R2, audio, plan, played, said, samples, stopped
from vivavoce.core.playout import Playout
from vivavoce.core.talk import Talk
from vivavoce.core.voices import Agent, Caller
from vivavoce.events import (
    FAREWELL,
    GREETING,
    AgentText,
    CallerSpeechStarted,
    CallPlan,
    CancelResponse,
    Effect,
    Evidence,
    FinishPlaying,
    Flush,
    Ignore,
    Play,
    PlayoutProgress,
    ResponseFinished,
    ResponseId,
    ResponseInterrupted,
    ResponseStarted,
    Samples,
    Truncate,
)

SPEAKS = CallerSpeechStarted(ONE, samples(0))


def _state(talk: Talk, response: ResponseId) -> Playout:
    playout = talk.playouts.get(response)
    assert playout is not None
    return playout.state


def _do(*steps: Iterator[Effect]) -> list[Effect]:
    return [effect for step in steps for effect in step]


def _speaking(response: ResponseId = R1, ms: int = 1000, call_plan: CallPlan | None = None) -> Talk:
    """The agent makes ``response`` and has sent ``ms`` of it."""
    talk = Talk(call_plan or plan())
    _do(talk.response_started(ResponseStarted(ONE, response)), talk.agent_audio(said(response, ms)))
    return talk


# -- the agent's turn --------------------------------------------------------------------------------------------------


def test_a_response_is_played_as_it_is_made_and_finished() -> None:
    talk = Talk(plan())
    assert talk.quiet
    assert _do(talk.response_started(ResponseStarted(ONE, R1))) == []
    assert (talk.agent.state, talk.response) == (Agent.PREPARING, R1)
    assert _do(talk.agent_audio(said(R1, 20))) == [Play(R1, audio(20))]
    assert talk.agent.state is Agent.SPEAKING
    assert _do(talk.response_finished(ResponseFinished(ONE, R1))) == [FinishPlaying(R1)]
    assert (talk.agent.state, talk.response, _state(talk, R1)) == (Agent.IDLE, None, Playout.ENDING)
    assert _do(talk.playout_progress(played(R1, 20))) == []
    assert _state(talk, R1) is Playout.PLAYED
    assert talk.quiet


def test_a_response_played_before_it_is_finished_ends_when_it_is_finished() -> None:
    talk = _speaking(ms=100)
    _do(talk.playout_progress(played(R1, 100)))
    assert _state(talk, R1) is Playout.OPEN
    assert _do(talk.response_finished(ResponseFinished(ONE, R1))) == [FinishPlaying(R1)]
    assert _state(talk, R1) is Playout.PLAYED


def test_a_response_without_audio_is_over_when_it_is_finished() -> None:
    talk = Talk(plan())
    _do(talk.response_started(ResponseStarted(ONE, R1)), talk.response_finished(ResponseFinished(ONE, R1)))
    assert _state(talk, R1) is Playout.PLAYED
    assert talk.agent_quiet


def test_a_response_played_in_part_is_not_over() -> None:
    talk = _speaking(ms=100)
    nearly = PlayoutProgress(R1, Samples(samples(100) - 1), Evidence.PLAYED)
    _do(talk.response_finished(ResponseFinished(ONE, R1)), talk.playout_progress(nearly))
    assert _state(talk, R1) is Playout.ENDING
    assert not talk.agent_quiet


def test_a_response_begun_while_another_is_unfinished_ends_that_one() -> None:
    talk = _speaking(R1)
    assert _do(talk.response_started(ResponseStarted(ONE, R2))) == [FinishPlaying(R1)]
    assert (talk.response, talk.agent.state) == (R2, Agent.PREPARING)
    assert (_state(talk, R1), _state(talk, R2)) == (Playout.ENDING, Playout.OPEN)
    assert _do(talk.response_finished(ResponseFinished(ONE, R1))) == [
        Ignore("ResponseFinished", "this response is not being made")
    ]
    assert talk.response == R2


def test_a_response_is_begun_once() -> None:
    talk = _speaking(R1)
    again = Ignore("ResponseStarted", "this response was already begun")
    assert _do(talk.response_started(ResponseStarted(ONE, R1))) == [again]
    assert talk.agent.state is Agent.SPEAKING
    _do(talk.response_finished(ResponseFinished(ONE, R1)))
    assert _do(talk.response_started(ResponseStarted(ONE, R1))) == [again]
    assert talk.response is None


def test_beginning_what_is_awaited_ends_the_wait() -> None:
    talk = Talk(plan())
    talk.awaited = FAREWELL
    _do(talk.response_started(ResponseStarted(ONE, R1)))
    assert talk.awaited == FAREWELL
    _do(talk.response_started(ResponseStarted(ONE, FAREWELL)))
    assert talk.awaited is None


# -- what comes out of turn --------------------------------------------------------------------------------------------


def test_audio_and_text_of_a_response_never_begun_are_ignored() -> None:
    talk = Talk(plan())
    assert _do(talk.agent_audio(said(R1, 20)), talk.agent_text(AgentText(ONE, R1, "Hello.", samples(0)))) == [
        Ignore("AgentAudio", "this response was never begun", samples(20)),
        Ignore("AgentText", "this response was never begun"),
    ]


def test_audio_after_the_end_of_its_response_is_ignored_and_counted() -> None:
    talk = _speaking(ms=100)
    _do(talk.response_finished(ResponseFinished(ONE, R1)))
    assert _do(talk.agent_audio(said(R1, 20))) == [Ignore("AgentAudio", "this response is ending", samples(20))]
    playout = talk.playouts.get(R1)
    assert playout is not None
    assert (playout.generated, playout.sent) == (samples(120), samples(100))


def test_a_caller_who_talks_already_cannot_start() -> None:
    talk = Talk(plan())
    assert _do(talk.caller_started(SPEAKS)) == []
    assert not talk.quiet
    assert _do(talk.caller_started(SPEAKS)) == [Ignore("CallerSpeechStarted", "the caller is already talking")]


def test_a_caller_who_is_silent_cannot_stop() -> None:
    talk = Talk(plan())
    assert _do(talk.caller_stopped()) == [Ignore("CallerSpeechStopped", "the caller is not talking")]
    _do(talk.caller_started(SPEAKS))
    assert _do(talk.caller_stopped()) == []
    assert talk.caller.state is Caller.SILENT


def test_playout_of_what_cannot_be_heard_is_ignored() -> None:
    talk = _speaking()
    assert _do(talk.playout_progress(played(R2, 20)), talk.playout_stopped(stopped(R2, 20), ONE)) == [
        Ignore("PlayoutProgress", "nothing of this response can be heard"),
        Ignore("PlayoutStopped", "this response was not flushed"),
    ]


def test_a_channel_that_stops_by_itself_is_not_believed() -> None:
    talk = _speaking()
    assert _do(talk.playout_stopped(stopped(R1, 20), ONE)) == [
        Ignore("PlayoutStopped", "this response was not flushed")
    ]
    assert _state(talk, R1) is Playout.OPEN


# -- barge-in ----------------------------------------------------------------------------------------------------------


def test_barge_in_flushes_cancels_and_tells_the_model_what_was_heard() -> None:
    talk = _speaking(ms=1000)
    _do(talk.agent_text(AgentText(ONE, R1, "We open at nine.", samples(0))))
    assert _do(talk.caller_started(SPEAKS)) == [Flush(R1), CancelResponse(ONE, R1)]
    assert (talk.agent.state, talk.response, _state(talk, R1)) == (Agent.IDLE, None, Playout.FLUSHING)
    assert _do(talk.playout_stopped(stopped(R1, 700), ONE)) == [Truncate(ONE, R1, samples(700), "We open at")]
    assert _state(talk, R1) is Playout.CUT


def test_barge_in_while_the_model_has_finished_cancels_nothing() -> None:
    talk = _speaking()
    _do(talk.response_finished(ResponseFinished(ONE, R1)))
    assert _do(talk.caller_started(SPEAKS)) == [Flush(R1)]


def test_barge_in_before_the_first_audio_still_cancels() -> None:
    talk = Talk(plan())
    _do(talk.response_started(ResponseStarted(ONE, R1)))
    assert _do(talk.caller_started(SPEAKS)) == [Flush(R1), CancelResponse(ONE, R1)]


def test_barge_in_flushes_everything_that_can_be_heard() -> None:
    talk = _speaking(R1)
    _do(talk.response_started(ResponseStarted(ONE, R2)))
    assert _do(talk.caller_started(SPEAKS)) == [Flush(R1), Flush(R2), CancelResponse(ONE, R2)]


def test_barge_in_when_nothing_can_be_heard_does_nothing() -> None:
    talk = _speaking(ms=100)
    _do(talk.response_finished(ResponseFinished(ONE, R1)), talk.playout_progress(played(R1, 100)))
    assert _do(talk.caller_started(SPEAKS)) == []


@pytest.mark.parametrize("answered", [False, True], ids=["flushing", "cut"])
def test_stale_audio_is_dropped_and_counted(answered: bool) -> None:
    talk = _speaking(ms=100)
    _do(talk.caller_started(SPEAKS))
    if answered:
        _do(talk.playout_stopped(stopped(R1, 50), ONE))
    why = f"this response is {'cut' if answered else 'flushing'}"
    assert _do(talk.agent_audio(said(R1, 20))) == [Ignore("AgentAudio", why, samples(20))]
    playout = talk.playouts.get(R1)
    assert playout is not None
    assert (playout.generated, playout.sent) == (samples(120), samples(100))


def test_the_end_of_a_cancelled_response_is_late() -> None:
    talk = _speaking()
    _do(talk.caller_started(SPEAKS))
    assert _do(
        talk.response_finished(ResponseFinished(ONE, R1)), talk.response_interrupted(ResponseInterrupted(ONE, R1))
    ) == [
        Ignore("ResponseFinished", "this response is not being made"),
        Ignore("ResponseInterrupted", "nothing of this response can be heard"),
    ]


def test_a_flush_is_answered_once() -> None:
    talk = _speaking()
    _do(talk.caller_started(SPEAKS), talk.playout_stopped(stopped(R1, 50), ONE))
    assert _do(talk.playout_stopped(stopped(R1, 80), ONE)) == [
        Ignore("PlayoutStopped", "this response was not flushed")
    ]


def test_a_new_response_follows_one_that_is_still_being_flushed() -> None:
    talk = _speaking(R1)
    _do(talk.caller_started(SPEAKS), talk.caller_stopped())
    assert _do(talk.response_started(ResponseStarted(ONE, R2)), talk.agent_audio(said(R2, 20))) == [Play(R2, audio(20))]
    assert _state(talk, R1) is Playout.FLUSHING


def test_typing_takes_the_turn_as_talking_does() -> None:
    talk = _speaking()
    assert _do(talk.caller_typed(ONE)) == [Flush(R1), CancelResponse(ONE, R1)]
    assert talk.caller.state is Caller.SILENT


@pytest.mark.parametrize(
    ("call_plan", "response", "yields"),
    [
        (plan(), R1, True),
        (plan(), GREETING, True),
        (plan(), FAREWELL, False),
        (plan(protect_greeting=True), GREETING, False),
        (plan(protect_greeting=True), R1, True),
        (plan(protect_greeting=True), FAREWELL, False),
        (plan(interruption="never"), R1, False),
        (plan(interruption="never"), GREETING, False),
    ],
)
def test_protected_speech_never_yields(call_plan: CallPlan, response: ResponseId, yields: bool) -> None:
    talk = _speaking(response, call_plan=call_plan)
    assert bool(_do(talk.caller_started(SPEAKS))) is yields
    assert _state(talk, response) is (Playout.FLUSHING if yields else Playout.OPEN)
    assert talk.response == (None if yields else response)


# -- when the model breaks off -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("finished", [False, True], ids=["being made", "still playing"])
def test_a_model_that_breaks_off_has_the_caller_hear_no_more(finished: bool) -> None:
    talk = _speaking()
    if finished:
        _do(talk.response_finished(ResponseFinished(ONE, R1)))
    assert _do(talk.response_interrupted(ResponseInterrupted(ONE, R1))) == [Flush(R1)]
    assert (talk.agent.state, talk.response, _state(talk, R1)) == (Agent.IDLE, None, Playout.FLUSHING)


def test_protected_speech_that_a_model_breaks_off_is_played_as_far_as_it_was_made() -> None:
    talk = _speaking(GREETING, call_plan=plan(protect_greeting=True))
    assert _do(talk.response_interrupted(ResponseInterrupted(ONE, GREETING))) == [FinishPlaying(GREETING)]
    assert (talk.agent.state, talk.response, _state(talk, GREETING)) == (Agent.IDLE, None, Playout.ENDING)


def test_breaking_off_an_earlier_response_leaves_the_current_one() -> None:
    talk = _speaking(R1)
    _do(talk.response_started(ResponseStarted(ONE, R2)))
    assert _do(talk.response_interrupted(ResponseInterrupted(ONE, R1))) == [Flush(R1)]
    assert (talk.response, talk.agent.state) == (R2, Agent.PREPARING)


def test_a_lost_model_leaves_what_it_made_to_be_played() -> None:
    talk = _speaking(ms=100)
    assert _do(talk.model_gone()) == [FinishPlaying(R1)]
    assert (talk.agent.state, talk.response, _state(talk, R1)) == (Agent.IDLE, None, Playout.ENDING)
    assert _do(talk.model_gone()) == []


# -- when the channel says nothing -------------------------------------------------------------------------------------


def test_assuming_playout_ends_only_what_was_sent_whole() -> None:
    talk = _speaking(R1, ms=100)
    _do(talk.response_started(ResponseStarted(ONE, R2)), talk.agent_audio(said(R2, 50)))
    talk.assume_played()
    first, second = talk.playouts.get(R1), talk.playouts.get(R2)
    assert first is not None
    assert second is not None
    assert (first.state, first.played, first.evidence) == (Playout.PLAYED, samples(100), Evidence.ASSUMED)
    assert (second.state, second.played) == (Playout.OPEN, samples(50))
