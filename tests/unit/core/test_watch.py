"""A session that owes an answer and says nothing is given up; one that merely has nothing to say is not."""

from __future__ import annotations

from tests.unit.core.scenario import (
    CONNECTED,
    ONE,
    R1,
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
    whole,
)
from vivavoce.events import (
    CallerAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CallerTranscribed,
    CallPlan,
    CloseCall,
    CloseModel,
    Disposition,
    Effect,
    ModelLost,
    ModelReady,
    OpenModel,
    ReplayAudio,
    ResponseFinished,
    ResponseInterrupted,
    ResponseStarted,
    SwapModel,
    ToolFinished,
    ToolRequested,
    ToolStatus,
    UsageReported,
)

LIMIT_MS = 10_000
SILENT = "the model owed an answer and said nothing for 10 s"


def watched(call_plan: CallPlan | None = None) -> Script:
    call = opening(call_plan or plan(models=("only",), silence_limit_ms=500_000))
    call.at(0, CONNECTED, ModelReady(ONE, reply_limit_us=LIMIT_MS * 1000))
    return call


def speaks(call: Script, begin_ms: int, end_ms: int, connection: int = 1) -> None:
    """The caller says something that the line's ear notices."""
    call.at(begin_ms, CallerSpeechStarted(connection, samples(0), takes_turn=False))  # type: ignore[arg-type]
    call.at(begin_ms, CallerAudio(audio(end_ms - begin_ms)))
    call.at(end_ms, CallerSpeechStopped(connection, samples(0)))  # type: ignore[arg-type]


def given_up(effects: tuple[Effect, ...]) -> bool:
    return any(isinstance(effect, CloseModel) for effect in effects)


def test_silence_of_both_is_no_fault() -> None:
    assert watched().until(400_000) == ()


def test_nobody_is_watched_unless_the_model_asks_for_it() -> None:
    call = opening(plan(silence_limit_ms=500_000))
    call.at(0, CONNECTED, ModelReady(ONE))
    speaks(call, 1_000, 2_000)
    assert call.until(400_000) == ()


def test_a_session_that_says_nothing_to_what_the_caller_said_is_replaced_and_hears_it_again() -> None:
    call = watched()
    speaks(call, 1_000, 2_000)
    assert call.until(11_999) == ()
    assert call.until(12_000) == (CloseModel(ONE), OpenModel(TWO, 0))
    effects = call.at(12_100, ModelReady(TWO, reply_limit_us=LIMIT_MS * 1000))
    assert isinstance(effects[0], SwapModel)
    assert effects[0].reason == SILENT
    assert ReplayAudio(TWO, audio(1_000)) in effects


def test_as_long_as_it_counts_tokens_it_listens() -> None:
    call = watched()
    speaks(call, 1_000, 2_000)
    for ms in range(3_000, 40_000, 1_000):
        assert call.at(ms, UsageReported(ONE, speech_in=25)) == ()
    assert given_up(call.until(49_000))


def test_once_it_has_written_down_the_words_counting_is_no_answer() -> None:
    call = watched()
    speaks(call, 1_000, 2_000)
    call.at(3_000, CallerTranscribed(ONE, "Hello?", final=True))
    for ms in range(4_000, 13_000, 1_000):
        assert not given_up(call.at(ms, UsageReported(ONE, speech_in=25)))
    assert given_up(call.until(13_000))


def test_an_answer_in_time_is_an_answer() -> None:
    call = watched()
    speaks(call, 1_000, 2_000)
    call.at(9_000, *whole(R1, 500), played(R1, 500))
    assert call.until(400_000) == ()


def test_a_reply_that_stalls_is_given_up_once_what_came_was_played() -> None:
    call = watched()
    call.at(1_000, ResponseStarted(ONE, R1), said(R1, 3_000))
    assert not given_up(call.until(13_999))
    assert given_up(call.until(14_000))


def test_a_tool_that_takes_long_is_no_silence_of_the_model_but_its_result_wants_an_answer() -> None:
    call = watched()
    call.at(1_000, ToolRequested(ONE, T1, "find", "{}"))
    assert not given_up(call.until(59_000))
    call.at(60_000, ToolFinished(T1, ToolStatus.OK, "1"))
    assert not given_up(call.until(69_999))
    assert given_up(call.until(70_000))


def test_what_was_typed_wants_an_answer() -> None:
    call = watched()
    call.at(1_000, CallerText("Hello?"))
    assert given_up(call.until(11_000))


