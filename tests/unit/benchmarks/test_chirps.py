"""The marks by which the benchmarks know sound again behind a codec."""

from __future__ import annotations

import numpy as np
import pytest
from _chirps import find, pair, with_chirps

RATE_HZ = 24_000
PLACED = np.array([480, 4_000, 9_111, 12_345, 20_000, 23_900], np.int64)


def noise(samples: int, loudness: float) -> np.ndarray:
    return np.random.default_rng(3).normal(0, loudness, samples)


def test_chirps_are_found_where_they_were_placed() -> None:
    assert list(find(with_chirps(noise(24_000, 300), PLACED[:-1], RATE_HZ), RATE_HZ)) == list(PLACED[:-1])


@pytest.mark.parametrize("gain", [0.3, 2.5])
def test_loudness_does_not_matter(gain: float) -> None:
    sound = with_chirps(noise(24_000, 50), PLACED[:-1], RATE_HZ) * gain
    assert list(find(sound, RATE_HZ)) == list(PLACED[:-1])


@pytest.mark.parametrize("loudness", [0.0, 20.0, 3_000.0])
def test_nothing_is_found_in_noise(loudness: float) -> None:
    assert not len(find(noise(24_000, loudness), RATE_HZ))


def test_a_chirp_that_is_cut_off_is_none() -> None:
    assert not len(find(with_chirps(noise(24_000, 50), PLACED[-1:], RATE_HZ), RATE_HZ))


def test_pairs_are_found_whatever_the_lead_and_with_some_missing() -> None:
    found = np.delete(PLACED, [0, 3]) + 77_000
    found[1:] -= 40  # time was taken out in between
    placed_at, found_at = pair(found, PLACED, 200)
    assert list(placed_at) == [1, 2, 4, 5]
    assert list(found_at) == [0, 1, 2, 3]


def test_a_stranger_is_nobodys_pair() -> None:
    found = np.sort(np.append(PLACED - 100, 16_000))
    placed_at, found_at = pair(found, PLACED, 200)
    assert list(placed_at) == list(range(6))
    assert 16_000 not in found[found_at]


def test_of_nothing_there_are_no_pairs() -> None:
    placed_at, found_at = pair(np.zeros(0, np.int64), PLACED, 200)
    assert len(placed_at) == len(found_at) == 0
