"""Audio between the session's formats and the call's own: 16-bit samples at the call's rate."""

from __future__ import annotations

from vivavoce.audio.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from vivavoce.audio.resample import StreamResampler
from vivavoce.wire.realtime.configuration import Encoding


class Inlet:
    """What the client sends, whatever its pieces."""

    __slots__ = ("_half", "_resampler", "encoding")

    def __init__(self, encoding: Encoding, rate_hz: int) -> None:
        self.encoding = encoding
        self._half = b""  # of a sample
        self._resampler = StreamResampler(encoding.rate_hz, rate_hz) if encoding.rate_hz != rate_hz else None

    def push(self, data: bytes) -> bytes:
        pcm = self._decoded(data)
        return self._resampler.push(pcm) if self._resampler is not None else pcm

    def _decoded(self, data: bytes) -> bytes:
        match self.encoding:
            case Encoding.ULAW:
                return ulaw_decode(data)
            case Encoding.ALAW:
                return alaw_decode(data)
        if self._half:
            data = self._half + data
        if not len(data) % 2:
            self._half = b""
            return data
        self._half = data[-1:]
        return data[:-1]


class Outlet:
    """What one reply says."""

    __slots__ = ("_encoding", "_resampler")

    def __init__(self, encoding: Encoding, rate_hz: int) -> None:
        self._encoding = encoding
        self._resampler = StreamResampler(rate_hz, encoding.rate_hz) if encoding.rate_hz != rate_hz else None

    def push(self, pcm: bytes) -> bytes:
        return self._encoded(self._resampler.push(pcm) if self._resampler is not None else pcm)

    def finish(self) -> bytes:
        """What is left; the outlet is done then."""
        return self._encoded(self._resampler.finish()) if self._resampler is not None else b""

    def _encoded(self, pcm: bytes) -> bytes:
        match self._encoding:
            case Encoding.ULAW:
                return ulaw_encode(pcm)
            case Encoding.ALAW:
                return alaw_encode(pcm)
        return pcm