def test_a_word_into_the_agents_speech_may_go_without_an_answer() -> None:
    call = watched()
    call.at(500, ResponseStarted(ONE, R1), said(R1, 5_000))
    speaks(call, 1_000, 1_500)
    call.at(2_000, ResponseFinished(ONE, R1))
    call.at(5_500, played(R1, 5_000))
    assert call.until(400_000) == ()


def test_an_interruption_wants_an_answer() -> None:
    call = watched()
    call.at(500, ResponseStarted(ONE, R1), said(R1, 5_000))
    speaks(call, 1_000, 2_000)
    call.at(2_100, ResponseInterrupted(ONE, R1))
    assert given_up(call.until(13_000))


def test_what_two_sessions_have_nothing_to_say_to_was_noise() -> None:
    call = watched()
    speaks(call, 1_000, 2_000)
    call.until(12_000)
    call.at(12_100, ModelReady(TWO, reply_limit_us=LIMIT_MS * 1000))
    assert not given_up(call.until(400_000))
    assert not call.session.closed


def test_words_that_two_sessions_do_not_answer_end_the_call_clearly() -> None:
    call = watched()
    speaks(call, 1_000, 2_000)
    call.at(3_000, CallerTranscribed(ONE, "Hello?", final=True))
    call.until(13_000)
    call.at(13_100, ModelReady(TWO, reply_limit_us=LIMIT_MS * 1000))
    call.at(14_000, CallerTranscribed(TWO, "Hello?", final=True))
    assert call.until(25_000)[-1] == CloseCall(Disposition.MODEL_LOST, SILENT)


def test_words_that_two_sessions_do_not_answer_are_for_the_agents_next_model() -> None:
    call = watched(plan(models=("first", "second"), silence_limit_ms=500_000))
    call.at(1_000, CallerText("Hello?"))
    call.until(11_000)
    call.at(11_100, ModelReady(TWO, reply_limit_us=LIMIT_MS * 1000))
    assert call.until(21_200) == (CloseModel(TWO), OpenModel(THREE, 1))


def test_an_interruption_that_the_model_noticed_first_wants_an_answer_too() -> None:
    call = watched()
    call.at(500, ResponseStarted(ONE, R1), said(R1, 5_000))
    call.at(1_000, ResponseInterrupted(ONE, R1))
    speaks(call, 1_050, 2_000)
    assert given_up(call.until(13_000))


def test_words_into_a_reply_that_stalled_are_words_into_silence() -> None:
    call = watched()
    call.at(500, ResponseStarted(ONE, R1), said(R1, 500), played(R1, 400))
    speaks(call, 2_000, 3_000)
    effects = call.until(14_000)
    assert given_up(effects)
    swap = call.at(14_100, ModelReady(TWO, reply_limit_us=LIMIT_MS * 1000))
    assert ReplayAudio(TWO, audio(1_000)) in swap


def test_a_model_that_gave_no_sign_since_has_not_ignored_what_was_said_into_its_speech() -> None:
    call = watched()
    call.at(500, ResponseStarted(ONE, R1), said(R1, 2_000))
    speaks(call, 1_000, 2_000)
    effects = call.until(13_000)
    assert given_up(effects)
    assert ReplayAudio(TWO, audio(1_000)) in call.at(13_100, ModelReady(TWO))


def test_a_caller_who_asks_again_and_again_is_not_waited_for_to_be_quiet() -> None:
    call = watched()
    for second in range(1, 18, 4):
        speaks(call, second * 1_000, second * 1_000 + 1_000)
    assert given_up(call.until(18_000 + 5_000))
    assert call.all(CloseModel) == [CloseModel(ONE)]


def test_what_becomes_of_a_spare_is_no_sign_of_the_session_that_owes() -> None:
    call = opening(plan(models=("only",), silence_limit_ms=500_000))
    call.at(0, CONNECTED, ModelReady(ONE, lifetime_us=40_000_000, reply_limit_us=LIMIT_MS * 1000))
    speaks(call, 29_000, 30_000)
    call.at(31_000, ModelLost(TWO, "throttled"))
    call.at(35_000, ModelLost(THREE, "throttled"))
    assert not given_up(call.until(39_999))
    assert given_up(call.until(40_000))


def test_what_an_old_session_counts_is_no_sign_of_the_new_one() -> None:
    call = watched()
    speaks(call, 1_000, 2_000)
    call.until(12_000)
    call.at(12_100, ModelReady(TWO, reply_limit_us=LIMIT_MS * 1000))
    call.at(15_000, UsageReported(ONE, speech_in=25))
    assert call.session.deadline == 22_100_000
