"""The length of a voice's period, and sound made shorter or longer by one. Works on float32 samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]

# 66 to 400 Hz, as ITU-T G.711 Appendix I has it: what is higher repeats at a multiple.
SHORTEST_MS = 2.5
LONGEST_MS = 15.0
_QUIET = 100.0  # RMS in int16 units, -50 dBFS: whatever is cut here, nobody hears it
_ALIKE = 0.6  # correlation from which two stretches may be laid over each other
_COARSE = 4


def period(sound: Sound, rate_hz: int, longest_ms: float = LONGEST_MS) -> tuple[int, float]:
    """How many samples after which the end of ``sound`` repeats best, and how alike both are (-1 to 1).

    Looks at the last ``longest_ms`` of it against what came before; needs twice that.
    """
    longest, shortest = int(longest_ms * rate_hz / 1000), int(SHORTEST_MS * rate_hz / 1000)
    recent = sound[-2 * longest :]
    coarse = recent[: len(recent) // _COARSE * _COARSE].reshape(-1, _COARSE).mean(axis=1)
    lag, _ = _best_lag(coarse, shortest // _COARSE, longest // _COARSE)
    around = lag * _COARSE
    return _best_lag(recent, max(shortest, around - _COARSE), min(longest, around + _COARSE))


def _best_lag(sound: Sound, shortest: int, longest: int) -> tuple[int, float]:
    width = len(sound) - longest
    template = sound[-width:]
    windows = np.lib.stride_tricks.sliding_window_view(sound[: len(sound) - shortest], width)
    # Row r begins at r, and so trails the template by longest - r.
    products = windows @ template
    squares = np.concatenate((np.zeros(1, np.float32), np.cumsum(sound * sound)))
    powers = squares[width : width + len(windows)] - squares[: len(windows)]
    own = float(template @ template)
    likeness = products / np.sqrt(np.maximum(powers * own, 1.0))
    best = int(np.argmax(likeness))
    return longest - best, float(likeness[best])


def is_quiet(sound: Sound) -> bool:
    return not len(sound) or float(np.sqrt(np.mean(sound * sound))) < _QUIET


def shorten(sound: Sound, rate_hz: int, at_most: int) -> Sound:
    """``sound`` without one period, at most so many samples; as it was if no cut would go unheard."""
    lag = _lag_for(sound, rate_hz, at_most)
    if not lag:
        return sound
    joined = _crossfade(sound[:lag], sound[lag : 2 * lag])
    return np.concatenate((joined, sound[2 * lag :]))


def lengthen(sound: Sound, rate_hz: int, at_most: int) -> Sound:
    """``sound`` with one period more, at most so many samples; as it was if that would be heard."""
    lag = _lag_for(sound, rate_hz, at_most)
    if not lag:
        return sound
    joined = _crossfade(sound[lag : 2 * lag], sound[:lag])
    return np.concatenate((sound[:lag], joined, sound[lag:]))


def _lag_for(sound: Sound, rate_hz: int, at_most: int) -> int:
    half = min(len(sound) // 2, at_most)
    shortest = int(SHORTEST_MS * rate_hz / 1000)
    if half < shortest:
        return 0
    if is_quiet(sound):
        return half
    lag, alike = period(sound[: 2 * half], rate_hz, half * 1000 / rate_hz)
    return lag if alike >= _ALIKE else 0


def _crossfade(out: Sound, into: Sound) -> Sound:
    ramp = np.arange(1, len(out) + 1, dtype=np.float32) / np.float32(len(out) + 1)
    return out + (into - out) * ramp
