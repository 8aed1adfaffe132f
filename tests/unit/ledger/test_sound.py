"""Latency from sound: calls built to the sample, and what the instrument reads in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from vivavoce.audio.arrays import to_array, to_pcm
from vivavoce.audio.files import read_audio, write_wav
from vivavoce.audio.g711 import ulaw_decode, ulaw_encode
from vivavoce.audio.level import active_rms_dbfs, pink_noise
from vivavoce.audio.resample import resample
from vivavoce.errors import AudioFileError
from vivavoce.ledger.record import CallRecord, TurnKind, TurnRecord
from vivavoce.ledger.sound import measure, measured

Sound = NDArray[np.int16]
RATE_HZ = 8000
REQUESTS = Path(__file__).parents[3] / "benchmarks/spoken_requests"
US = 1_000_000 // RATE_HZ


def voice(ms: float, amplitude: int = 3000, hz: int = 200) -> Sound:
    return to_array(to_pcm(amplitude * np.sin(2 * np.pi * hz * (np.arange(round(ms * 8)) + 0.5) / RATE_HZ)))


def track(length_ms: float, *pieces: tuple[float, Sound]) -> Sound:
    """Each piece at its millisecond."""
    whole = np.zeros(round(length_ms * 8), np.int16)
    for at_ms, piece in pieces:
        whole[round(at_ms * 8) : round(at_ms * 8) + len(piece)] += piece
    return whole


def turn(number: int, began_ms: float, ended_ms: float, played_ms: float | None = None, **more: Any) -> TurnRecord:
    return TurnRecord(
        number=number,
        kind=TurnKind.CLEAN,
        began_us=round(began_ms * 1000),
        speech_ended_us=round(ended_ms * 1000),
        first_played_us=None if played_ms is None else round(played_ms * 1000),
        **more,
    )


def record(*turns: TurnRecord, rate_hz: int = RATE_HZ) -> CallRecord:
    return CallRecord(call="c", opened="2026-03-02T09:15:00+00:00", agent="a", rate_hz=rate_hz, turns=turns)


def read_ms(caller: Sound, agent: Sound, *turns: TurnRecord) -> list[tuple[float | None, float | None]]:
    """End of speech and onset of each turn."""
    return [
        (_ms(turn.measured_ended_us), _ms(turn.measured_heard_us))
        for turn in measure(record(*turns), caller, agent).turns
    ]


def _ms(instant_us: int | None) -> float | None:
    return None if instant_us is None else instant_us / 1000


def near(ms: float) -> object:
    return pytest.approx(ms, abs=5)


SAID = track(6000, (1000, voice(1500)))  # 1000 to 2500
REPLY = track(6000, (3300, voice(1200)))


def test_both_ends_are_found_where_the_timeline_is_off() -> None:
    assert read_ms(SAID, REPLY, turn(1, 1200, 2600, 3000, silence_us=300_000)) == [(near(2500), near(3300))]
    assert read_ms(SAID, REPLY, turn(1, 1200, 2600, first_sent_us=2_900_000)) == [(near(2500), near(3300))]


def test_what_cannot_be_told_is_none() -> None:
    typed = track(6000)
    assert read_ms(typed, REPLY, turn(1, 2500, 2500, 3300)) == [(None, near(3300))]
    assert read_ms(SAID, track(6000), turn(1, 1200, 2600, 3300)) == [(near(2500), None)]
    assert read_ms(SAID, REPLY, turn(1, 1200, 2600)) == [(near(2500), None)]
    assert read_ms(track(0), track(0), turn(1, 1200, 2600, 3300)) == [(None, None)]
    opening = TurnRecord(number=0, kind=TurnKind.OPENING, first_played_us=3_300_000)
    assert read_ms(SAID, REPLY, opening) == [(None, near(3300))]
    assert measure(record(), SAID, REPLY) == record()


def test_all_else_of_a_record_stays() -> None:
    before = record(turn(1, 1200, 2600, 3300, generated_samples=9))
    after = measure(before, SAID, REPLY)
    (seen,) = after.turns
    bare = msgspec.structs.replace(seen, measured_ended_us=None, measured_heard_us=None)
    assert msgspec.structs.replace(after, turns=(bare,)) == before
    assert measure(after, SAID, REPLY) == after


def test_a_cough_or_an_echo_after_the_speech_does_not_move_its_end() -> None:
    cough = SAID + track(6000, (2950, voice(120)))
    assert read_ms(cough, REPLY, turn(1, 1200, 2520, 3300)) == [(near(2500), near(3300))]
    echo = SAID + track(6000, (2600, voice(900, amplitude=300)))
    quick = track(6000, (2560, voice(1000)))
    assert read_ms(echo, quick, turn(1, 1200, 2500, 2560)) == [(near(2500), near(2560))]


def test_the_release_of_a_last_consonant_counts_and_a_click_does_not() -> None:
    released = SAID + track(6000, (2580, voice(15, amplitude=500, hz=2500)))
    assert read_ms(released, REPLY, turn(1, 1200, 2600, 3300)) == [(near(2595), near(3300))]
    clicks = SAID + track(6000, (2720, voice(10)), (900, voice(5)))
    assert read_ms(clicks, REPLY, turn(1, 1200, 2600, 3300)) == [(near(2500), near(3300))]


def test_an_agent_that_speaks_into_the_caller_reads_below_zero() -> None:
    early = track(6000, (2200, voice(1500)))
    assert read_ms(SAID, early, turn(1, 1200, 2500, 2200)) == [(near(2500), near(2200))]


def test_the_reply_before_is_not_this_turns() -> None:
    agent = track(9000, (3000, voice(1500)), (4600, voice(1500)))  # cut off at 4500, and 100 ms later the next
    caller = track(9000, (1000, voice(1500)), (4000, voice(400)))
    assert read_ms(caller, agent, turn(1, 1000, 2500, 3000), turn(2, 4000, 4400, 4600)) == [
        (near(2500), near(3000)),
        (near(4400), near(4600)),
    ]
    seamless = track(9000, (3000, voice(4000)))
    (_, first), (_, second) = read_ms(caller, seamless, turn(1, 1000, 2500, 3000), turn(2, 4000, 4400, 4600))
    assert (first, second) == (near(3000), None)


def test_a_click_is_no_reply() -> None:
    clicked = REPLY + track(6000, (2700, voice(10)))
    assert read_ms(SAID, clicked, turn(1, 1200, 2600, first_sent_us=2_650_000)) == [(near(2500), near(3300))]


def test_a_line_with_silence_in_its_pauses_has_no_floor() -> None:
    noisy = to_array(pink_noise(len(SAID), -55, 1))
    gated = SAID + np.where(track(6000, (990, voice(1520))) != 0, noisy, 0).astype(np.int16)
    assert read_ms(gated, REPLY, turn(1, 1200, 2600, 3300)) == [(near(2510), near(3300))]


# -- speech -----------------------------------------------------------------------------------------------------------


def speech(clips: Sequence[str], noise_dbfs: float | None, *, g711: bool) -> list[float]:
    """The error of each turn's latency, ms; 9999 where there is none. Speech is at -20 dBFS."""
    rate_hz = 8000 if g711 else 16_000
    random = np.random.default_rng(7)
    caller: list[NDArray[Any]] = [np.zeros(rate_hz)]
    agent: list[NDArray[Any]] = [np.zeros(rate_hz, np.int16)]
    turns, truth = [], []
    at = rate_hz
    for number, clip in enumerate(clips, 1):
        wide = read_audio(REQUESTS / f"audio/{clip}.flac")
        levelled = to_array(wide.pcm) * 10 ** ((-20 - active_rms_dbfs(wide.pcm)) / 20)
        steps = np.sqrt(np.mean(levelled[: len(levelled) // 80 * 80].reshape(-1, 80) ** 2, axis=1))
        end = (int(np.flatnonzero(steps >= 104)[-1]) + 1) * 80 / wide.rate_hz  # 104 is -50 dBFS
        said = to_array(resample(to_pcm(levelled), wide.rate_hz, rate_hz))
        gap_s = float(random.uniform(0.4, 1.5))
        reply = to_array(resample(voice(900).tobytes(), RATE_HZ, rate_hz))
        onset = at + round((end + gap_s) * rate_hz)
        length = onset - at + len(reply) + rate_hz
        caller.append(np.concatenate((said, np.zeros(length)))[:length])
        agent.append(np.concatenate((np.zeros(onset - at, np.int16), reply, np.zeros(rate_hz, np.int16))))
        told = at / rate_hz + end + float(random.normal(0, 0.05))
        played = onset / rate_hz - 0.08
        turns.append(turn(number, at / rate_hz * 1000 + 400, told * 1000, played * 1000, silence_us=80_000))
        truth.append(gap_s * 1000)
        at += length
    whole = np.concatenate(caller)
    if noise_dbfs is not None:
        whole = whole + to_array(pink_noise(len(whole), noise_dbfs, 3))
    pcm = ulaw_decode(ulaw_encode(to_pcm(whole))) if g711 else to_pcm(whole)
    after = measure(record(*turns, rate_hz=rate_hz), to_array(pcm), np.concatenate(agent))
    return [
        9999.0 if one.audio_ms is None else one.audio_ms - true for one, true in zip(after.turns, truth, strict=True)
    ]


@pytest.fixture(scope="module")
def clips() -> list[str]:
    """Two of each voice."""
    rows = json.loads((REQUESTS / "requests.json").read_text())["requests"]
    voices: dict[str, list[str]] = {}
    for row in rows:
        voices.setdefault(row["voice"], []).append(row["id"])
    return [clip for ids in voices.values() for clip in ids[:2]]


@pytest.mark.parametrize("g711", [False, True], ids=["clean", "g711"])
def test_known_gaps_are_read_within_40_ms(clips: list[str], g711: bool) -> None:
    errors = np.abs(speech(clips, None, g711=g711))
    assert float(np.percentile(errors, 95)) <= 40


def test_a_line_too_noisy_is_not_measured(clips: list[str]) -> None:
    assert set(speech(clips[:4], -30, g711=True)) == {9999.0}


# -- from a file ------------------------------------------------------------------------------------------------------


def test_a_file_reads_like_its_tracks(tmp_path: Path) -> None:
    before = record(turn(1, 1200, 2600, 3300), turn(2, 20_000, 21_000, 22_000))
    long = [np.concatenate((side, np.zeros(9 * RATE_HZ, np.int16), side, side[:777])) for side in (SAID, REPLY)]
    write_wav(tmp_path / "audio.wav", np.column_stack(long).tobytes(), RATE_HZ, channels=2)
    assert measured(before, tmp_path / "audio.wav") == measure(before, long[0], long[1])


def test_a_file_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    write_wav(tmp_path / "mono.wav", SAID.tobytes(), RATE_HZ)
    (tmp_path / "text.wav").write_text("no sound")
    for name, why in (("mono.wav", "1 channels"), ("text.wav", "cannot be read"), ("none.wav", "does not exist")):
        with pytest.raises(AudioFileError, match=why):
            measured(record(), tmp_path / name)
