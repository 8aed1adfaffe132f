"""Where PCM sounds, in steps of 5 ms: the first sound of a stream, and how loud each step of a track is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vivavoce.audio.arrays import FULL_SCALE
from vivavoce.audio.pcm import samples_for

STEP_MS = 5
AUDIBLE_DBFS = -50.0
"""On a channel without noise, a step so loud is sound. Speech is at -20 to -30 dBFS and its softest consonants some 25
dB below; the dither and the coding noise of a synthesiser, of G.711 or of Opus at rest are below -60."""
AUDIBLE_POWER = (FULL_SCALE * 10 ** (AUDIBLE_DBFS / 20)) ** 2
LONE_STEPS = 3
"""A step that sounds before so many that do not is a click: 15 ms are less than the shortest speech sound and the pause
after it."""

Levels = NDArray[np.float32]
"""Mean square of each step, in int16 units."""


def first_sound(samples: NDArray[np.int16], rate_hz: int) -> int | None:
    """Where the first step that sounds has its first audible sample. A click by itself is none; of one at the very end,
    which nothing follows yet, nobody knows, and so it counts.
    """
    step = samples_for(STEP_MS, rate_hz)
    whole = len(samples) // step
    loud = step_power(samples[: whole * step], rate_hz) >= AUDIBLE_POWER
    rest = samples[whole * step :].astype(np.float32)
    if len(rest):
        loud = np.append(loud, float(rest @ rest) / len(rest) >= AUDIBLE_POWER)
    for at in np.flatnonzero(loud).tolist():
        after = loud[at + 1 : at + 1 + LONE_STEPS]
        if len(after) < LONE_STEPS or after.any():
            inside = samples[at * step : (at + 1) * step].astype(np.int32)
            return int(at * step + np.argmax(inside * inside >= AUDIBLE_POWER))
    return None


def step_power(samples: NDArray[np.int16], rate_hz: int) -> Levels:
    """Of each whole step; what is left over is left out."""
    step = samples_for(STEP_MS, rate_hz)
    wide = samples[: len(samples) // step * step].astype(np.float32).reshape(-1, step)
    power: Levels = np.einsum("ij,ij->i", wide, wide) / np.float32(step)
    return power


def runs(loud: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Each stretch of true: a row of its first step and of the one after its last."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], loud, [False])).astype(np.int8)))
    return edges.reshape(-1, 2)


def closed(spans: NDArray[np.int64], gap: int, shortest: int) -> NDArray[np.int64]:
    """Gaps of at most ``gap`` steps are closed; then what is shorter than ``shortest`` is dropped."""
    if not len(spans):
        return spans
    apart = np.flatnonzero(spans[1:, 0] - spans[:-1, 1] > gap)
    begins, ends = np.append(0, apart + 1), np.append(apart, len(spans) - 1)
    joined: NDArray[np.int64] = np.column_stack((spans[begins, 0], spans[ends, 1]))
    kept: NDArray[np.int64] = joined[joined[:, 1] - joined[:, 0] >= shortest]
    return kept
