"""Takes steady noise out of speech before it is recognised.

The log-spectral amplitude estimator of Ephraim and Malah (IEEE Trans. ASSP 33(2), 1985) with the noise power tracker of
Gerkmann and Hendriks (IEEE Trans. ASLP 20(4), 2012). Settings are those that recognised best at 20 dB of pink noise
(docs/decisions/0202-noise-before-recognition.md); clean speech is recognised as well as without.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.floating[Any]]

FRAME_SAMPLES: Final = 512
HOP_SAMPLES: Final = 256

_LEARNING_FRAMES: Final = 4
_LEAST_GAIN: Final = 10 ** (-18 / 20)
_LEAST_PRIOR_SNR: Final = 10 ** (-18 / 10)
_PRIOR_SNR_SMOOTHING: Final = 0.95
_GREATEST_SNR: Final = 1000.0
_NOISE_SMOOTHING: Final = 0.8
# What the tracker takes the SNR of speech to be where there is speech: 15 dB (its paper, section IV).
_SPEECH_SNR: Final = 10**1.5
_PRESENCE_SMOOTHING: Final = 0.9
_SURE_PRESENCE: Final = 0.99
_POWER_FLOOR: Final = 1e-3  # of PCM16 values: digital silence has no noise to estimate


class Denoiser:
    """One stream. Its output is as long as its input and ``FRAME_SAMPLES - HOP_SAMPLES`` samples late."""

    def __init__(self) -> None:
        self._window = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME_SAMPLES) / FRAME_SAMPLES))
        self._frame = np.zeros(FRAME_SAMPLES)
        self._tail = np.zeros(FRAME_SAMPLES - HOP_SAMPLES)
        self._noise = _Noise()
        self._clean_power = np.zeros(FRAME_SAMPLES // 2 + 1)

    def feed(self, pcm: bytes) -> bytes:
        """``pcm`` holds whole hops."""
        hops = np.frombuffer(pcm, "<i2").reshape(-1, HOP_SAMPLES)
        cleaned = np.concatenate([self._hop(hop) for hop in hops])
        values: npt.NDArray[np.int16] = np.clip(np.rint(cleaned), -32768, 32767).astype("<i2")
        return values.tobytes()

    def _hop(self, samples: npt.NDArray[np.int16]) -> _Floats:
        self._frame = np.concatenate([self._frame[HOP_SAMPLES:], samples])
        spectrum = np.fft.rfft(self._frame * self._window)
        power = spectrum.real**2 + spectrum.imag**2 + _POWER_FLOOR
        noise = self._noise.follow(power)
        gain = self._gain(power / noise, noise)
        self._clean_power = gain**2 * power
        frame = np.fft.irfft(np.maximum(gain, _LEAST_GAIN) * spectrum, FRAME_SAMPLES) * self._window
        done = self._tail + frame[:HOP_SAMPLES]
        self._tail = frame[HOP_SAMPLES:]
        return done

    def _gain(self, posterior_snr: _Floats, noise: _Floats) -> _Floats:
        posterior_snr = np.minimum(posterior_snr, _GREATEST_SNR)
        now = np.maximum(posterior_snr - 1, 0)
        prior_snr = _PRIOR_SNR_SMOOTHING * self._clean_power / noise + (1 - _PRIOR_SNR_SMOOTHING) * now
        wiener = (prior_snr := np.maximum(prior_snr, _LEAST_PRIOR_SNR)) / (1 + prior_snr)
        exponential_integral = np.interp(np.log(wiener * posterior_snr + 1e-9), _LOG_ARGUMENTS, _INTEGRALS)
        return np.minimum(wiener * np.exp(exponential_integral / 2), 1)


class _Noise:
    """The power of the noise in each bin: the mean of the first frames, then what is probably not speech."""

    def __init__(self) -> None:
        self._frames = 0
        self._power = np.zeros(FRAME_SAMPLES // 2 + 1)
        self._presence = np.zeros(FRAME_SAMPLES // 2 + 1)

    def follow(self, power: _Floats) -> _Floats:
        self._frames += 1
        if self._frames <= _LEARNING_FRAMES:
            self._power = self._power + (power - self._power) / self._frames
            return self._power
        likelihood = np.exp(-np.minimum(power / self._power, 200) * _SPEECH_SNR / (1 + _SPEECH_SNR))
        presence = 1 / (1 + (1 + _SPEECH_SNR) * likelihood)
        self._presence = _PRESENCE_SMOOTHING * self._presence + (1 - _PRESENCE_SMOOTHING) * presence
        # A bin that was speech for long may have become louder noise: never be quite sure.
        presence = np.where(self._presence > _SURE_PRESENCE, np.minimum(presence, _SURE_PRESENCE), presence)
        not_speech = (1 - presence) * power + presence * self._power
        self._power = _NOISE_SMOOTHING * self._power + (1 - _NOISE_SMOOTHING) * not_speech
        return self._power


def _exponential_integrals() -> tuple[_Floats, _Floats]:
    """E1 over its useful range, by the midpoint rule over ln t: E1(v) = ∫ e^-t d(ln t) from ln v on."""
    arguments = np.linspace(np.log(1e-4), np.log(30), 200)
    steps = (np.arange(400) + 0.5) / 400
    widths = np.log(60) - arguments
    return arguments, np.exp(-np.exp(arguments[:, None] + steps * widths[:, None])).mean(axis=1) * widths


_LOG_ARGUMENTS, _INTEGRALS = _exponential_integrals()
