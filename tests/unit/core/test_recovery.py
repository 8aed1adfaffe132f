"""A model session that was lost is replaced: the caller's words are heard again, and they are told at most once."""

from __future__ import annotations

import pytest

from tests.unit.core.scenario import (
    CONNECTED,
    ONE,
    R1,
    T1,
    T2,
    THREE,
    TWO,
    Script,
    audio,
    opening,
    plan,
    played,
    said,
    samples,
    whole,
)
from vivavoce.core.recovery import APOLOGY_AFTER_US, BACKOFF_US, OPENING_LIMIT_US, SETTLED_US
from vivavoce.events import (
    APOLOGY,
    GREETING,
    AgentText,
    CallerAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CallerTranscribed,
    CallPlan,
    CloseCall,
    CloseModel,
    Disposition,
    FinishPlaying,
    ForwardAudio,
    ForwardText,
    ModelLost,
    ModelReady,
    OpenModel,
    PastTurn,
    PendingTool,
    Play,
    PlayoutStopped,
    Recall,
    ReplayAudio,
    ResponseFinished,
    ResponseInterrupted,
    ResponseStarted,
    ReturnToolResult,
    Speak,
    Speaker,
    SwapModel,
    SwapMoment,
    TimePassed,
    ToolFinished,
    ToolRequested,
    ToolStatus,
    UsageReported,
)

RESET = ModelLost(ONE, "reset")


def talking(call_plan: CallPlan | None = None) -> Script:
    call = opening(call_plan or plan(models=("only",)))
    call.at(0, CONNECTED, ModelReady(ONE))
    return call


def with_apology() -> CallPlan:
    return CallPlan(agent="test", models=("only",), apology="Sorry about that.")


def test_a_lost_session_is_replaced_at_once_by_another_of_the_same_model() -> None:
    call = talking()
    assert call.at(1_000, RESET) == (OpenModel(TWO, 0),)
    assert call.at(1_200, ModelReady(TWO)) == (
        SwapModel(TWO, ONE, SwapMoment.RECOVERY, samples(0), samples(0), "reset"),
        Recall(TWO, ()),
    )


def test_what_the_caller_says_meanwhile_is_kept_and_handed_over() -> None:
    call = talking()
    call.at(1_000, RESET)
    assert call.at(1_100, CallerAudio(audio(100))) == ()
    assert call.at(1_200, ModelReady(TWO))[-1] == ForwardAudio(TWO, audio(100))
    assert call.session.intake.dropped == 0


def test_words_that_were_not_answered_are_heard_again_and_their_transcript_is_not_told() -> None:
    call = talking()
    call.at(500, CallerSpeechStarted(ONE, samples(0), takes_turn=False))
    call.at(600, CallerAudio(audio(100)))
    call.at(700, CallerAudio(audio(100)), CallerSpeechStopped(ONE, samples(200)))
    call.at(800, CallerTranscribed(ONE, "Is it red?", final=True), RESET)
    assert call.at(900, ModelReady(TWO))[1:] == (
        Recall(TWO, ()),
        ReplayAudio(TWO, audio(100)),
        ReplayAudio(TWO, audio(100)),
    )


def test_words_that_were_answered_are_told_and_not_heard_again() -> None:
    call = talking()
    call.at(500, CallerAudio(audio(1_000)))
    call.at(800, CallerTranscribed(ONE, "Is it red?", final=True), *whole(R1, 500))
    call.at(800, AgentText(ONE, R1, "It is.", samples(0)))
    call.at(900, RESET)
    assert call.at(950, ModelReady(TWO))[1:] == (
        Recall(TWO, (PastTurn(Speaker.CALLER, "Is it red?"), PastTurn(Speaker.AGENT, "It is."))),
    )


def test_a_reply_that_was_broken_off_is_taken_up_again() -> None:
    call = talking()
    call.at(500, ResponseStarted(ONE, R1), AgentText(ONE, R1, "It is", samples(0)), said(R1, 400))
    assert call.at(600, RESET) == (FinishPlaying(R1), OpenModel(TWO, 0))
    assert call.at(700, ModelReady(TWO))[1] == Recall(TWO, (PastTurn(Speaker.AGENT, "It is"),), carry_on=True)


