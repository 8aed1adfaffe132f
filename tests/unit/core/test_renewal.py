"""A model session is replaced before its time is up, at the best moment, and nothing of the caller is lost."""

from __future__ import annotations

import pytest

from tests.unit.core.scenario import (
    CONNECTED,
    ONE,
    R1,
    R2,
    T1,
    THREE,
    TWO,
    Script,
    audio,
    opening,
    plan,
    played,
    said,
    samples,
    stopped,
    whole,
)
from vivavoce.core.renewal import SETTLE_US, SPARE_LIMIT_US, SPARE_RETRIES_US
from vivavoce.core.ring import LEAD_MS
from vivavoce.events import (
    AgentText,
    CallerAudio,
    CallerHungUp,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTranscribed,
    CloseModel,
    Effect,
    FinishPlaying,
    Flush,
    ForwardAudio,
    Ignore,
    ModelLost,
    ModelReady,
    OpenModel,
    PastTurn,
    PendingTool,
    Recall,
    ReplayAudio,
    ResponseFinished,
    ResponseInterrupted,
    ResponseStarted,
    ReturnToolResult,
    RunTool,
    Speaker,
    SwapModel,
    SwapMoment,
    ToolFinished,
    ToolRequested,
    ToolStatus,
    UsageReported,
)

LIFE_MS = 100_000
OPENS_MS, SILENCE_MS, PAUSE_MS, NOW_MS = 75_000, 82_000, 90_000, 98_000
STARTS = CallerSpeechStarted(ONE, samples(0), takes_turn=False)
STOPS = CallerSpeechStopped(ONE, samples(0))


def ready(connection: int, life_ms: int = LIFE_MS) -> ModelReady:
    return ModelReady(connection, lifetime_us=life_ms * 1000)  # type: ignore[arg-type]  # written as a number


def limited(*, silence_limit_ms: int = 1_000_000, farewell: str = "") -> Script:
    """A call at 0 ms whose model session lives for :data:`LIFE_MS`; the caller is silent."""
    call = opening(plan(silence_limit_ms=silence_limit_ms, farewell=farewell))
    call.at(0, CONNECTED, ready(1))
    return call


def listening(call: Script, begin_ms: int, end_ms: int, step_ms: int = 100) -> None:
    """The caller's audio goes on."""
    for ms in range(begin_ms, end_ms, step_ms):
        call.at(ms, CallerAudio(audio(step_ms)))


def swaps(effects: tuple[Effect, ...]) -> list[SwapModel]:
    return [effect for effect in effects if isinstance(effect, SwapModel)]


def test_a_session_without_a_limit_is_not_renewed() -> None:
    call = opening(plan(silence_limit_ms=3_000_000))
    call.at(0, CONNECTED, ModelReady(ONE))
    assert OpenModel(TWO, 0) not in call.until(1_700_000)


def test_the_spare_opens_at_three_quarters_and_takes_over_at_once_where_nothing_goes_on() -> None:
    call = limited()
    assert call.until(OPENS_MS) == (OpenModel(TWO, 0),)
    assert call.at(OPENS_MS + 200, ready(2)) == (
        SwapModel(TWO, ONE, SwapMoment.TURN_END, samples(0), samples(0)),
        Recall(TWO, ()),
        CloseModel(ONE),
    )
    assert call.at(OPENS_MS + 300, CallerAudio(audio(20))) == (ForwardAudio(TWO, audio(20)),)


def test_the_new_session_has_its_own_time() -> None:
    call = limited()
    call.at(OPENS_MS + 500, ready(2))
    assert call.until(OPENS_MS + 500 + OPENS_MS - 1) == ()
    assert call.until(OPENS_MS + 500 + OPENS_MS) == (OpenModel(THREE, 0),)


def test_it_waits_until_the_reply_was_heard() -> None:
    call = limited()
    call.at(74_000, *whole(R1, 3_000))
    call.at(OPENS_MS + 200, ready(2))
    assert call.at(76_900, played(R1, 2_900)) == ()
    assert swaps(call.at(77_000, played(R1, 3_000)))[0].moment is SwapMoment.TURN_END


def test_it_waits_while_the_caller_talks_and_until_they_are_answered() -> None:
    call = limited()
    call.at(74_000, STARTS)
    call.at(OPENS_MS + 200, ready(2))
    assert call.at(77_000, STOPS) == ()
    assert call.at(78_000, ResponseStarted(ONE, R1), said(R1, 500))[-1] == call.effects[-1]
    assert call.at(78_100, ResponseFinished(ONE, R1)) == (FinishPlaying(R1),)
    assert swaps(call.at(78_600, played(R1, 500)))


