"""Whose turn it is, as scripts: the agent talks, and a voice is heard."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.core.scenario import ONE, R1, R2, Script, audio, plan, played, samples, stopped, talking, whole
from vivavoce.core.floor import DELAY_US, MARGIN_US, WAIT_LIMIT_US, Floor
from vivavoce.events import (
    GREETING,
    AgentRevised,
    Audio,
    CallerAudio,
    CallerConnected,
    CallerSpeechStarted,
    CallerText,
    CallStarted,
    CancelResponse,
    EarLost,
    Effect,
    FinishPlaying,
    FloorDecided,
    FloorVerdict,
    Flush,
    ForwardAudio,
    Ignore,
    ModelReady,
    Muted,
    PausePlaying,
    Play,
    ResponseInterrupted,
    ResponseStarted,
    ResumePlaying,
    Truncate,
    VoiceJudged,
    VoiceKind,
    VoiceStarted,
    VoiceStopped,
)

FRAME_MS = 20
LOUD = b"\x09\x00"
QUIET = b"\x01\x00"


def speaking(policy: str = "hybrid", *, made_ms: int = 5_000, heard_ms: int = 1_000) -> Script:
    """The agent has made some seconds of R1 and the caller has heard one."""
    call = talking(plan(interruption=policy))
    call.at(100, *whole(R1, made_ms))
    call.at(100 + heard_ms, played(R1, heard_ms))
    return call


def say(call: Script, begin_ms: int, end_ms: int, sound: bytes = LOUD) -> None:
    """The caller's audio of that time."""
    for at in range(begin_ms, end_ms, FRAME_MS):
        call.at(at + FRAME_MS, CallerAudio(Audio(sound * samples(FRAME_MS))))


def forwarded(call: Script) -> bytes:
    return b"".join(wish.audio.pcm for wish in call.all(ForwardAudio))


def kinds(effects: tuple[Effect, ...]) -> list[type]:
    return [type(effect) for effect in effects]


def verdicts(call: Script) -> list[FloorVerdict]:
    return [decided.verdict for decided in call.all(FloorDecided)]


def test_a_voice_pauses_the_agent_at_once() -> None:
    call = speaking()
    assert call.at(1_200, VoiceStarted(samples(1_100))) == (PausePlaying(),)
    assert call.session.floor.machine.state is Floor.DOUBT


def test_a_short_voice_leaves_the_agent_its_turn() -> None:
    call = speaking()
    call.at(1_200, VoiceStarted(samples(1_100)))
    effects = call.at(1_450, VoiceStopped(samples(1_350)))
    assert [FloorDecided, ResumePlaying] == kinds(effects)
    assert verdicts(call) == [FloorVerdict.KEPT]
    assert not call.all(Flush)


def test_a_backchannel_leaves_the_agent_its_turn_while_it_lasts() -> None:
    call = speaking()
    call.at(1_200, VoiceStarted(samples(1_100)))
    assert ResumePlaying() in call.at(1_400, VoiceJudged(VoiceKind.BACKCHANNEL))
    assert call.until(1_900) == ()


@pytest.mark.parametrize("kind", [VoiceKind.NOISE, VoiceKind.OTHERS, VoiceKind.ECHO])
def test_what_is_no_speech_of_the_callers_changes_nothing(kind: VoiceKind) -> None:
    call = speaking()
    call.at(1_200, VoiceStarted(samples(1_100), kind))
    call.at(4_000, VoiceStopped(samples(3_900)))
    assert not call.all(PausePlaying)
    assert verdicts(call) == [FloorVerdict.KEPT]


def test_who_goes_on_has_the_turn() -> None:
    call = speaking()
    call.at(1_200, VoiceStarted(samples(1_100)))
    effects = call.until(1_600)
    assert [FloorDecided, Flush, ResumePlaying] == kinds(effects)
    assert verdicts(call) == [FloorVerdict.TAKEN]


def test_plain_speech_is_not_waited_for() -> None:
    call = speaking()
    call.at(1_200, VoiceStarted(samples(1_100)))
    effects = call.at(1_350, VoiceJudged(VoiceKind.CALLER, certain=True))
    assert kinds(effects) == [FloorDecided, Flush, ResumePlaying]


def test_a_reply_in_the_making_is_cancelled() -> None:
    call = talking(plan(interruption="hybrid"))
    call.at(100, ResponseStarted(ONE, R1), *whole(R1, 5_000)[1:2], played(R1, 1_000))
    call.at(1_200, VoiceStarted(samples(1_100)))
    assert CancelResponse(ONE, R1) in call.until(1_600)
    assert call.at(1_610, stopped(R1, 1_000)) == (Truncate(ONE, R1, samples(1_000), ""),)