def test_a_reply_of_which_nothing_came_is_still_owed() -> None:
    call = talking(plan(models=("only",), greeting="Hello."))
    call.at(100, ResponseStarted(ONE, GREETING), RESET)
    assert Speak(TWO, GREETING, "Hello.") in call.at(200, ModelReady(TWO))
    assert call.at(300, ResponseStarted(TWO, GREETING), said(GREETING, 500, TWO)) == (Play(GREETING, audio(500)),)


def test_what_was_typed_and_not_answered_is_told_again() -> None:
    call = talking()
    call.at(500, CallerText("And blue?"), RESET)
    assert ForwardText(TWO, "And blue?") in call.at(600, ModelReady(TWO))


def test_what_is_typed_while_nobody_listens_is_told_once_somebody_does() -> None:
    call = talking()
    call.at(500, RESET)
    assert call.at(550, CallerText("And blue?")) == ()
    assert ForwardText(TWO, "And blue?") in call.at(600, ModelReady(TWO))


def test_tools_go_on_and_answer_whoever_is_there() -> None:
    call = talking()
    call.at(500, ToolRequested(ONE, T1, "find", "{}"), ToolRequested(ONE, T2, "book", "{}"), RESET)
    assert call.at(550, ToolFinished(T1, ToolStatus.OK, "1")) == ()
    effects = call.at(600, ModelReady(TWO))
    assert effects[1] == Recall(TWO, (), (PendingTool(T1, "find", "{}"), PendingTool(T2, "book", "{}")))
    assert effects[2] == ReturnToolResult(TWO, T1, ToolStatus.OK, "1")
    assert call.at(700, ToolFinished(T2, ToolStatus.OK, "2")) == (ReturnToolResult(TWO, T2, ToolStatus.OK, "2"),)


def test_a_caller_who_waited_long_gets_one_apology() -> None:
    call = talking(with_apology())
    call.at(1_000, RESET)
    late = 1_000 + APOLOGY_AFTER_US // 1000 + 100
    assert Speak(TWO, APOLOGY, "Sorry about that.") in call.at(late, ModelReady(TWO))
    call.at(late + 100, ResponseStarted(TWO, APOLOGY), said(APOLOGY, 500, TWO))
    call.at(late + 20_000, ModelLost(TWO, "reset"))
    assert not any(isinstance(effect, Speak) for effect in call.at(late + 25_000, ModelReady(THREE)))


def test_a_caller_who_hardly_waited_gets_none() -> None:
    call = talking(with_apology())
    call.at(1_000, RESET)
    assert not any(isinstance(effect, Speak) for effect in call.at(2_000, ModelReady(TWO)))


def test_an_apology_takes_the_place_of_going_on() -> None:
    call = talking(with_apology())
    call.at(500, ResponseStarted(ONE, R1), said(R1, 400), RESET)
    effects = call.at(5_000, ModelReady(TWO))
    assert effects[1] == Recall(TWO, ())
    assert effects[2] == Speak(TWO, APOLOGY, "Sorry about that.")


def test_tries_are_spaced_and_few_and_then_the_call_ends_clearly() -> None:
    call = talking()
    now = 20_000
    call.at(now, RESET)
    for connection, wait_us in zip(range(2, 7), [*BACKOFF_US[1:], None], strict=True):
        assert call.effects[-1] == OpenModel(connection, 0)  # type: ignore[arg-type]
        effects = call.at(now, ModelLost(connection, "no route"))  # type: ignore[arg-type]
        if wait_us is None:
            assert effects[-1] == CloseCall(Disposition.MODEL_LOST, "no route")
        else:
            assert effects == ()
            now += wait_us // 1000
            call.until(now)
    assert call.session.closed


