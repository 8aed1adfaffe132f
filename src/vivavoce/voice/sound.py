"""What a moment of sound is like: how loud, where in the spectrum, and with what pitch.

Everything is taken from below 4 kHz, so that a voice is the same at every rate, but for hiss.
"""

from __future__ import annotations

from functools import lru_cache
from math import log10
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vivavoce.audio.arrays import FULL_SCALE, to_array
from vivavoce.audio.level import SILENCE_DBFS

WINDOW_MS = 32
BANDS = 8
FLOOR_DB = -80.0
"""The least a band can have."""
_EDGES_HZ = (200, 400, 600, 900, 1_300, 1_800, 2_400, 3_000, 3_500)
_HISS_FROM_HZ = 2_500
_BINS = 128  # of 31.25 Hz: 4 kHz
_PITCH_HZ = (75, 400)
_HALF_RATE_HZ = 4_000
_NEAR = np.array([-1.0, 0.0, 1.0], np.float32)
_BLOCKS = 4
"""The mean over a quarter of a frame, 4 ms, is taken out."""


class Moment(NamedTuple):
    """32 ms. ``bands_db``: the power of each band. ``hiss``: how much of it lies above 2.5 kHz, from 0 to 1.
    ``voicing``: how periodic it is, from 0 to 1, and ``pitch_hz`` with what period. ``tonal``: how much of it is one
    tone, from 0 to 1, of ``tone_hz``.
    """

    bands_db: NDArray[np.float32]
    level_db: float
    hiss: float
    voicing: float
    pitch_hz: float
    tonal: float
    tone_hz: float


def moment(pcm: bytes, rate_hz: int) -> Moment:
    """The last 32 ms of it; less is taken as after silence."""
    power = powers(to_array(pcm)[None], rate_hz)[0]
    bands = band_powers(power[None])[0]
    total = float(power[6:].sum()) + 1e-12  # above 190 Hz
    high = float(power[_HISS_FROM_HZ * _BINS // _HALF_RATE_HZ :].sum())
    voicing, pitch_hz = _pitch(power[:_BINS])
    return Moment(bands, 10 * log10(total), high / total, voicing, pitch_hz, *_tone(power[:_BINS]))


def level_dbfs(frame: bytes) -> float:
    """The level above some 125 Hz: below it is hum, and most of the wavering of a noise."""
    samples = to_array(frame).astype(np.float32)
    sums = samples.reshape(_BLOCKS, -1).sum(axis=1)
    energy = float(samples @ samples) - float(sums @ sums) * _BLOCKS / len(samples)
    return 10 * log10(energy / len(samples) / FULL_SCALE**2) if energy > 1 else SILENCE_DBFS


def powers(windows: NDArray[np.int16], rate_hz: int) -> NDArray[np.float32]:
    """The power at each 31.25 Hz up to 8 kHz, for each row."""
    size = rate_hz * WINDOW_MS // 1000
    scale = 2 / (FULL_SCALE * size)
    spectrum = np.fft.rfft(windows * (_window(size)[-windows.shape[1] :] * scale), n=size, axis=1)[:, : 2 * _BINS]
    power: NDArray[np.float32] = np.square(np.abs(spectrum)).astype(np.float32)
    return power


def band_powers(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """In dB, for each row of powers."""
    at = [edge * _BINS // _HALF_RATE_HZ for edge in _EDGES_HZ]
    sums = np.add.reduceat(power[:, : at[-1]], at[:-1], axis=1)
    bands: NDArray[np.float32] = np.maximum(10 * np.log10(sums + 1e-12), FLOOR_DB).astype(np.float32)
    return bands


def _pitch(power: NDArray[np.float32]) -> tuple[float, float]:
    """The highest peak of the autocorrelation, against what the window alone would make of it."""
    heard = power.copy()
    heard[:2] = 0
    wave = np.fft.irfft(heard, n=2 * _BINS)
    if wave[0] <= 0:
        return 0.0, 0.0
    shortest, longest = (2 * _HALF_RATE_HZ // hz for hz in reversed(_PITCH_HZ))
    normal = wave[shortest:longest] / (wave[0] * _taper()[shortest:longest])
    best = int(normal.argmax())
    return float(min(1.0, max(0.0, normal[best]))), 2 * _HALF_RATE_HZ / (shortest + best)


def _tone(power: NDArray[np.float32]) -> tuple[float, float]:
    """The strongest peak: five bins, by their centre."""
    best = min(max(int(power[1:].argmax()) + 1, 2), _BINS - 3)
    peak = power[best - 2 : best + 3]
    share = float(peak.sum()) / (float(power[1:].sum()) + 1e-12)
    near = power[best - 1 : best + 2]
    centre = float(near @ _NEAR) / (float(near.sum()) + 1e-12)
    return share, (best + centre) * _HALF_RATE_HZ / _BINS


@lru_cache
def _window(size: int) -> NDArray[np.float32]:
    return np.hanning(size).astype(np.float32)


@lru_cache
def _taper() -> NDArray[np.float32]:
    """The autocorrelation of the window itself, never small: beyond half of it nothing is certain."""
    window = np.hanning(2 * _BINS)
    own = np.correlate(window, window, "full")[2 * _BINS - 1 :]
    taper: NDArray[np.float32] = np.maximum(own / own[0], 0.35).astype(np.float32)
    return taper
