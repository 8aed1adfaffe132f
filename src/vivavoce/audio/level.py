"""How loud PCM is, and noise at a known level.

Levels are in dBFS with 32768 as 0: a square wave at full scale has an RMS of 0 dBFS, a sine at full scale one of -3.01.
What is softer than ``SILENCE_DBFS``, digital silence and no samples at all included, is given as ``SILENCE_DBFS``: a
number that JSON can hold.
"""

from __future__ import annotations

from math import log10, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vivavoce.audio.arrays import FULL_SCALE, to_array, to_pcm
from vivavoce.audio.pcm import samples_in
from vivavoce.errors import UsageError

SILENCE_DBFS = -100.0
# A frame counts as speech if it is at most this much softer than the loudest one.
_ACTIVE_RANGE_DB = 30.0


def rms_dbfs(pcm: bytes) -> float:
    """The level of the whole piece."""
    samples = to_array(pcm)
    return _dbfs(sqrt(_energy(samples) / len(samples))) if len(samples) else SILENCE_DBFS


def peak_dbfs(pcm: bytes) -> float:
    """The level of the loudest sample."""
    return _dbfs(_peak(to_array(pcm)))


def active_rms_dbfs(pcm: bytes, frame_samples: int = 320) -> float:
    """The level of the speech alone: over the whole frames that are at most 30 dB softer than the loudest frame.

    Pauses do not count, so the same words read slowly and quickly have the same level. Less than a frame counts as one.
    """
    samples = to_array(pcm).astype(np.float64)
    whole = len(samples) // frame_samples * frame_samples
    if not whole:
        return rms_dbfs(pcm)
    power = np.mean(samples[:whole].reshape(-1, frame_samples) ** 2, axis=1)
    active = power[power >= power.max() * 10 ** (-_ACTIVE_RANGE_DB / 10)]
    return _dbfs(sqrt(float(active.mean())))


class Meter:
    """The level of a stream pushed in pieces of any length: RMS and peak of the last whole window, at first silence."""

    def __init__(self, window_samples: int) -> None:
        if window_samples <= 0:
            raise UsageError(f"a window of {window_samples} samples", hint="a window has at least one sample")
        self.window_samples = window_samples
        self.rms_dbfs = SILENCE_DBFS
        self.peak_dbfs = SILENCE_DBFS
        self._count = 0
        self._energy = 0.0
        self._peak = 0

    def push(self, pcm: bytes) -> None:
        samples = to_array(pcm)
        at = 0
        while at < len(samples):
            piece = samples[at : at + self.window_samples - self._count]
            at += len(piece)
            self._count += len(piece)
            self._energy += _energy(piece)
            self._peak = max(self._peak, _peak(piece))
            if self._count == self.window_samples:
                self._close_window()

    def _close_window(self) -> None:
        self.rms_dbfs = _dbfs(sqrt(self._energy / self.window_samples))
        self.peak_dbfs = _dbfs(self._peak)
        self._count, self._energy, self._peak = 0, 0.0, 0


def add_noise(pcm: bytes, snr_db: float, seed: int, colour: Literal["white", "pink"] = "white") -> bytes:
    """The speech with noise ``snr_db`` below its active level. The same seed gives the same noise; sums saturate."""
    speech_dbfs = active_rms_dbfs(pcm)
    if speech_dbfs <= SILENCE_DBFS:
        raise UsageError("noise cannot be set against silence", hint="give audio that holds speech")
    noise = _noise(samples_in(pcm), seed, colour)
    rms = FULL_SCALE * 10 ** ((speech_dbfs - snr_db) / 20)
    return to_pcm(to_array(pcm) + noise * (rms / sqrt(float(np.mean(noise**2)))))


def pink_noise(samples: int, dbfs: float, seed: int) -> bytes:
    """Noise of that level alone. The same seed gives the same."""
    noise = _noise(samples, seed, "pink")
    return to_pcm(noise * (FULL_SCALE * 10 ** (dbfs / 20) / sqrt(float(np.mean(noise**2)))))


def _noise(samples: int, seed: int, colour: Literal["white", "pink"]) -> NDArray[np.float64]:
    white = np.random.default_rng(seed).standard_normal(samples)
    if colour == "white" or samples < 2:
        return white
    # Pink: the same power in each octave, so amplitude falls with the root of frequency; no constant part.
    spectrum = np.fft.rfft(white)
    spectrum[0] = 0
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    return np.fft.irfft(spectrum, samples)


def _energy(samples: NDArray[np.int16]) -> float:
    """The sum of squares; exact below 2**23 samples, since each square is a whole number of at most 30 bits."""
    wide = samples.astype(np.float64)
    return float(wide @ wide)


def _peak(samples: NDArray[np.int16]) -> int:
    return max(int(samples.max()), -int(samples.min())) if len(samples) else 0


def _dbfs(amplitude: float) -> float:
    return max(SILENCE_DBFS, 20 * log10(amplitude / FULL_SCALE)) if amplitude else SILENCE_DBFS
