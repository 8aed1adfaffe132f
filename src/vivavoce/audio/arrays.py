"""PCM16 bytes as numpy arrays, and numbers back to PCM16 bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivavoce.audio.pcm import samples_in

PCM16 = np.dtype("<i2")
FULL_SCALE = 32768


def to_array(pcm: bytes) -> NDArray[np.int16]:
    """A read-only view of the samples; nothing is copied."""
    samples_in(pcm)
    return np.frombuffer(pcm, PCM16)


def to_pcm(samples: NDArray[Any]) -> bytes:
    """Numbers in int16 units as bytes: halves round to even, what is too loud saturates. NaN has no place here."""
    rounded: NDArray[Any] = np.clip(np.rint(samples), -FULL_SCALE, FULL_SCALE - 1)
    return rounded.astype(PCM16).tobytes()