def test_a_mm_hm_that_never_ends_takes_the_turn() -> None:
    call = speaking()
    call.at(1_200, VoiceStarted(samples(1_100)))
    call.at(1_400, VoiceJudged(VoiceKind.BACKCHANNEL))
    call.until(2_400)
    assert verdicts(call) == [FloorVerdict.KEPT, FloorVerdict.TAKEN]
    assert call.all(Flush) == [Flush(R1)]


def test_somebody_else_may_go_on_for_ever() -> None:
    call = speaking(made_ms=60_000)
    call.at(1_200, VoiceStarted(samples(1_100), VoiceKind.OTHERS))
    call.until(9_000)
    assert verdicts(call) == [FloorVerdict.KEPT]


def test_a_voice_may_turn_out_to_be_the_callers() -> None:
    call = speaking()
    call.at(1_200, VoiceStarted(samples(1_100), VoiceKind.NOISE))
    assert Flush(R1) in call.at(1_500, VoiceJudged(VoiceKind.CALLER, certain=True))


def test_local_takes_the_turn_at_once() -> None:
    call = speaking("local")
    assert kinds(call.at(1_200, VoiceStarted(samples(1_100)))) == [FloorDecided, Flush]


@pytest.mark.parametrize("policy", ["model", "never"])
def test_other_policies_do_not_listen(policy: str) -> None:
    call = speaking(policy)
    assert call.at(1_200, VoiceStarted(samples(1_100))) == ()
    assert call.at(1_400, VoiceStopped(samples(1_350))) == ()


def test_an_answer_into_the_last_words_is_passed_on() -> None:
    call = speaking(made_ms=1_500)
    say(call, 1_100, 1_300)
    effects = call.at(1_300, VoiceStarted(samples(1_100)))
    assert verdicts(call) == [FloorVerdict.PASSED]
    assert not call.all(PausePlaying)
    assert sum(e.audio.samples for e in effects if isinstance(e, ForwardAudio)) == samples(200), "and is heard at once"


def test_last_words_that_are_still_being_made_are_not_the_last() -> None:
    call = talking(plan(interruption="hybrid"))
    call.at(100, ResponseStarted(ONE, R1), *whole(R1, 1_500)[1:2], played(R1, 1_200))
    call.at(1_300, VoiceStarted(samples(1_200)))
    assert call.all(PausePlaying)


def test_who_goes_on_with_their_own_sentence_is_not_doubted() -> None:
    call = talking(plan(interruption="hybrid"))
    call.at(1_000, VoiceStarted(samples(500)))
    call.at(2_000, VoiceStopped(samples(1_900)))
    call.at(2_300, *whole(R1, 5_000))
    call.at(2_600, played(R1, 300))
    effects = call.at(2_700, VoiceStarted(samples(2_600)))
    assert kinds(effects)[:2] == [FloorDecided, Flush]


def test_without_a_pause_the_agent_talks_on_until_it_is_decided() -> None:
    call = Script()
    call.at(0, CallStarted(plan(interruption="hybrid")), CallerConnected("test", 8_000), ModelReady(ONE))
    call.at(100, *whole(R1, 5_000))
    call.at(1_100, played(R1, 1_000))
    assert call.at(1_200, VoiceStarted(samples(1_100))) == ()
    assert [FloorDecided, Flush] == kinds(call.until(1_600))


def test_whoever_types_meanwhile_has_the_turn() -> None:
    call = speaking()
    call.at(1_200, VoiceStarted(samples(1_100)))
    effects = call.at(1_300, CallerText("stop"))
    assert effects.index(Flush(R1)) < effects.index(ResumePlaying()), "there is no doubt any more"
    assert PausePlaying() in call.at(1_510, *whole(R2, 1_000)), "but a voice that goes on is not talked into"
    assert ResumePlaying() in call.at(2_000, VoiceStopped(samples(1_900)))
    assert Flush(R2) not in call.effects, "the answer to what was typed is heard"


def test_another_policy_ends_the_doubt() -> None:
    call = speaking()
    call.at(1_200, VoiceStarted(samples(1_100)))
    assert ResumePlaying() in call.at(1_300, AgentRevised("model"))


# -- the model's own mind ----------------------------------------------------------------------------------------------


