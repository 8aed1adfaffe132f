"""An ear for a brain that only has to know whether somebody speaks, on a line with noise as on one without.

In each of twelve bands the noise is the softest that was heard in the last three seconds (minimum statistics); speech
is what stands out of it in many bands at once. Like the service's own ear it takes an "mm-hm", a cough or a voice in
the room for speech: what is to be made of those is for whoever sits before it.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from vivavoce.audio.arrays import FULL_SCALE, to_array
from vivavoce.audio.framing import Framer
from vivavoce.audio.pcm import samples_for, samples_in
from vivavoce.model.scripted import HANGOVER_MS, When

FRAME_MS = 20
LOWEST_HZ, HIGHEST_HZ, BANDS = 250, 4_000, 12
QUIETEST_DBFS = -75.0
"""Of a band: softer is silence, however silent the line is."""
STANDS_OUT_DB = 2.4
"""So far above the noise, averaged over the bands, is speech: pink noise had 2.1 dB in its loudest hundredth."""
ONSET_FRAMES = 2
_SMOOTHING = 0.6
_BIAS_DB = 4.5
"""The softest of three seconds is so far below the mean."""
_STRETCH_FRAMES = 15
_STRETCHES = 10
_MOST_DB = 20.0


class NoiseProofEar:
    """As :class:`vivavoce.model.scripted.LoudnessEar`, where there is noise."""

    def __init__(self, rate_hz: int) -> None:
        self._framer = Framer(samples_for(FRAME_MS, rate_hz))
        self._hangover = samples_for(HANGOVER_MS, rate_hz)
        self._noise = _Noise(self._framer.frame_samples, rate_hz)
        self._at = 0
        self._loud = 0  # frames in a row
        self._speech_until: int | None = None  # None while nobody speaks

    def hear(self, pcm: bytes) -> list[tuple[When, int]]:
        """What begins or ends in this stretch, and where."""
        found: list[tuple[When, int]] = []
        for frame in self._framer.push(pcm):
            self._at += samples_in(frame)
            is_loud = self._noise.hear(frame) >= STANDS_OUT_DB
            self._loud = self._loud + 1 if is_loud else 0
            if self._speech_until is None:
                if self._loud == ONSET_FRAMES:
                    found.append((When.CALLER_STARTS, self._at - ONSET_FRAMES * samples_in(frame)))
                    self._speech_until = self._at
            elif is_loud:
                self._speech_until = self._at
            elif self._at - self._speech_until >= self._hangover:
                found.append((When.CALLER_STOPS, self._speech_until))
                self._speech_until = None
        return found


class _Noise:
    """What the line sounds like when nobody speaks, band by band."""

    def __init__(self, frame_samples: int, rate_hz: int) -> None:
        hz = np.fft.rfftfreq(frame_samples, 1 / rate_hz)
        self._edges = np.searchsorted(hz, np.geomspace(LOWEST_HZ, HIGHEST_HZ, BANDS + 1))
        self._window = np.hanning(frame_samples)
        self._scale = 2 / (FULL_SCALE * float(self._window.sum()))
        self._smooth: NDArray[np.float64] | None = None
        self._softest: NDArray[np.float64] | None = None
        self._past: deque[NDArray[np.float64]] = deque(maxlen=_STRETCHES)
        self._frames = 0

    def hear(self, frame: bytes) -> float:
        """How far this frame stands out of the noise, in dB."""
        power = np.abs(np.fft.rfft(to_array(frame) * self._window) * self._scale) ** 2
        level = np.maximum(10 * np.log10(np.add.reduceat(power, self._edges)[:-1] + 1e-12), QUIETEST_DBFS)
        before = self._smooth if self._smooth is not None else level
        self._smooth = _SMOOTHING * before + (1 - _SMOOTHING) * level
        self._softest = self._smooth if self._softest is None else np.minimum(self._softest, self._smooth)
        self._frames += 1
        floor = np.minimum.reduce([*self._past, self._softest]) + _BIAS_DB
        if self._frames % _STRETCH_FRAMES == 0:
            self._past.append(self._softest)
            self._softest = None
        return float(np.mean(np.clip(self._smooth - floor, 0.0, _MOST_DB)))
