"""What a receiver of keys would see: the two frequencies of each, alone and long enough."""

from __future__ import annotations

import numpy as np
import pytest

from vivavoce.audio.arrays import to_array
from vivavoce.audio.dtmf import HIGH_HZ, KEYS, LOW_HZ, frequencies, tones
from vivavoce.audio.g711 import ulaw_decode, ulaw_encode
from vivavoce.errors import UsageError


def power(pcm: bytes, frequency_hz: int, rate_hz: int) -> float:
    """Of one frequency: what Goertzel's filter gives."""
    wave = to_array(pcm).astype(float)
    turns = 2j * np.pi * frequency_hz / rate_hz * np.arange(wave.size)
    return float(abs(np.sum(wave * np.exp(-turns))) ** 2)


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 48_000])
def test_each_key_has_its_two_tones_and_a_pause(rate_hz: int) -> None:
    for key in KEYS:
        pcm = tones(key, rate_hz)
        assert len(pcm) == 2 * rate_hz // 5
        tone, gap = pcm[: len(pcm) // 2], pcm[len(pcm) // 2 :]
        assert not any(gap)
        heard = ulaw_decode(ulaw_encode(tone))
        found = [max(group, key=lambda hz: power(heard, hz, rate_hz)) for group in (LOW_HZ, HIGH_HZ)]
        assert tuple(found) == frequencies(key)
        others = [power(heard, hz, rate_hz) for hz in (*LOW_HZ, *HIGH_HZ) if hz not in found]
        assert max(others) < min(power(heard, hz, rate_hz) for hz in found) / 100
        assert np.abs(to_array(tone)).max() < 32_000


def test_a_row_of_keys_and_waits() -> None:
    assert tones("1w2", 8000) == tones("1", 8000) + bytes(8000) + tones("2", 8000)
    assert tones("", 8000) == b""


@pytest.mark.parametrize("key", ["a", "+", "12", ""])
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(UsageError, match="no telephone has"):
        frequencies(key)