def test_a_model_that_breaks_off_for_a_backchannel_is_repaired() -> None:
    call = talking(plan(interruption="hybrid"))
    call.at(100, ResponseStarted(ONE, R1), *whole(R1, 5_000)[1:2], played(R1, 1_000))
    call.at(1_200, VoiceStarted(samples(1_100)))
    effects = call.at(1_300, ResponseInterrupted(ONE, R1))
    decided = call.all(FloorDecided)
    assert FinishPlaying(R1) in effects
    assert [(one.cut, one.rescued) for one in decided] == [(True, samples(4_000))]
    assert ResumePlaying() in call.at(1_450, VoiceStopped(samples(1_350)))
    assert not call.all(Flush)


def test_nothing_left_to_play_is_counted_too() -> None:
    call = talking(plan(interruption="hybrid"))
    call.at(100, ResponseStarted(ONE, R1), *whole(R1, 1_000)[1:2], played(R1, 900))
    call.at(1_000, VoiceStarted(samples(900), VoiceKind.NOISE))
    call.at(1_050, played(R1, 1_000))
    call.at(1_100, ResponseInterrupted(ONE, R1))
    assert [(one.cut, one.rescued) for one in call.all(FloorDecided)][-1] == (True, 0)


@pytest.mark.parametrize("policy", ["local", "hybrid"])
def test_a_model_that_breaks_off_for_nothing_is_played_on(policy: str) -> None:
    call = speaking(policy)
    assert not any(isinstance(effect, Flush) for effect in call.at(1_200, ResponseInterrupted(ONE, R1)))
    assert call.at(1_300, CallerSpeechStarted(ONE, samples(1_200))) == ()


def test_an_early_answer_leaves_the_agent_its_last_words() -> None:
    call = speaking(made_ms=1_500)
    call.at(1_300, VoiceStarted(samples(1_100)))
    call.at(1_400, CallerSpeechStarted(ONE, samples(1_200)), ResponseInterrupted(ONE, R1))
    assert not call.all(Flush)


def test_a_model_may_notice_a_turn_when_it_is_over() -> None:
    call = talking(plan(interruption="hybrid"))
    call.at(1_000, VoiceStarted(samples(900)))
    call.at(1_400, VoiceStopped(samples(1_300)))
    call.at(1_500, *whole(R1, 3_000))
    assert Flush(R1) in call.at(1_700, ResponseInterrupted(ONE, R1)), "the reply was to half of it"


def test_what_leaked_of_a_voice_that_was_kept_is_no_reason() -> None:
    call = speaking()
    call.at(1_200, VoiceStarted(samples(1_100)))
    call.at(1_450, VoiceStopped(samples(1_350)))
    call.at(1_700, ResponseInterrupted(ONE, R1))
    assert not call.all(Flush)
    assert [one.cut for one in call.all(FloorDecided)] == [False, True]


# -- what the model hears ----------------------------------------------------------------------------------------------


