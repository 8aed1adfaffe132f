"""A caller made of moves, and an agent that is so many frames of sound."""

from __future__ import annotations

import numpy as np

from tests.unit.rehearsal.calls import RATE_HZ, sound
from vivavoce.audio.arrays import to_array, to_pcm
from vivavoce.audio.level import pink_noise
from vivavoce.events import FinishPlaying, Flush, Instant, Play, ResponseId
from vivavoce.rehearsal.caller import Move, RehearsedCaller
from vivavoce.rehearsal.spans import Span
from vivavoce.rehearsal.truth import SaidKind
from vivavoce.rehearsal.voices import Clip, joined

FRAME = 320
SOUND = to_pcm(np.full(FRAME, 2_000))
REPLY = ResponseId("r")


def clip(text: str, ms: int) -> Clip:
    samples = ms * RATE_HZ // 1000
    return Clip(text, to_pcm(np.full(samples, 3_000)), ((0, samples),))


QUESTION = Move(SaidKind.TURN, clip("question", 600))
BACKCHANNEL = Move(SaidKind.BACKCHANNEL, clip("mm-hm", 300), after_ms=1_000)


def frames(caller: RehearsedCaller, ms: int, *, agent: bool) -> list[bytes | None]:
    return [caller.speak(FRAME, SOUND if agent else b"") for _ in range(ms // 20)]


def spoken_ms(caller: RehearsedCaller) -> list[tuple[str, int, int]]:
    return [(said.text, said.span.begin_us // 1000, said.span.end_us // 1000) for said in caller.truth(0)]


def test_a_move_into_speech_waits_for_so_much_of_it() -> None:
    caller = RehearsedCaller([BACKCHANNEL], [QUESTION])
    frames(caller, 500, agent=False)
    frames(caller, 3_000, agent=True)
    assert spoken_ms(caller) == [("mm-hm", 1_480, 1_780)]  # the frame with which the second was full


def test_a_gap_of_half_a_second_is_within_the_agents_speech_and_a_longer_one_is_not() -> None:
    short, long = RehearsedCaller([BACKCHANNEL], [QUESTION]), RehearsedCaller([BACKCHANNEL], [QUESTION])
    for caller, gap_ms in ((short, 500), (long, 520)):
        frames(caller, 600, agent=True)
        frames(caller, gap_ms, agent=False)
        frames(caller, 600, agent=True)
    assert [text for text, *_ in spoken_ms(short)] == ["mm-hm"]
    assert spoken_ms(long) == []


def test_when_the_agent_is_silent_the_caller_asks() -> None:
    caller = RehearsedCaller([BACKCHANNEL], [QUESTION])
    frames(caller, 500, agent=True)
    frames(caller, 2_000, agent=False)
    assert spoken_ms(caller) == [("question", 1_380, 1_980)]


def test_a_caller_who_hears_nothing_asks_again_after_eight_seconds() -> None:
    caller = RehearsedCaller([BACKCHANNEL], [QUESTION])
    frames(caller, 500, agent=True)
    frames(caller, 12_000, agent=False)
    assert [begin for _, begin, _ in spoken_ms(caller)] == [1_380, 1_380 + 600 + 8_000 - 20]


def test_after_the_last_move_and_what_followed_the_caller_hangs_up() -> None:
    caller = RehearsedCaller([QUESTION], [QUESTION])
    frames(caller, 500, agent=True)
    frames(caller, 2_000, agent=False)
    assert None not in frames(caller, 2_000, agent=True)
    assert frames(caller, 880, agent=False)[-1] is not None
    assert caller.speak(FRAME, b"") is None
    assert caller.rest == []


def test_time_runs_out() -> None:
    caller = RehearsedCaller([BACKCHANNEL], [QUESTION], longest_s=1)
    assert frames(caller, 1_040, agent=False)[-1] is None
    assert caller.rest == [BACKCHANNEL]


def test_an_early_answer_feels_the_end_coming() -> None:
    caller = RehearsedCaller([Move(SaidKind.EARLY, clip("answer", 400), after_ms=0)], [QUESTION])
    caller.watch(Instant(0), Play(REPLY, sound(2_000)))
    frames(caller, 1_000, agent=True)
    caller.watch(Instant(0), FinishPlaying(REPLY))
    frames(caller, 1_000, agent=True)
    assert [begin for _, begin, _ in spoken_ms(caller)] == [1_640]  # 340 ms before the end, in whole frames


def test_nothing_is_coming_of_a_reply_that_was_dropped() -> None:
    caller = RehearsedCaller([Move(SaidKind.EARLY, clip("answer", 400), after_ms=0)], [QUESTION])
    for value in (Play(REPLY, sound(300)), FinishPlaying(REPLY), Flush(REPLY)):
        caller.watch(Instant(0), value)
    frames(caller, 400, agent=True)
    assert spoken_ms(caller) == []


def test_noise_lies_over_the_channel_and_not_over_the_recording() -> None:
    caller = RehearsedCaller([QUESTION], [QUESTION], pink_noise(RATE_HZ, -30.0, seed=1))
    sent = b"".join(frame or b"" for frame in frames(caller, 500, agent=True))
    clean, agent = caller.recording
    assert np.abs(to_array(sent)).max() > 100
    assert clean == bytes(len(sent))
    assert agent == SOUND * 25


def test_what_was_said_is_on_the_calls_clock_with_its_pauses() -> None:
    first = clip("the fifteenth", 400)
    move = Move(SaidKind.TURN, joined(first, 700, clip("no, the sixteenth", 500)), slots=(("date", "2026-03-16"),))
    caller = RehearsedCaller([move], [QUESTION])
    frames(caller, 500, agent=True)
    frames(caller, 4_000, agent=False)
    (said,) = caller.truth(connected_us=150_000)
    assert said.text == "the fifteenth no, the sixteenth"
    assert said.slots == {"date": "2026-03-16"}
    begin_us = 1_380_000 + 150_000
    assert said.parts == (
        Span(begin_us, begin_us + 400_000),
        Span(begin_us + 1_100_000, begin_us + 1_600_000),
    )
    assert said.span == Span(begin_us, begin_us + 1_600_000)
