"""Digits that are collected, callers on hold, silence, limits, and machines that answer."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.core.scenario import ONE, R1, T1, T2, Script, plan, played, samples, talking, whole
from vivavoce.core.digits import FIRST_DIGIT_US, INTER_DIGIT_US, masked, reference
from vivavoce.core.voicemail import BEEP_LIMIT_US
from vivavoce.events import (
    COLLECT_DIGITS,
    FAREWELL,
    HOLD_CALL,
    Answerer,
    AnswererJudged,
    Audio,
    CallerAudio,
    CallerPressed,
    CallPlan,
    CloseCall,
    DigitsHeard,
    Disposition,
    Flush,
    ForwardAudio,
    ForwardText,
    HoldChanged,
    Ignore,
    ListenForDigits,
    Muted,
    ReturnToolResult,
    Speak,
    StopRequested,
    ToolRequested,
    ToolStatus,
    VoiceStarted,
)

LOUD = b"\x01\x00"


def with_plan(**changes: object) -> CallPlan:
    return msgspec.structs.replace(plan(farewell="Goodbye."), **changes)


def results(call: Script) -> list[tuple[ToolStatus, dict[str, object]]]:
    return [(wish.status, msgspec.json.decode(wish.result)) for wish in call.all(ReturnToolResult)]


def collecting(arguments: str = '{"count": 4}') -> Script:
    call = talking()
    call.at(1_000, ToolRequested(ONE, T1, COLLECT_DIGITS, arguments))
    return call


def hear(call: Script, ms: int) -> bytes:
    effects = call.at(ms, CallerAudio(Audio(LOUD * samples(20))))
    return b"".join(effect.audio.pcm for effect in effects if isinstance(effect, ForwardAudio))


# -- digits ------------------------------------------------------------------------------------------------------------


def test_keys_make_a_row_and_the_model_gets_it_as_a_result() -> None:
    call = collecting()
    call.at(2_000, CallerPressed("12"))
    call.at(3_000, CallerPressed("34"))
    assert results(call) == [(ToolStatus.OK, {"digits": "1234", "count": 4, "complete": True})]
    assert not call.all(ForwardText), "the keys are not told as words as well"
    assert call.all(ListenForDigits) == [ListenForDigits(True), ListenForDigits(False)]


def test_a_key_ends_a_row_of_any_length() -> None:
    call = collecting("{}")
    call.at(2_000, CallerPressed("42#7"))
    assert results(call) == [(ToolStatus.OK, {"digits": "42", "count": 2, "complete": True})]


def test_said_and_pressed_digits_count_alike() -> None:
    call = collecting()
    call.at(2_000, DigitsHeard("12"))
    call.at(3_000, CallerPressed("34"))
    assert results(call)[0][1]["digits"] == "1234"


def test_a_row_ends_when_no_more_keys_come() -> None:
    call = collecting()
    call.at(2_000, CallerPressed("12"))
    call.until(2_000 + INTER_DIGIT_US // 1000)
    assert results(call) == [(ToolStatus.OK, {"digits": "12", "count": 2, "complete": False})]


def test_nobody_presses_anything() -> None:
    call = collecting("{}")
    call.until(1_000 + FIRST_DIGIT_US // 1000)
    assert results(call) == [(ToolStatus.OK, {"digits": "", "count": 0, "complete": False})]


def test_pressing_a_key_stops_the_prompt() -> None:
    call = collecting()
    call.at(1_100, *whole(R1, 5_000))
    assert Flush(R1) in call.at(2_000, CallerPressed("1"))


def test_of_a_private_row_the_model_gets_a_reference_and_hears_nothing() -> None:
    call = collecting('{"count": 2, "private": true}')
    assert hear(call, 1_500) == bytes(2 * samples(20))
    call.at(2_000, CallerPressed("xx"))
    assert results(call) == [(ToolStatus.OK, {"digits": reference(T1), "count": 2, "complete": True})]
    assert call.all(Muted) == [Muted(samples(0), samples(20), "digits are collected in private")]
    assert hear(call, 2_500) == LOUD * samples(20)


def test_what_may_be_seen_of_private_keys() -> None:
    assert masked("12#4*") == "xx#x*"


@pytest.mark.parametrize("arguments", ["nonsense", '{"count": "many"}'])
def test_arguments_that_mean_nothing_are_an_error(arguments: str) -> None:
    assert results(collecting(arguments))[0][0] is ToolStatus.REFUSED


def test_one_row_at_a_time() -> None:
    call = collecting()
    call.at(1_500, ToolRequested(ONE, T2, COLLECT_DIGITS, "{}"))
    assert results(call)[0][0] is ToolStatus.REFUSED


def test_digits_that_nobody_wants() -> None:
    (ignored,) = talking().at(1_000, DigitsHeard("1"))
    assert isinstance(ignored, Ignore)


# -- hold --------------------------------------------------------------------------------------------------------------


def test_a_caller_on_hold_is_not_heard_and_does_not_count_as_silent() -> None:
    call = talking(plan(silence_limit_ms=5_000))
    call.at(1_000, ToolRequested(ONE, T1, HOLD_CALL, "{}"))
    assert hear(call, 1_500) == bytes(2 * samples(20))
    call.until(60_000)
    assert not call.all(CloseCall)
    call.at(61_000, HoldChanged(held=False, by="ada"))
    assert results(call)[0][0] is ToolStatus.OK
    assert hear(call, 61_500) == LOUD * samples(20)


def test_a_hold_is_over_at_some_time() -> None:
    call = talking()
    call.at(1_000, ToolRequested(ONE, T1, HOLD_CALL, '{"seconds": 10}'))
    call.until(11_000)
    assert results(call) == [(ToolStatus.OK, {"off_hold": True, "because": "the time was over"})]


def test_somebody_beside_the_call_may_hold_it() -> None:
    call = talking()
    assert isinstance(call.at(900, HoldChanged(held=False))[0], Ignore)
    call.at(1_000, HoldChanged(held=True, by="ada"))
    assert hear(call, 1_500) == bytes(2 * samples(20))
    assert isinstance(call.at(1_600, HoldChanged(held=True))[0], Ignore)
    call.at(2_000, StopRequested("enough"))
    assert [muted.samples for muted in call.all(Muted)] == [samples(20)]


# -- silence and limits ------------------------------------------------------------------------------------------------


def test_a_silent_caller_is_asked_twice_and_then_let_go() -> None:
    call = talking(with_plan(reprompts=("Are you there?", "Hello?"), reprompt_us=5_000_000))
    call.until(5_000)
    for number, text in enumerate(("Are you there?", "Hello?")):
        ask = call.all(Speak)[-1]
        assert ask.text == text
        call.at(5_500 + number * 6_000, *whole(ask.response, 500))
        call.at(6_000 + number * 6_000, played(ask.response, 500))
        call.until(11_000 + number * 6_000)
    assert call.all(Speak)[-1].response == FAREWELL
    call.until(60_000)
    assert [closed.disposition for closed in call.all(CloseCall)] == [Disposition.SILENCE]


def test_a_caller_who_answers_is_asked_anew_later() -> None:
    call = talking(with_plan(reprompts=("Are you there?",), reprompt_us=5_000_000))
    call.until(5_000)
    ask = call.all(Speak)[-1]
    call.at(5_500, *whole(ask.response, 500))
    call.at(6_000, played(ask.response, 500))
    call.at(8_000, VoiceStarted(samples(0)))
    call.until(11_100)
    assert [wish.text for wish in call.all(Speak)] == ["Are you there?", "Are you there?"]


def test_the_longest_call_is_announced_before_it_is_over() -> None:
    call = talking(with_plan(call_limit_us=30_000_000, call_warning="One minute left.", call_warning_us=10_000_000))
    call.until(19_900)
    assert not call.all(Speak)
    call.until(20_000)
    assert [wish.text for wish in call.all(Speak)] == ["One minute left."]


# -- machines that answer ----------------------------------------------------------------------------------------------


def outbound(action: str) -> Script:
    call = talking(with_plan(voicemail=action, voicemail_message="Please call back."))
    call.at(1_000, *whole(R1, 5_000))
    return call


def test_a_machine_is_hung_up_on() -> None:
    call = outbound("hang_up")
    call.at(3_000, AnswererJudged(Answerer.MACHINE))
    assert [closed.disposition for closed in call.all(CloseCall)] == [Disposition.VOICEMAIL]


def test_a_machine_is_listened_to_until_its_beep_and_left_a_message() -> None:
    call = outbound("leave_message")
    assert Flush(R1) in call.at(3_000, AnswererJudged(Answerer.MACHINE))
    assert hear(call, 3_500) == bytes(2 * samples(20)), "the model does not talk with machines"
    assert not call.all(Speak)
    call.at(9_000, AnswererJudged(Answerer.BEEP))
    assert [wish.text for wish in call.all(Speak)] == ["Please call back."]
    call.at(9_500, *whole(FAREWELL, 2_000))
    call.at(11_500, played(FAREWELL, 2_000))
    assert [closed.disposition for closed in call.all(CloseCall)] == [Disposition.VOICEMAIL]


def test_a_machine_that_never_beeps_is_left_a_message_all_the_same() -> None:
    call = outbound("leave_message")
    call.at(3_000, AnswererJudged(Answerer.MACHINE))
    call.until(3_000 + BEEP_LIMIT_US // 1000)
    assert [wish.text for wish in call.all(Speak)] == ["Please call back."]


@pytest.mark.parametrize(("action", "answerer"), [("leave_message", Answerer.PERSON), ("ignore", Answerer.MACHINE)])
def test_a_person_is_talked_with(action: str, answerer: Answerer) -> None:
    call = outbound(action)
    call.at(3_000, AnswererJudged(answerer))
    assert not call.all(CloseCall)
    assert not call.all(Flush)