def test_the_model_hears_the_caller_a_little_later_while_the_agent_talks() -> None:
    call = speaking()
    say(call, 1_100, 1_600)
    assert len(forwarded(call)) == 2 * samples(500 - DELAY_US // 1000)
    effects = call.at(5_200, played(R1, 5_000))
    assert sum(e.audio.samples for e in effects if isinstance(e, ForwardAudio)) == samples(DELAY_US // 1000)


def test_the_model_hears_silence_in_the_place_of_a_backchannel() -> None:
    call = speaking()
    say(call, 1_100, 1_340, QUIET)
    say(call, 1_340, 1_400)
    call.at(1_400, VoiceStarted(samples(250)))
    say(call, 1_400, 1_600)
    call.at(1_600, VoiceStopped(samples(400)))
    say(call, 1_600, 2_000, QUIET)
    call.at(5_200, played(R1, 5_000))
    before = samples(250) - samples(MARGIN_US // 1000)
    silent = samples(500) - before  # to where the ear noticed the end
    assert forwarded(call) == QUIET * samples(900), "the line as it sounded before"
    assert [(muted.at, muted.samples) for muted in call.all(Muted)] == [(before, silent)]


def test_the_model_hears_all_of_an_interruption_at_once() -> None:
    call = speaking()
    say(call, 1_100, 1_300)
    call.at(1_300, VoiceStarted(samples(100)))
    say(call, 1_300, 1_680)
    call.until(1_700)
    assert forwarded(call) == LOUD * call.session.hearing.gate.received
    assert not call.all(Muted)


def test_nobody_cuts_protected_speech_and_it_is_answered_afterwards() -> None:
    call = talking(plan(interruption="hybrid", protect_greeting=True, greeting="This call is recorded."))
    call.at(100, *whole(GREETING, 4_000))
    call.at(1_100, played(GREETING, 1_000))
    say(call, 1_100, 1_300)
    assert call.at(1_300, VoiceStarted(samples(0))) == ()
    say(call, 1_300, 2_500)
    assert forwarded(call) == b"", "the model could interrupt itself"
    call.at(4_200, played(GREETING, 4_000))
    assert forwarded(call) == LOUD * samples(1_400)


def test_a_second_voice_within_a_doubt_is_the_same() -> None:
    call = speaking()
    call.at(1_200, VoiceStarted(samples(1_100)))
    (ignored,) = call.at(1_300, VoiceStarted(samples(1_250)))
    assert isinstance(ignored, Ignore)


def test_nothing_of_the_agent_is_lost_or_repeated_by_a_pause() -> None:
    call = speaking()
    before = sum(play.audio.samples for play in call.all(Play))
    call.at(1_200, VoiceStarted(samples(1_100)))
    call.at(1_450, VoiceStopped(samples(1_350)))
    assert sum(play.audio.samples for play in call.all(Play)) == before == audio(5_000).samples
    playout = call.session.talk.playouts.get(R1)
    assert playout is not None
    assert playout.sent == before


# -- who was there first -----------------------------------------------------------------------------------------------


def test_a_reply_does_not_begin_into_the_callers_words() -> None:
    call = talking(plan(interruption="hybrid"))
    call.at(1_000, VoiceStarted(samples(900)))
    effects = call.at(2_000, *whole(R1, 3_000))
    assert PausePlaying() in effects
    assert ResumePlaying() in call.at(2_400, VoiceStopped(samples(2_300)))
    assert not call.all(Flush)


def test_a_reply_to_half_of_it_is_dropped_when_the_model_notices() -> None:
    for policy in ("hybrid", "local"):
        call = talking(plan(interruption=policy))
        call.at(1_000, VoiceStarted(samples(900)))
        call.at(2_000, *whole(R1, 3_000))
        assert Flush(R1) in call.at(2_200, CallerSpeechStarted(ONE, samples(1_900)))


def test_a_noisy_line_does_not_silence_the_agent() -> None:
    call = talking(plan(interruption="hybrid"))
    call.at(1_000, VoiceStarted(samples(900)))
    call.at(2_000, *whole(R1, 3_000))
    assert ResumePlaying() in call.until(2_000 + WAIT_LIMIT_US // 1000)
    call.at(4_500, played(R1, 400))
    assert len(call.all(PausePlaying)) == 1, "and does not do so again"


def test_what_was_taken_for_an_echo_is_doubted_once_it_is_the_callers() -> None:
    call = speaking()
    call.at(1_200, VoiceStarted(samples(1_100), VoiceKind.ECHO))
    assert PausePlaying() in call.at(1_700, VoiceJudged(VoiceKind.CALLER))
    assert Flush(R1) in call.until(2_100)
    call = speaking("local")
    call.at(1_200, VoiceStarted(samples(1_100), VoiceKind.ECHO))
    assert Flush(R1) in call.at(1_700, VoiceJudged(VoiceKind.CALLER))


# -- without an ear ----------------------------------------------------------------------------------------------------


def test_when_the_ear_is_lost_the_model_decides() -> None:
    call = speaking()
    call.at(1_200, VoiceStarted(samples(1_100)))
    assert ResumePlaying() in call.at(1_250, EarLost()), "and nobody waits for an ear that says nothing more"
    assert Flush(R1) in call.at(1_400, ResponseInterrupted(ONE, R1))


# -- a moment before the pause -----------------------------------------------------------------------------------------


def hesitating() -> Script:
    call = talking(msgspec.structs.replace(plan(interruption="hybrid"), pause_us=160_000))
    call.at(100, *whole(R1, 5_000))
    call.at(1_100, played(R1, 1_000))
    say(call, 1_100, 1_200)
    return call


def test_the_agent_pauses_a_little_after_the_first_sound() -> None:
    call = hesitating()
    assert call.at(1_200, VoiceStarted(samples(40))) == ()  # 60 ms old
    assert call.until(1_299) == ()
    assert call.until(1_300) == (PausePlaying(),)
    assert kinds(call.until(1_700))[:2] == [FloorDecided, Flush]


def test_a_click_does_not_pause_it() -> None:
    call = hesitating()
    call.at(1_200, VoiceStarted(samples(40)))
    call.at(1_280, VoiceStopped(samples(80)))
    call.until(3_000)
    assert verdicts(call) == [FloorVerdict.KEPT]
    assert not call.all(PausePlaying)


def test_a_voice_that_was_noticed_late_pauses_it_at_once() -> None:
    call = hesitating()
    say(call, 1_200, 1_400)
    assert call.at(1_400, VoiceStarted(samples(40))) == (PausePlaying(),)