def test_a_session_that_does_not_come_up_in_time_counts_as_a_try() -> None:
    call = talking()
    call.at(20_000, RESET)
    effects = call.until(20_000 + OPENING_LIMIT_US // 1000 + BACKOFF_US[1] // 1000)
    assert effects == (CloseModel(TWO), OpenModel(THREE, 0))


def test_after_all_tries_the_next_model_of_the_agent_takes_over() -> None:
    call = talking(plan(models=("first", "second")))
    call.at(20_000, RESET)
    call.at(20_000, ModelLost(TWO, "no", retryable=False))
    assert call.effects[-1] == OpenModel(THREE, 1)
    assert call.at(20_500, ModelReady(THREE))[0] == SwapModel(
        THREE, ONE, SwapMoment.RECOVERY, samples(0), samples(0), "reset"
    )


def test_what_will_not_get_better_is_not_tried_again() -> None:
    call = talking()
    assert call.at(20_000, ModelLost(ONE, "no", retryable=False))[-1] == CloseCall(Disposition.MODEL_LOST, "no")


@pytest.mark.parametrize(("lived_ms", "waits"), [(100, True), (SETTLED_US // 1000, False)])
def test_sessions_that_die_young_are_one_outage(lived_ms: int, waits: bool) -> None:
    call = talking()
    call.at(20_000, RESET)
    call.at(20_000, ModelReady(TWO))
    effects = call.at(20_000 + lived_ms, ModelLost(TWO, "again"))
    assert effects == (() if waits else (OpenModel(THREE, 0),))


def test_while_last_words_are_said_nothing_is_recovered() -> None:
    call = talking(plan(models=("only",), silence_limit_ms=10_000, farewell="Goodbye."))
    call.until(10_000)
    call.at(10_000, ResponseStarted(ONE, R1), said(R1, 500))
    assert not any(isinstance(effect, OpenModel) for effect in call.at(10_100, RESET))


def test_the_end_of_a_call_that_has_no_model_just_now_is_an_end() -> None:
    call = talking(plan(models=("only",), call_limit_ms=30_000))
    call.at(29_900, RESET)
    assert call.until(31_000)[-1] == CloseCall(Disposition.TOO_LONG, "the longest call is over")


def test_a_stopped_response_of_a_lost_session_tells_nobody() -> None:
    call = talking()
    call.at(500, ResponseStarted(ONE, R1), said(R1, 400))
    call.at(600, CallerSpeechStarted(ONE, samples(0)), RESET)
    progress = PlayoutStopped(R1, samples(100), evidence="played")  # type: ignore[arg-type]
    assert call.at(650, progress) == ()


def test_a_greeting_of_long_ago_is_no_wait() -> None:
    call = talking(CallPlan(agent="test", models=("only",), greeting="Hello.", apology="Sorry about that."))
    call.at(500, *whole(GREETING, 500))
    call.at(8_000, CallerSpeechStarted(ONE, samples(0), takes_turn=False))
    call.at(10_000, RESET)
    assert not any(isinstance(effect, Speak) for effect in call.at(10_100, ModelReady(TWO)))


def test_an_apology_that_was_not_said_is_asked_of_the_next_session() -> None:
    call = talking(with_apology())
    call.at(1_000, RESET)
    call.at(10_000, ModelReady(TWO))
    call.at(10_100, ModelLost(TWO, "reset"))
    assert [ask for ask in call.at(10_700, ModelReady(THREE)) if isinstance(ask, Speak)] == [
        Speak(THREE, APOLOGY, "Sorry about that.")
    ]
    call.at(10_800, ResponseStarted(THREE, APOLOGY), said(APOLOGY, 500, THREE))
    assert not call.session._sides.parts.owed.asks  # nothing else shows it but a call that is given up


def test_nobody_waits_for_an_answer_to_words_that_were_ignored() -> None:
    call = talking(with_apology())
    call.at(900, *whole(R1, 3_000))
    call.at(1_000, CallerSpeechStarted(ONE, samples(0), takes_turn=False))
    call.at(1_500, CallerSpeechStopped(ONE, samples(500)))
    call.at(20_000, UsageReported(ONE), RESET)
    assert not any(isinstance(effect, Speak) for effect in call.at(20_200, ModelReady(TWO)))


def test_what_was_typed_is_told_once_and_not_as_history_too() -> None:
    call = talking()
    call.at(500, CallerText("And blue?"), RESET)
    effects = call.at(600, ModelReady(TWO))
    assert effects[1:] == (Recall(TWO, ()), ForwardText(TWO, "And blue?"))


def test_a_result_that_only_led_to_another_tool_is_told_again() -> None:
    call = talking()
    call.at(500, ToolRequested(ONE, T1, "find", "{}"), ToolFinished(T1, ToolStatus.OK, "1"))
    call.at(600, ToolRequested(ONE, T2, "book", "{}"), RESET)
    effects = call.at(700, ModelReady(TWO))
    assert effects[1:] == (
        Recall(TWO, (), (PendingTool(T1, "find", "{}"), PendingTool(T2, "book", "{}"))),
        ReturnToolResult(TWO, T1, ToolStatus.OK, "1"),
    )


def test_sound_that_nobody_heard_is_no_answer() -> None:
    call = talking()
    call.at(500, ResponseStarted(ONE, R1), CallerSpeechStarted(ONE, samples(0)), CallerAudio(audio(100)))
    call.at(600, CallerSpeechStopped(ONE, samples(100)), said(R1, 100), RESET)
    assert ReplayAudio(TWO, audio(100)) in call.at(700, ModelReady(TWO))


def test_a_greeting_that_had_to_be_begun_twice_is_remembered_once() -> None:
    call = talking(plan(models=("only",), greeting="Hello."))
    call.at(100, ResponseStarted(ONE, GREETING), RESET)
    call.at(200, ModelReady(TWO))
    call.at(300, ResponseStarted(TWO, GREETING), AgentText(TWO, GREETING, "Hello.", samples(0)))
    call.at(300, said(GREETING, 500, TWO), ModelLost(TWO, "reset"))
    call.until(2_000)
    assert call.at(2_000, ModelReady(THREE))[1] == Recall(THREE, (PastTurn(Speaker.AGENT, "Hello."),), carry_on=True)


def test_nobody_is_taken_for_silent_while_nobody_listens() -> None:
    call = talking(plan(models=("only",), silence_limit_ms=5_000))
    call.at(4_000, RESET)
    for ms in range(4_000, 9_500, 500):
        call.at(ms, CallerAudio(audio(500)))
    call.at(9_500, ModelReady(TWO))
    assert not call.session.closed
    assert call.until(14_500)[-1] == CloseCall(Disposition.SILENCE, "nobody spoke")


def test_an_end_and_a_try_that_come_due_together_are_an_end() -> None:
    call = talking(plan(models=("only",), call_limit_ms=29_400))
    call.at(29_000, ResponseStarted(ONE, R1), said(R1, 5_000))
    call.at(29_000, RESET, ModelLost(TWO, "no"))
    call._feed(30_000_000, TimePassed())  # type: ignore[arg-type]  # an engine that was held up
    assert call.all(OpenModel) == [OpenModel(ONE, 0), OpenModel(TWO, 0)]


@pytest.mark.parametrize("ends", ["cut by the caller", "interrupted", "soundless"])
def test_a_greeting_that_was_cut_before_it_was_heard_is_not_wished_for_any_more(ends: str) -> None:
    """It would keep an answer owed for ever: sessions that have nothing to say would be given up for it."""
    call = opening(plan(models=("only",), greeting="Hello."))
    call.at(0, CONNECTED, ModelReady(ONE, reply_limit_us=5_000_000))
    call.at(100, ResponseStarted(ONE, GREETING))
    if ends == "cut by the caller":
        call.at(200, CallerSpeechStarted(ONE, samples(0)), CallerSpeechStopped(ONE, samples(100)))
    elif ends == "interrupted":
        call.at(200, ResponseInterrupted(ONE, GREETING))
    else:
        call.at(200, ResponseFinished(ONE, GREETING))
    call.at(500, *whole(R1, 500), played(R1, 500))
    assert call.until(30_000) == ()
    call.at(30_000, RESET)
    assert not any(isinstance(effect, Speak) for effect in call.at(30_100, ModelReady(TWO)))


def test_nothing_is_played_of_a_response_after_its_end_was_told() -> None:
    call = talking(plan(models=("only",), greeting="Hello."))
    assert FinishPlaying(GREETING) not in call.at(100, ResponseStarted(ONE, GREETING), RESET)
