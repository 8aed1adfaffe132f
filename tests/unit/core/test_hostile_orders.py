"""Things that come at the worst moment: two reasons at once, a session that changes in mid-word, an answer too late."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.core.scenario import (
    CONNECTED,
    ONE,
    R1,
    R2,
    T1,
    TWO,
    Script,
    audio,
    plan,
    played,
    said,
    samples,
    stopped,
    talking,
    whole,
)
from vivavoce.core.digits import INTER_DIGIT_US
from vivavoce.core.renewal import SETTLE_US
from vivavoce.events import (
    COLLECT_DIGITS,
    HOLD_CALL,
    AgentRevised,
    Answerer,
    AnswererJudged,
    Audio,
    CallerAudio,
    CallerPressed,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CallPlan,
    CallStarted,
    CloseModel,
    DigitsHeard,
    Event,
    Flush,
    ForwardAudio,
    ForwardText,
    HoldChanged,
    Ignore,
    ModelLost,
    ModelReady,
    Muted,
    PausePlaying,
    PlayClip,
    ReplayAudio,
    ReplyRequested,
    ResponseFinished,
    ResponseStarted,
    ReturnToolResult,
    Speak,
    SpendPlan,
    SwapModel,
    TokenPrices,
    ToolFinished,
    ToolPlan,
    ToolRequested,
    ToolStatus,
    UsageReported,
    VoiceJudged,
    VoiceKind,
    VoiceStarted,
    VoiceStopped,
)

LOUD = b"\x01\x00"
SLOW = ToolPlan(name="look_up", lead_in="One moment.", lead_in_us=500_000)


def hear(call: Script, ms: int) -> bytes:
    """What the model gets of a loud frame that comes then."""
    effects = call.at(ms, CallerAudio(Audio(LOUD * samples(20))))
    return b"".join(effect.audio.pcm for effect in effects if isinstance(effect, ForwardAudio))


def say(call: Script, begin_ms: int, end_ms: int) -> None:
    for at in range(begin_ms, end_ms, 20):
        call.at(at + 20, CallerAudio(audio(20)))


def with_plan(**changes: object) -> CallPlan:
    return msgspec.structs.replace(plan(), **changes)


# -- two reasons for which the model hears nothing ---------------------------------------------------------------------


def test_a_hold_that_ends_does_not_let_private_digits_be_heard() -> None:
    call = talking()
    call.at(1_000, ToolRequested(ONE, T1, COLLECT_DIGITS, '{"count": 4, "private": true}'))
    call.at(1_100, HoldChanged(held=True))
    call.at(1_200, HoldChanged(held=False))
    assert not any(hear(call, 1_300))
    call.at(1_400, CallerPressed("xxxx"))
    assert any(hear(call, 1_500))
    assert [(muted.at, muted.samples) for muted in call.all(Muted)] == [(0, samples(20))]


def test_digits_that_are_whole_do_not_end_a_hold() -> None:
    call = talking()
    call.at(1_000, HoldChanged(held=True))
    call.at(1_100, ToolRequested(ONE, T1, COLLECT_DIGITS, '{"count": 1, "private": true}'))
    call.at(1_200, CallerPressed("x"))
    assert not any(hear(call, 1_300))
    call.at(1_400, HoldChanged(held=False))
    assert any(hear(call, 1_500))


def test_a_machine_is_not_talked_with_because_a_hold_is_over() -> None:
    call = talking(with_plan(voicemail="leave_message", voicemail_message="Call back."))
    call.at(1_000, AnswererJudged(Answerer.MACHINE), HoldChanged(held=True))
    call.at(1_100, HoldChanged(held=False))
    assert not any(hear(call, 1_200))


def test_private_sounds_are_not_the_background_of_what_is_silenced_later() -> None:
    call = talking(plan(interruption="hybrid"))
    call.at(100, *whole(R1, 9_000))
    call.at(1_000, played(R1, 900), ToolRequested(ONE, T1, COLLECT_DIGITS, '{"count": 1, "private": true}'))
    call.at(1_100, CallerAudio(Audio(b"\x07\x00" * samples(200))))
    call.at(1_200, CallerPressed("x"), *whole(R2, 9_000))
    call.at(1_300, CallerAudio(Audio(LOUD * samples(100))), VoiceStarted(samples(200), VoiceKind.NOISE))
    call.at(1_400, VoiceStopped(samples(300)))
    call.at(1_900, CallerAudio(Audio(LOUD * samples(500))))
    heard = b"".join(wish.audio.pcm for wish in call.all(ForwardAudio))
    assert len(heard) // 2 >= samples(300)
    assert b"\x07" not in heard


def test_background_is_from_just_before() -> None:
    """What went past a gate that stood open is not remembered, and what was before that is not just before."""
    call = talking(plan(interruption="hybrid"))
    call.at(100, *whole(R1, 2_000))
    call.at(1_000, CallerAudio(Audio(b"\x07\x00" * samples(600))))
    call.at(2_100, played(R1, 2_000))
    call.at(2_200, CallerAudio(Audio(LOUD * samples(600))))
    call.at(2_300, *whole(R2, 9_000))
    call.at(2_320, CallerAudio(Audio(LOUD * samples(20))), VoiceStarted(samples(1_200), VoiceKind.NOISE))
    call.at(2_400, VoiceStopped(samples(1_220)))
    before = len(call.all(ForwardAudio))
    call.at(3_000, CallerAudio(Audio(LOUD * samples(500))))
    assert b"\x07" not in b"".join(wish.audio.pcm for wish in call.all(ForwardAudio)[before:])


# -- what a model writes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", ["1e305", '"nan"', '"inf"', "-1", "0"])
def test_a_hold_of_any_length_is_over_at_some_time(seconds: str) -> None:
    call = talking()
    call.at(1_000, ToolRequested(ONE, T1, HOLD_CALL, f'{{"seconds": {seconds}}}'))
    if not call.all(ReturnToolResult):
        call.until(1_000 + call.session.plan.hold_limit_us // 1000)
    assert len(call.all(ReturnToolResult)) == 1


@pytest.mark.parametrize(
    "arguments", ['{"count": -1}', '{"count": 65}', '{"finish_key": "7"}', '{"finish_key": "##"}', '{"count": true}']
)
def test_a_row_that_cannot_be_is_refused(arguments: str) -> None:
    call = talking()
    call.at(1_000, ToolRequested(ONE, T1, COLLECT_DIGITS, arguments))
    (result,) = call.all(ReturnToolResult)
    assert result.status is ToolStatus.REFUSED


# -- keys too many -----------------------------------------------------------------------------------------------------


def test_what_is_pressed_right_behind_a_private_row_is_nobodys_business() -> None:
    call = talking()
    call.at(1_000, ToolRequested(ONE, T1, COLLECT_DIGITS, '{"count": 2, "private": true}'))
    call.at(1_100, CallerPressed("xx"))
    assert call.session.digits.hidden is True
    for ms, late in ((1_200, CallerPressed("x")), (4_000, DigitsHeard("x")), (4_100, CallerPressed("#"))):
        assert isinstance(call.at(ms, late)[0], Ignore)
    call.until(4_100 + INTER_DIGIT_US // 1000)
    assert not [effect for effect in call.effects if isinstance(effect, ForwardText)]
    call.at(9_000, CallerPressed("3"))
    assert len(call.all(ForwardText)) == 1


def test_the_finish_key_of_a_whole_row_asks_for_nothing() -> None:
    call = talking()
    call.at(1_000, ToolRequested(ONE, T1, COLLECT_DIGITS, '{"count": 2}'))
    call.at(1_100, CallerPressed("42"))
    call.at(1_200, CallerPressed("#"))
    assert not call.all(ForwardText)
    call.at(1_300, CallerPressed("1"))
    assert len(call.all(ForwardText)) == 1


# -- the model's session changes ---------------------------------------------------------------------------------------


def speaking_under(policy: str = "hybrid", lifetime_us: int = 0) -> Script:
    """The agent has made five seconds long ago, and the caller has heard one."""
    call = Script()
    call.at(0, CallStarted(plan(interruption=policy)), CONNECTED, ModelReady(ONE, lifetime_us))
    call.at(100, *whole(R1, 5_000))
    call.at(1_100, played(R1, 1_000))
    return call


def test_a_session_is_not_replaced_between_an_interruption_and_its_notice() -> None:
    """The agent is flushed and nobody seems to talk; the words have just been forwarded."""
    call = speaking_under()
    call.at(1_100, AgentRevised("hybrid"), ModelReady(TWO))
    say(call, 1_100, 1_300)
    call.at(1_300, VoiceStarted(samples(200)))
    assert Flush(R1) in call.at(1_400, VoiceJudged(VoiceKind.CALLER, certain=True))
    call.at(1_410, stopped(R1, 1_300))
    call.at(1_600, VoiceStopped(samples(400)))
    call.at(1_700)
    assert not call.all(SwapModel)
    call.at(1_900, CallerSpeechStarted(ONE, samples(200)), CallerSpeechStopped(ONE, samples(400)))
    call.until(9_000)
    assert not call.all(SwapModel), "those words are owed an answer"


def test_a_voice_that_the_model_takes_for_nothing_does_not_hold_it_up_for_long() -> None:
    call = speaking_under()
    call.at(1_100, AgentRevised("hybrid"), ModelReady(TWO))
    call.at(1_300, VoiceStarted(samples(0)), VoiceJudged(VoiceKind.CALLER, certain=True))
    call.at(1_310, stopped(R1, 1_300))
    call.at(1_600, VoiceStopped(samples(0)))
    call.until(1_600 + SETTLE_US // 1000)
    assert len(call.all(SwapModel)) == 1


def test_what_came_late_is_kept_for_another_session_until_the_model_has_noticed() -> None:
    call = speaking_under()
    say(call, 1_100, 1_300)
    call.at(1_300, VoiceStarted(samples(0)), VoiceJudged(VoiceKind.BACKCHANNEL))
    say(call, 1_300, 2_300)
    call.until(2_400)  # it went on for too long, and was forwarded in one go
    assert sum(wish.audio.samples for wish in call.all(ForwardAudio)) == samples(1_200)
    say(call, 2_400, 2_600)
    call.at(2_600, ModelLost(ONE, "reset"))
    call.at(2_700, ModelReady(TWO))
    assert sum(wish.audio.samples for wish in call.all(ReplayAudio)) == samples(1_400)


def test_an_interruption_wants_an_answer_however_the_model_takes_it() -> None:
    """A model that decides itself whether it is interrupted only says that it hears something."""
    call = Script()
    call.at(0, CallStarted(plan(interruption="hybrid")), CONNECTED, ModelReady(ONE, reply_limit_us=6_000_000))
    call.at(100, ResponseStarted(ONE, R1), said(R1, 2_000))
    call.at(600, played(R1, 500), VoiceStarted(samples(0)), VoiceJudged(VoiceKind.CALLER, certain=True))
    call.at(700, stopped(R1, 600))
    call.at(800, CallerSpeechStarted(ONE, samples(0), takes_turn=False), CallerSpeechStopped(ONE, samples(100)))
    call.until(9_000)
    assert CloseModel(ONE) in call.effects, "a model that does not answer it is given up"


def test_a_model_that_hears_what_is_in_doubt_does_not_decide_it() -> None:
    call = speaking_under()
    call.at(1_200, VoiceStarted(samples(0)))
    assert Flush(R1) not in call.at(1_250, CallerSpeechStarted(ONE, samples(0)))
    call.at(1_300, VoiceStopped(samples(100)))
    assert not call.all(Flush)


def test_what_does_not_hold_any_more_is_not_asked_of_another_session() -> None:
    call = talking(with_plan(tools=(SLOW,)))
    call.at(1_000, ToolRequested(ONE, T1, "look_up", "{}"))
    call.until(1_500)
    assert [wish.text for wish in call.all(Speak)] == ["One moment."]
    call.at(1_600, ModelLost(ONE, "reset"))
    call.at(1_700, ToolFinished(T1, ToolStatus.OK, "1"))
    call.at(1_800, ModelReady(TWO))
    assert len(call.all(Speak)) == 1
    assert ReturnToolResult(TWO, T1, ToolStatus.OK, "1") in call.effects


def test_an_aside_that_was_not_said_yet_is_said_for_a_session_that_cannot() -> None:
    call = talking(with_plan(tools=(SLOW,)))
    call.at(1_000, ToolRequested(ONE, T1, "look_up", "{}"))
    call.until(1_500)
    call.at(1_600, ModelLost(ONE, "reset"))
    call.at(1_800, ModelReady(TWO, speaks=False))
    assert [clip.text for clip in call.all(PlayClip)] == ["One moment."]


def test_a_clip_does_not_cut_off_a_reply_that_began_while_it_was_made() -> None:
    call = Script()
    call.at(0, CallStarted(with_plan(tools=(SLOW,))), CONNECTED, ModelReady(ONE, speaks=False))
    call.at(1_000, ToolRequested(ONE, T1, "look_up", "{}"))
    call.until(1_500)
    (clip,) = call.all(PlayClip)
    call.at(1_600, ResponseStarted(ONE, R1), said(R1, 500))
    call.at(1_700, ResponseStarted(ONE, clip.response), said(clip.response, 500))
    call.at(1_800, ResponseFinished(ONE, clip.response), said(R1, 500), ResponseFinished(ONE, R1))
    assert (call.played_ms(R1), call.played_ms(clip.response)) == (1_000, 0)


# -- silence, and what is none -----------------------------------------------------------------------------------------

ASKS = {"reprompts": ("Are you there?", "Hello?"), "reprompt_us": 5_000_000}


def test_who_waits_for_an_answer_is_not_asked_whether_they_are_there() -> None:
    call = talking(with_plan(**ASKS))
    call.at(1_000, CallerSpeechStarted(ONE, samples(0)), CallerSpeechStopped(ONE, samples(500)))
    call.until(9_000)
    assert not call.all(Speak)
    call.at(9_000, *whole(R1, 1_000))
    call.at(10_000, played(R1, 1_000))
    assert not call.all(Speak), "nor when the answer is over"
    call.until(15_000)
    assert [wish.text for wish in call.all(Speak)] == ["Are you there?"]


@pytest.mark.parametrize("kind", [VoiceKind.NOISE, VoiceKind.OTHERS, VoiceKind.ECHO])
def test_a_noise_is_no_answer(kind: VoiceKind) -> None:
    call = talking(with_plan(**ASKS))
    call.until(5_000)
    say_aside(call, 5_100)
    call.at(7_000, VoiceStarted(samples(0), kind), VoiceJudged(kind), VoiceStopped(samples(100)))
    call.until(10_700)
    assert [wish.text for wish in call.all(Speak)] == ["Are you there?", "Hello?"]


def say_aside(call: Script, ms: int) -> None:
    response = call.all(Speak)[-1].response
    call.at(ms, *whole(response, 500))
    call.at(ms + 500, played(response, 500))


def test_words_that_nobody_answers_do_not_hold_back_what_is_to_be_said() -> None:
    """A "mm-hm" that the model ignored, or speech that it never took for any."""
    for takes_turn in (True, False):
        call = talking(
            with_plan(call_limit_us=120_000_000, call_warning="A minute is left.", silence_limit_us=300_000_000)
        )
        call.at(1_000, ResponseStarted(ONE, R1), said(R1, 2_000))
        call.at(1_500, CallerSpeechStarted(ONE, samples(0), takes_turn=takes_turn))
        call.at(1_600, CallerSpeechStopped(ONE, samples(100)))
        call.at(1_700, ResponseFinished(ONE, R1), stopped(R1, 500) if takes_turn else played(R1, 500))
        call.at(3_200, played(R1, 2_000))
        call.until(60_000)
        assert [wish.text for wish in call.all(Speak)] == ["A minute is left."]


def test_nothing_is_said_to_a_machine_before_its_beep() -> None:
    call = talking(with_plan(tools=(SLOW,), voicemail="leave_message", voicemail_message="Call back."))
    call.at(1_000, ToolRequested(ONE, T1, "look_up", "{}"), AnswererJudged(Answerer.MACHINE))
    call.until(9_000)
    assert not call.all(Speak)


# -- the floor ---------------------------------------------------------------------------------------------------------


def test_a_cough_that_turns_out_to_be_talk_is_not_kept_for_ever() -> None:
    call = speaking_under()
    call.at(1_200, VoiceStarted(samples(0), VoiceKind.NOISE))
    call.until(2_500)
    call.at(2_500, VoiceJudged(VoiceKind.CALLER))
    assert Flush(R1) in call.until(3_600)


def test_a_reply_does_not_wait_for_a_noise() -> None:
    call = talking(plan(interruption="hybrid"))
    call.at(1_000, VoiceStarted(samples(0)), VoiceJudged(VoiceKind.NOISE))
    assert PausePlaying() not in call.at(1_100, *whole(R1, 1_000))


def test_a_voice_that_ended_under_another_policy_is_over() -> None:
    call = talking(plan(interruption="hybrid"))
    call.at(1_000, VoiceStarted(samples(0)), AgentRevised("model"))
    call.at(1_500, VoiceStopped(samples(300)))
    call.at(2_000, AgentRevised("hybrid"))
    assert PausePlaying() not in call.at(2_100, *whole(R1, 1_000))


@pytest.mark.parametrize("event", [CallerText("stop"), ReplyRequested(), CallerPressed("1")])
def test_the_answer_to_what_was_asked_otherwise_is_not_cut_by_a_voice_in_doubt(event: Event) -> None:
    call = speaking_under()
    call.at(1_200, VoiceStarted(samples(0)))
    assert Flush(R1) in call.at(1_250, event)
    call.at(1_250, stopped(R1, 1_200))
    call.at(1_300, *whole(R2, 1_000))
    call.until(2_000)
    assert Flush(R2) not in call.effects


@pytest.mark.parametrize("policy", ["local", "hybrid"])
def test_what_was_taken_for_an_echo_in_silence_may_have_the_turn(policy: str) -> None:
    call = talking(plan(interruption=policy))
    call.at(1_000, VoiceStarted(samples(0), VoiceKind.ECHO))
    call.at(1_200, VoiceJudged(VoiceKind.CALLER, certain=True))
    call.at(1_300, ResponseStarted(ONE, R1), said(R1, 1_000), CallerSpeechStarted(ONE, samples(0)))
    assert Flush(R1) in call.effects


def test_and_into_a_reply_that_began_meanwhile_it_is_doubted() -> None:
    call = talking(plan(interruption="hybrid"))
    call.at(1_000, VoiceStarted(samples(0), VoiceKind.ECHO))
    call.at(1_100, *whole(R1, 5_000))
    assert PausePlaying() in call.at(2_000, played(R1, 900), VoiceJudged(VoiceKind.CALLER))
    assert Flush(R1) in call.until(3_000)


def test_last_words_in_the_models_name_wait_for_its_reply() -> None:
    call = Script()
    call.at(0, CallStarted(plan(farewell="Goodbye.", call_limit_ms=5_000)), CONNECTED, ModelReady(ONE, speaks=False))
    call.at(4_000, ResponseStarted(ONE, R1), said(R1, 500))
    call.until(5_000)
    assert not call.all(PlayClip)
    call.at(5_500, said(R1, 500))
    assert [clip.text for clip in call.at(5_600, ResponseFinished(ONE, R1)) if isinstance(clip, PlayClip)] == [
        "Goodbye."
    ]
    assert call.played_ms(R1) == 1_000


def test_last_words_are_said_at_once_where_nobody_talks() -> None:
    call = Script()
    call.at(0, CallStarted(plan(farewell="Goodbye.", call_limit_ms=5_000)), CONNECTED, ModelReady(ONE, speaks=False))
    assert [clip.text for clip in call.until(5_000) if isinstance(clip, PlayClip)] == ["Goodbye."]


# -- what it costs -----------------------------------------------------------------------------------------------------


def test_every_session_that_was_ever_open_counts_its_tokens() -> None:
    """The one before, which reports late, and the spare, which was told things before it spoke."""
    prices = (TokenPrices(1, 1, 1, 1), None)
    spend = SpendPlan(limit=100, warning_at=50, warning="It gets dear.", prices=prices)
    call = talking(with_plan(spend=spend))
    call.at(1_000, AgentRevised("model"))
    call.at(1_100, UsageReported(TWO, text_in=20), ModelReady(TWO))
    call.until(9_000)
    assert call.all(SwapModel)
    call.at(9_000, UsageReported(ONE, speech_in=20))
    assert not call.all(Speak)
    call.at(9_100, UsageReported(TWO, speech_out=20))
    assert [wish.text for wish in call.all(Speak)] == ["It gets dear."]