def test_it_waits_for_a_tool_but_not_for_ever() -> None:
    call = limited()
    call.at(70_000, ToolRequested(ONE, T1, "find_cars", '{"a": 1}'))
    assert call.at(OPENS_MS + 200, ready(2)) == ()
    assert call.until(SILENCE_MS)[:2] == (
        SwapModel(TWO, ONE, SwapMoment.SILENCE, samples(0), samples(0)),
        Recall(TWO, (), (PendingTool(T1, "find_cars", '{"a": 1}'),)),
    )


def test_a_tool_that_ends_after_the_swap_answers_the_new_session_once() -> None:
    call = limited()
    call.at(70_000, ToolRequested(ONE, T1, "find_cars", "{}"))
    call.at(OPENS_MS + 200, ready(2))
    call.until(SILENCE_MS)
    assert call.at(SILENCE_MS + 500, ToolFinished(T1, ToolStatus.OK, "{}")) == (
        ReturnToolResult(TWO, T1, ToolStatus.OK, "{}"),
    )
    assert len(call.all(RunTool)) == len(call.all(ReturnToolResult)) == 1


def test_a_result_that_was_not_answered_yet_is_told_again() -> None:
    call = limited()
    call.at(70_000, ToolRequested(ONE, T1, "find_cars", "{}"), ToolFinished(T1, ToolStatus.OK, "[1]"))
    call.at(OPENS_MS + 200, ready(2))
    assert swaps(call.until(PAUSE_MS)) == [], "the model is about to answer"
    effects = call.until(NOW_MS)
    assert swaps(effects)[0].moment is SwapMoment.FORCED
    assert effects[1] == Recall(TWO, (), (PendingTool(T1, "find_cars", "{}"),))
    assert ReturnToolResult(TWO, T1, ToolStatus.OK, "[1]") in effects


def test_in_the_end_it_does_not_wait_for_the_caller_and_replays_their_words() -> None:
    call = limited()
    listening(call, 60_000, 74_000)
    call.at(74_000, STARTS)
    listening(call, 74_000, 76_000)
    call.at(76_000, ready(2))
    listening(call, 76_000, 90_100)
    swap = next(effect for effect in call.effects if isinstance(effect, SwapModel))
    assert (swap.moment, swap.lost) == (SwapMoment.FORCED, 0)
    replayed = sum(effect.audio.samples for effect in call.all(ReplayAudio))
    assert replayed == swap.replayed == samples(16_000 + LEAD_MS)
    assert call.all(CloseModel) == [CloseModel(ONE)]


def test_what_is_replayed_is_not_told_as_words_too() -> None:
    call = limited()
    call.at(70_000, CallerTranscribed(ONE, "What do you have?", final=True))
    call.at(70_000, *whole(R1, 500), AgentText(ONE, R1, "Two estates.", samples(0)), played(R1, 500))
    call.at(74_000, STARTS, CallerTranscribed(ONE, "And how much", final=True))
    call.at(OPENS_MS + 200, ready(2))
    effects = call.until(PAUSE_MS)
    assert effects[1] == Recall(
        TWO, (PastTurn(Speaker.CALLER, "What do you have?"), PastTurn(Speaker.AGENT, "Two estates."))
    )


def test_words_that_the_ring_had_no_room_for_are_counted_and_told() -> None:
    call = limited()
    call.at(10_000, STARTS)
    listening(call, 10_000, 30_000)
    call.at(30_000, CallerTranscribed(ONE, "a very long story", final=True))
    listening(call, 30_000, 76_000)
    call.at(76_000, ready(2))
    listening(call, 76_000, 90_000)
    effects = call.until(PAUSE_MS)
    assert swaps(effects)[0].lost > 0
    assert effects[1] == Recall(TWO, (PastTurn(Speaker.CALLER, "a very long story"),))


