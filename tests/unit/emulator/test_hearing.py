"""The ear of a brain that only has to know whether somebody speaks."""

from __future__ import annotations

import numpy as np
import pytest

from vivavoce.audio.arrays import FULL_SCALE, to_array, to_pcm
from vivavoce.audio.level import pink_noise
from vivavoce.emulator.hearing import NoiseProofEar
from vivavoce.model.scripted import When

RATE_HZ = 16_000
BEGIN, END = 2 * RATE_HZ, 3 * RATE_HZ
NOTICED = 100 * RATE_HZ // 1000
"""How far a boundary may be from its place."""


def speech(dbfs: float) -> bytes:
    """Sound in many bands at once, between two seconds and three."""
    at = np.arange(END - BEGIN) / RATE_HZ
    buzz = np.array(sum(np.sin(2 * np.pi * 140 * k * at) / k**0.5 for k in range(2, 26)))
    level = FULL_SCALE * 10 ** (dbfs / 20) / float(np.sqrt(np.mean(buzz**2)))
    return bytes(2 * BEGIN) + to_pcm(buzz * level) + bytes(2 * RATE_HZ)


@pytest.mark.parametrize("noise_dbfs", [None, -40.0, -30.0])
def test_it_hears_speech_and_where_it_lies(noise_dbfs: float | None) -> None:
    pcm = speech(-20.0)
    if noise_dbfs is not None:
        pcm = to_pcm(to_array(pcm) + to_array(pink_noise(len(pcm) // 2, noise_dbfs, seed=1)).astype(float))
    (starts, begin), (stops, end) = NoiseProofEar(RATE_HZ).hear(pcm)
    assert (starts, stops) == (When.CALLER_STARTS, When.CALLER_STOPS)
    assert abs(begin - BEGIN) <= NOTICED
    assert abs(end - END) <= NOTICED


def test_noise_alone_is_hardly_ever_speech() -> None:
    edges = [edge for seed in range(5) for edge in NoiseProofEar(RATE_HZ).hear(pink_noise(5 * RATE_HZ, -25.0, seed))]
    assert len(edges) <= 2  # one beginning and one end in 25 s


def test_pieces_of_any_size_are_heard_alike() -> None:
    pcm = speech(-25.0)
    pieces = NoiseProofEar(RATE_HZ)
    found = [edge for at in range(0, len(pcm), 554) for edge in pieces.hear(pcm[at : at + 554])]
    assert found == NoiseProofEar(RATE_HZ).hear(pcm)
