"""What is made up for a lost packet."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vivavoce.channel.webrtc.conceal import Concealer

RATE_HZ = 24_000
FRAME = 480


def voice(frames: int, hz: float = 130) -> NDArray[np.float32]:
    at = np.arange(frames * FRAME) / RATE_HZ
    tones = np.array([np.sin(2 * np.pi * hz * harmonic * at) / harmonic for harmonic in range(1, 10)])
    sound: NDArray[np.float64] = tones.sum(axis=0) * 4000
    return sound.astype(np.float32)


def largest_step(sound: NDArray[np.float32]) -> float:
    return float(np.abs(np.diff(sound)).max())


@pytest.mark.parametrize("hz", [75.0, 110.0, 180.0, 310.0])
def test_a_voice_goes_on_where_it_was(hz: float) -> None:
    sound = voice(12, hz)
    concealer = Concealer(RATE_HZ)
    concealer.heard(sound[: 10 * FRAME])
    made = concealer.missing(FRAME)
    true = sound[10 * FRAME : 11 * FRAME]
    error = made[: FRAME // 2] - true[: FRAME // 2]
    assert float(np.sum(error**2)) < 0.1 * float(np.sum(true[: FRAME // 2] ** 2))


def test_it_fades_and_is_gone_after_60_ms() -> None:
    concealer = Concealer(RATE_HZ)
    concealer.heard(voice(10))
    levels = [float(np.abs(concealer.missing(FRAME)).max()) for _ in range(4)]
    assert levels[0] > levels[1] > levels[2] > levels[3] == 0


@pytest.mark.parametrize("missing", [1, 2, 3, 10])
def test_neither_join_clicks(missing: int) -> None:
    sound = voice(20)
    concealer = Concealer(RATE_HZ)
    heard = [concealer.heard(sound[: 10 * FRAME])]
    heard += [concealer.missing(FRAME) for _ in range(missing)]
    heard.append(concealer.heard(sound[(10 + missing) * FRAME :] if missing < 10 else sound[10 * FRAME :]))
    whole = np.concatenate(heard)
    assert largest_step(whole) <= 1.3 * largest_step(sound)


def test_what_comes_in_pieces_is_what_comes_at_once() -> None:
    sound = voice(10)
    at_once, in_pieces = Concealer(RATE_HZ), Concealer(RATE_HZ)
    at_once.heard(sound)
    in_pieces.heard(sound)
    pieces = np.concatenate([in_pieces.missing(samples) for samples in (200, 100, 180)])
    assert np.array_equal(at_once.missing(FRAME), pieces)


def test_silence_stays_silent() -> None:
    concealer = Concealer(RATE_HZ)
    concealer.heard(np.zeros(FRAME, np.float32))
    assert not concealer.missing(FRAME).any()
    assert not concealer.heard(np.zeros(FRAME, np.float32)).any()


def test_nothing_was_heard_yet() -> None:
    assert not Concealer(RATE_HZ).missing(FRAME).any()