def test_a_reply_that_is_being_made_is_finished_first() -> None:
    call = limited()
    call.at(74_000, ResponseStarted(ONE, R1), said(R1, 4_000))
    call.at(OPENS_MS + 200, ready(2))
    assert swaps(call.until(PAUSE_MS + 500)) == []
    effects = call.at(PAUSE_MS + 600, said(R1, 200), ResponseFinished(ONE, R1))
    effects += call.until(PAUSE_MS + 600 + SETTLE_US // 1000)
    assert swaps(effects)[0].moment is SwapMoment.FORCED
    assert not any(isinstance(effect, Flush) for effect in effects), "what was made is still played"


def test_a_reply_that_does_not_end_in_time_is_taken_up_by_the_new_session() -> None:
    call = limited()
    call.at(74_000, ResponseStarted(ONE, R1), AgentText(ONE, R1, "It is", samples(0)), said(R1, 90_000))
    call.at(OPENS_MS + 200, ready(2))
    effects = call.until(NOW_MS)
    assert effects == (
        FinishPlaying(R1),
        SwapModel(TWO, ONE, SwapMoment.FORCED, samples(0), samples(0)),
        Recall(TWO, (PastTurn(Speaker.AGENT, "It is"),), carry_on=True),
        CloseModel(ONE),
    )


def test_the_old_session_is_late_after_the_swap_but_its_tokens_count() -> None:
    call = limited()
    call.at(OPENS_MS + 200, ready(2))
    assert call.at(76_000, ResponseStarted(ONE, R1)) == (Ignore("ResponseStarted", "an event of an old connection"),)
    assert call.at(76_000, said(R1, 20)) == (Ignore("AgentAudio", "an event of an old connection", samples(20)),)
    assert call.at(76_000, UsageReported(ONE, speech_in=1)) == ()


def test_history_is_what_the_caller_heard() -> None:
    call = limited()
    call.at(70_000, CallerTranscribed(ONE, "Tell me.", final=True), *whole(R1, 2_000))
    call.at(70_000, AgentText(ONE, R1, "We have one. It is red.", samples(0)))
    call.at(71_000, played(R1, 400), ResponseInterrupted(ONE, R1), stopped(R1, 500))
    effects = call.at(OPENS_MS + 200, ready(2))
    recall = next(effect for effect in effects if isinstance(effect, Recall))
    assert recall.turns == (PastTurn(Speaker.CALLER, "Tell me."), PastTurn(Speaker.AGENT, "We"))


def test_the_providers_later_word_on_what_it_said_is_what_is_remembered() -> None:
    call = limited()
    call.at(70_000, *whole(R1, 500), AgentText(ONE, R1, "Two of them.", samples(0)))
    call.at(70_000, AgentText(ONE, R1, "Three of them.", samples(0), final=True), played(R1, 500))
    effects = call.at(OPENS_MS + 200, ready(2))
    assert effects[1] == Recall(TWO, (PastTurn(Speaker.AGENT, "Three of them."),))


def test_a_spare_that_fails_is_opened_again() -> None:
    call = limited()
    call.until(OPENS_MS)
    call.at(OPENS_MS + 100, ModelLost(TWO, "throttled"))
    assert call.until(OPENS_MS + 100 + SPARE_RETRIES_US[0] // 1000) == (OpenModel(THREE, 0),)
    call.at(OPENS_MS + 700, ModelLost(THREE, "throttled"))
    first = OPENS_MS + 700 + SPARE_RETRIES_US[1] // 1000
    assert call.until(first - 1) == ()
    assert call.until(first) == (OpenModel(4, 0),)  # type: ignore[arg-type]
    assert swaps(call.at(first + 100, ready(4)))


def test_a_spare_that_does_not_come_up_is_given_up_and_opened_again() -> None:
    call = limited()
    call.until(OPENS_MS)
    call.at(OPENS_MS, STARTS)
    assert call.until(OPENS_MS + 10_600) == (CloseModel(TWO), OpenModel(THREE, 0))


def test_a_spare_that_waited_too_long_is_replaced() -> None:
    call = opening(plan(silence_limit_ms=2_000_000))
    call.at(0, CONNECTED, ready(1, 480_000))
    call.at(350_000, STARTS)
    call.at(361_000, ready(2))
    assert call.until(361_000 + SPARE_LIMIT_US // 1000) == (CloseModel(TWO), OpenModel(THREE, 0))


def test_when_the_old_session_dies_first_the_spare_is_there() -> None:
    call = limited()
    call.at(74_000, STARTS)
    call.at(OPENS_MS + 200, ready(2))
    effects = call.at(80_000, ModelLost(ONE, "reset"))
    assert swaps(effects) == [SwapModel(TWO, ONE, SwapMoment.RECOVERY, samples(0), samples(0), "reset")]
    assert CloseModel(ONE) not in effects


def test_a_spare_that_is_still_opening_when_the_old_session_dies_goes_on_opening() -> None:
    call = limited()
    call.until(OPENS_MS)
    assert call.at(OPENS_MS + 100, ModelLost(ONE, "reset")) == ()
    assert swaps(call.at(OPENS_MS + 300, ready(2)))[0].moment is SwapMoment.RECOVERY


def test_nothing_is_renewed_while_last_words_are_said() -> None:
    call = limited(silence_limit_ms=74_000, farewell="Goodbye.")
    call.until(74_000)
    assert not any(isinstance(effect, OpenModel) for effect in call.until(93_000))


def test_the_spare_goes_with_the_call() -> None:
    call = limited()
    call.until(OPENS_MS)
    assert call.at(OPENS_MS + 100, CallerHungUp())[:2] == (CloseModel(TWO), CloseModel(ONE))


@pytest.mark.parametrize("life_ms", [1, 10, 1_000])
def test_even_the_shortest_life_does_not_stop_the_call(life_ms: int) -> None:
    call = opening()
    call.at(0, CONNECTED, ready(1, life_ms))
    call.until(life_ms)
    call.at(life_ms, ready(2))
    assert call.session.models.current == TWO
    assert not call.session.closed


def test_of_what_an_old_session_said_the_new_one_knows_nothing_so_it_yields_to_any_speech() -> None:
    call = limited()
    call.at(80_000, *whole(R1, 20_000))
    call.at(84_900, ready(2))
    call.until(SILENCE_MS)
    assert call.session.models.current == TWO
    effects = call.at(86_000, CallerSpeechStarted(TWO, samples(0), takes_turn=False))
    assert Flush(R1) in effects


def test_what_can_be_heard_on_the_line_does_not_cut_the_session_that_decides_for_itself() -> None:
    call = limited()
    call.at(1_000, *whole(R2, 20_000))
    assert call.at(2_000, STARTS) == ()


def test_the_time_of_a_lost_session_is_not_the_time_of_the_spare_that_stands_in() -> None:
    call = limited()
    call.until(OPENS_MS)
    call.at(OPENS_MS + 500, ModelLost(ONE, "reset"))
    call.until(OPENS_MS + 9_000)
    assert call.all(OpenModel) == [OpenModel(ONE, 0), OpenModel(TWO, 0)], "82 s of the lost one are past"
    call.at(OPENS_MS + 9_500, ready(2))
    call.until(OPENS_MS + 20_000)
    assert len(call.all(OpenModel)) == 2


def test_a_spare_whose_time_ran_out_while_it_waited_is_replaced_next() -> None:
    call = limited()
    call.at(OPENS_MS, STARTS, ready(2, 8_000))
    now = PAUSE_MS * 1_000
    call.until(PAUSE_MS)
    assert call.session.models.current == TWO
    assert call.session.deadline == now + 1
    call.until(PAUSE_MS + 1)
    assert call.all(OpenModel)[-1] == OpenModel(THREE, 0)


def test_a_spare_stands_in_before_the_caller_is_there() -> None:
    call = opening(plan(models=("first", "second")))
    call.at(0, ready(1, 10_000))
    call.at(7_600, ready(2, 10_000))
    assert call.at(8_000, ModelLost(ONE, "reset")) == ()
    call.at(8_100, CONNECTED)
    assert call.at(8_200, CallerAudio(audio(20))) == (ForwardAudio(TWO, audio(20)),)


def test_a_session_that_was_told_twice_that_the_caller_talks_forgets_no_beginning() -> None:
    call = limited()
    call.at(74_000, STARTS)
    listening(call, 74_000, 76_000)
    call.at(76_000, CallerSpeechStarted(ONE, samples(2_000), takes_turn=False))
    call.at(76_100, ResponseStarted(ONE, R1), said(R1, 100), ResponseFinished(ONE, R1), played(R1, 100))
    call.at(76_200, ready(2))
    listening(call, 76_200, 90_100)
    assert next(iter(call.all(SwapModel))).replayed >= samples(15_800)


def test_a_session_that_has_just_worked_is_given_a_moment() -> None:
    call = limited()
    call.at(70_000, STARTS)
    call.at(OPENS_MS + 200, ready(2))
    call.at(PAUSE_MS - 100, ResponseStarted(ONE, R1), said(R1, 500))
    assert swaps(call.at(PAUSE_MS + 1_000, ResponseFinished(ONE, R1))) == []
    assert call.at(PAUSE_MS + 1_010, ToolRequested(ONE, T1, "book", "{}")) == (RunTool(T1, "book", "{}"),)
    assert swaps(call.until(PAUSE_MS + 1_010 + SETTLE_US // 1000 - 1)) == []
    assert swaps(call.until(PAUSE_MS + 1_010 + SETTLE_US // 1000))[0].moment is SwapMoment.FORCED


def test_an_answer_that_came_before_the_end_of_speech_was_noticed_is_not_asked_for_again() -> None:
    call = limited()
    call.at(74_000, STARTS)
    call.at(OPENS_MS + 200, ready(2))
    listening(call, 76_000, PAUSE_MS)
    call.at(PAUSE_MS - 50, CallerTranscribed(ONE, "That is all.", final=True), *whole(R1, 500))
    listening(call, PAUSE_MS, PAUSE_MS + 200)
    assert call.at(PAUSE_MS + 200, CallerSpeechStopped(ONE, samples(13_700))) == ()
    (swap,) = swaps(call.until(PAUSE_MS + 600))
    assert swap.replayed <= samples(LEAD_MS)
