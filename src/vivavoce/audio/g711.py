"""ITU-T G.711: the two companding laws of the telephone network, by table lookup.

G.711 (11/88) defines mu-law on 14-bit and A-law on 13-bit numbers; here both are scaled to 16 bits. A sample that is
exactly a decision value of the Recommendation takes the louder of the two codes, for either sign. What was decoded once
survives any number of further round trips unchanged.

The tables are made at first use, in under a millisecond, from the Recommendation's own construction: eight segments of
sixteen steps, the steps of each segment twice as wide as those of the one before.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivavoce.audio.arrays import PCM16, to_array

# A-law inverts the even bits on the line (G.711, table 1a, note 2), mu-law all bits (table 2a, note 2).
_ALAW_LINE_MASK = 0x55
_ULAW_LINE_MASK = 0xFF
_POSITIVE = 0x80
_STEPS = np.arange(128)


def ulaw_encode(pcm: bytes) -> bytes:
    """PCM16 to mu-law, one byte a sample."""
    return _looked_up(_encoder("ulaw"), to_array(pcm).view("<u2"))


def ulaw_decode(data: bytes) -> bytes:
    """Mu-law to PCM16."""
    return _looked_up(_decoder("ulaw"), np.frombuffer(data, np.uint8))


def alaw_encode(pcm: bytes) -> bytes:
    """PCM16 to A-law, one byte a sample."""
    return _looked_up(_encoder("alaw"), to_array(pcm).view("<u2"))


def alaw_decode(data: bytes) -> bytes:
    """A-law to PCM16."""
    return _looked_up(_decoder("alaw"), np.frombuffer(data, np.uint8))


def _looked_up(table: NDArray[np.int16] | NDArray[np.uint8], keys: NDArray[Any]) -> bytes:
    return np.take(table, keys).tobytes()


def _magnitudes(law: str, within_step: int) -> NDArray[np.int64]:
    """For each of the 128 steps of one sign, softest first, in 16-bit units: where it begins (0), or its middle (1)."""
    segment, position = _STEPS >> 4, 2 * (_STEPS & 15) + within_step
    if law == "ulaw":
        # The bias of 33 makes all segments alike and is taken off again (table 2a); then 14 bits become 16.
        return (((position + 32) << segment) - 33) * 4
    # Segments 0 and 1 have steps of the same width (table 1a); 13 bits become 16.
    return np.where(segment == 0, position, (position + 32) << np.maximum(segment - 1, 0)) * 8


@cache
def _decoder(law: str) -> NDArray[np.int16]:
    """The sample for each of the 256 bytes."""
    mask = _ULAW_LINE_MASK if law == "ulaw" else _ALAW_LINE_MASK
    code = np.arange(256) ^ mask
    magnitude = _magnitudes(law, 1)[code & 0x7F]
    # On the line a set first bit means positive in both laws; though only the mu-law mask flips it.
    positive = (np.arange(256) & _POSITIVE) != 0
    samples: NDArray[np.int64] = np.where(positive, magnitude, -magnitude)
    return samples.astype(PCM16)


@cache
def _encoder(law: str) -> NDArray[np.uint8]:
    """The byte for each of the 65,536 samples, in the order of their unsigned reading."""
    mask = _ULAW_LINE_MASK if law == "ulaw" else _ALAW_LINE_MASK
    samples = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int64)
    code = np.searchsorted(_magnitudes(law, 0)[1:], np.abs(samples), side="right")
    sign_on_line = np.where(samples >= 0, _POSITIVE, 0)
    return ((code ^ (mask & 0x7F)) | sign_on_line).astype(np.uint8)
