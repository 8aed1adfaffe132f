"""Marks that outlive a codec: short rising tones, found again by what they look like. Pure.

Speech codecs keep a wave's shape up to some kilohertz, not its bits; a tone that rises correlates with itself at one
place alone, which is how it is found to a fraction of a millisecond.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

CHIRP_MS = 10
_FROM_HZ, _TO_HZ = 500, 3_500
_LOUDNESS = 12_000
_LIKE = 0.6
_FAINTEST = 0.1
"""Of a chirp's own loudness: what is fainter is none, however like one it looks."""

Sound = npt.NDArray[np.floating[Any]]
Positions = npt.NDArray[np.int64]


def chirp(rate_hz: int) -> Sound:
    """One, ``CHIRP_MS`` long."""
    at = np.arange(rate_hz * CHIRP_MS // 1000) / rate_hz
    phase = 2 * np.pi * (_FROM_HZ * at + (_TO_HZ - _FROM_HZ) / (2 * CHIRP_MS / 1000) * at**2)
    return np.asarray(_LOUDNESS * np.hanning(len(at)) * np.sin(phase))


def with_chirps(sound: Sound, positions: Positions, rate_hz: int) -> Sound:
    """``sound`` with a chirp from each of these samples on."""
    marked, one = np.array(sound, np.float64), chirp(rate_hz)
    for position in positions:
        room = marked[position : position + len(one)]
        room += one[: len(room)]
    return marked


def find(sound: Sound, rate_hz: int) -> Positions:
    """The samples with which chirps begin."""
    one = chirp(rate_hz)
    length = len(sound) + len(one)
    likeness = np.fft.irfft(np.fft.rfft(sound, length) * np.conj(np.fft.rfft(one, length)), length)[: len(sound)]
    energy = np.concatenate(([0.0], np.cumsum(np.square(sound, dtype=np.float64)), np.zeros(len(one))))
    energy[len(sound) + 1 :] = energy[len(sound)]
    loudness = np.sqrt(np.maximum(0, energy[len(one) : len(one) + len(sound)] - energy[: len(sound)]))
    strength = float(np.linalg.norm(one))
    likeness /= strength * np.maximum(loudness, _FAINTEST * strength)
    places = np.flatnonzero(likeness > _LIKE)
    groups = np.split(places, np.flatnonzero(np.diff(places) > len(one) // 2) + 1)
    return np.array([group[np.argmax(likeness[group])] for group in groups if len(group)], np.int64)


def pair(found: Positions, placed: Positions, within: int) -> tuple[Positions, Positions]:
    """Which chirp is which, where the same ones, unevenly spaced, were placed with an unknown lead, and some may be
    missing: the indices of those placed, and of those found, that are ``within`` samples of where most are.
    """
    if not len(found) or not len(placed):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    leads = np.sort((found[:, None] - placed[None, :]).ravel())
    alike = np.searchsorted(leads, leads + within, "right") - np.arange(len(leads))
    first = int(np.argmax(alike))
    lead = leads[first + int(alike[first]) // 2]
    nearest = np.abs(found[None, :] - placed[:, None] - lead).argmin(axis=1)
    close = np.abs(found[nearest] - placed - lead) <= within
    return np.flatnonzero(close), nearest[close]
