"""The encodings of carriers' audio, to and from PCM16, whatever each carrier calls them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from vivavoce.audio.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from vivavoce.wire.telephony.line import FRAME_MS, MalformedFrame, UnusableFormat

LOWEST_RATE_HZ: Final = 8_000
HIGHEST_RATE_HZ: Final = 48_000

_RATE: Final = re.compile(r"rate=(\d{1,6})")


@dataclass(frozen=True, slots=True)
class Encoding:
    """``silence`` is one sample of it."""

    name: str
    sample_bytes: int
    silence: bytes
    decode: Callable[[bytes], bytes]
    encode: Callable[[bytes], bytes]


def _swapped(data: bytes) -> bytes:
    return np.frombuffer(data, "<i2").byteswap().tobytes()


def _same(data: bytes) -> bytes:
    return data


ULAW: Final = Encoding("ulaw", 1, b"\xff", ulaw_decode, ulaw_encode)
ALAW: Final = Encoding("alaw", 1, b"\xd5", alaw_decode, alaw_encode)
PCM_LITTLE: Final = Encoding("pcm", 2, b"\0\0", _same, _same)
PCM_BIG: Final = Encoding("pcm, network order", 2, b"\0\0", _swapped, _swapped)


@dataclass(frozen=True, slots=True)
class LineFormat:
    """An encoding at a rate. Raises :class:`UnusableFormat` for a rate that a call cannot have."""

    encoding: Encoding
    rate_hz: int

    def __post_init__(self) -> None:
        if not LOWEST_RATE_HZ <= self.rate_hz <= HIGHEST_RATE_HZ:
            raise UnusableFormat(f"a line at {self.rate_hz} Hz", hint="choose 8000 or 16000 Hz at the carrier")

    @property
    def frame_bytes(self) -> int:
        """Of the encoded audio, for one frame."""
        return self.rate_hz * FRAME_MS // 1000 * self.encoding.sample_bytes

    def decode(self, payload: bytes) -> bytes:
        """PCM16. Half a sample at the end is cut off: every message stands for itself."""
        return self.encoding.decode(payload[: len(payload) - len(payload) % self.encoding.sample_bytes])

    def encode(self, pcm: bytes) -> bytes:
        return self.encoding.encode(pcm)


def line_format(content_type: str, names: dict[str, Encoding], rate_hz: int = LOWEST_RATE_HZ) -> LineFormat:
    """From a carrier's word for it, such as ``audio/x-l16;rate=16000`` or ``PCMU`` with a rate beside it. ``names`` are
    the words, in lower case, that the carrier uses for what is spoken here. Raises :class:`UnusableFormat`.
    """
    word = content_type.partition(";")[0].strip().lower()
    named = _RATE.search(content_type)
    encoding = names.get(word)
    if encoding is None:
        usable = ", ".join(names)
        raise UnusableFormat("the carrier offers an encoding that is not spoken here", hint=f"choose one of {usable}")
    return LineFormat(encoding, int(named.group(1)) if named else rate_hz)


def key(digit: str) -> str:
    """A key as the call names it. Raises :class:`MalformedFrame` for what is none."""
    pressed = digit.upper()
    if len(pressed) != 1 or pressed not in "0123456789*#ABCD":
        raise MalformedFrame("a key that no telephone has")
    return pressed
