"""Sound made shorter and longer."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vivavoce.channel.webrtc.pitch import LONGEST_MS, lengthen, period, shorten

RATE_HZ = 24_000
FRAME = 480


def tone(samples: int, hz: float) -> NDArray[np.float32]:
    at = np.arange(samples) / RATE_HZ
    sound: NDArray[np.float64] = 6000 * np.sin(2 * np.pi * hz * at) + 3000 * np.sin(4 * np.pi * hz * at + 1)
    return sound.astype(np.float32)


@pytest.mark.parametrize("hz", [70, 100, 150, 250, 390])
def test_the_period_of_a_voice_is_found(hz: float) -> None:
    lag, alike = period(tone(2 * int(LONGEST_MS * RATE_HZ / 1000), hz), RATE_HZ)
    periods = lag * hz / RATE_HZ
    assert round(periods) >= 1
    assert periods == pytest.approx(round(periods), abs=0.03)
    assert alike > 0.98


@pytest.mark.parametrize("hz", [110, 150, 250])
@pytest.mark.parametrize("bend", [shorten, lengthen])
def test_a_voice_loses_or_gains_whole_periods_without_a_click(hz: float, bend: object) -> None:
    sound = tone(FRAME, hz)
    bent = bend(sound, RATE_HZ, 240)  # type: ignore[operator]
    periods = abs(len(bent) - FRAME) * hz / RATE_HZ
    assert round(periods) >= 1
    assert periods == pytest.approx(round(periods), abs=0.05)
    assert np.abs(np.diff(bent)).max() <= 1.1 * np.abs(np.diff(sound)).max()
    assert bent[0] == pytest.approx(sound[0], abs=300)
    assert np.array_equal(bent[-20:], sound[-20:])


@pytest.mark.parametrize("bend", [shorten, lengthen])
def test_it_never_bends_by_more_than_it_may(bend: object) -> None:
    for at_most in (0, 30, 60, 100, 170, 240, 1000):
        bent = bend(tone(FRAME, 200), RATE_HZ, at_most)  # type: ignore[operator]
        assert abs(len(bent) - FRAME) <= at_most


def test_noise_is_left_alone_and_silence_halved() -> None:
    noise = np.random.default_rng(5).normal(0, 3000, FRAME).astype(np.float32)
    assert np.array_equal(shorten(noise, RATE_HZ, 240), noise)
    assert len(shorten(np.zeros(FRAME, np.float32), RATE_HZ, 240)) == FRAME // 2


def test_too_little_sound_is_left_alone() -> None:
    assert len(shorten(tone(100, 200), RATE_HZ, 240)) == 100
