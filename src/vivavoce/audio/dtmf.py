"""Keys as tones: ITU-T Q.23, one of a low and one of a high group for each key.

ITU-T Q.24 has what receivers want: 40 ms of tone and of pause at the least, the two within 4 dB of each
other at the worst. Here are 100 ms of each, which also pass through a speech codec; each tone is about 12 dB below a
full sine, the high one 2 dB louder, as it loses more on its way.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from vivavoce.audio.arrays import FULL_SCALE, to_pcm
from vivavoce.audio.pcm import samples_for, silence
from vivavoce.errors import UsageError

TONE_MS: Final = 100
GAP_MS: Final = 100
WAIT_MS: Final = 500
"""What ``w`` among the keys stands for."""
KEYS: Final = "0123456789*#ABCD"
LOW_HZ: Final = (697, 770, 852, 941)
HIGH_HZ: Final = (1209, 1336, 1477, 1633)
_RAMP_MS: Final = 2
_LOW, _HIGH = 0.22, 0.28
_PAD: Final = ("123A", "456B", "789C", "*0#D")


def frequencies(key: str) -> tuple[int, int]:
    """The two of a key, in Hz. Raises :class:`~vivavoce.errors.UsageError` for what is none."""
    for row, low_hz in zip(_PAD, LOW_HZ, strict=True):
        if len(key) == 1 and key in row:
            return low_hz, HIGH_HZ[row.index(key)]
    raise UsageError("a key that no telephone has", hint=f"keys are {KEYS}, and w waits half a second")


def tones(digits: str, rate_hz: int) -> bytes:
    """PCM16 of these keys, one after the other, each with its pause. Raises :class:`~vivavoce.errors.UsageError`."""
    return b"".join([silence(samples_for(WAIT_MS, rate_hz)) if key == "w" else _tone(key, rate_hz) for key in digits])


def _tone(key: str, rate_hz: int) -> bytes:
    low_hz, high_hz = frequencies(key)
    turns = 2 * np.pi * np.arange(samples_for(TONE_MS, rate_hz)) / rate_hz
    wave = _LOW * np.sin(low_hz * turns) + _HIGH * np.sin(high_hz * turns)
    # A hard edge would be a click, with all frequencies in it.
    ramp = np.linspace(0.0, 1.0, samples_for(_RAMP_MS, rate_hz), endpoint=False)
    wave[: ramp.size] *= ramp
    wave[wave.size - ramp.size :] *= ramp[::-1]
    return to_pcm(wave * FULL_SCALE) + silence(samples_for(GAP_MS, rate_hz))
