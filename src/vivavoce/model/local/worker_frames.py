"""Frames on the pipes between a session and its worker processes: one byte of kind, four bytes of length
(little-endian), then the payload. The workers start quickly because this imports nothing else of Vivavoce."""

from __future__ import annotations

import struct
from typing import Final

_HEADER: Final = struct.Struct("<cI")


def pack(kind: bytes, payload: bytes = b"") -> bytes:
    return _HEADER.pack(kind, len(payload)) + payload


class FrameReader:
    """Bytes as they arrive, in pieces of any size, to whole frames."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        self._rest += data
        frames = []
        start = 0
        while len(self._rest) - start >= _HEADER.size:
            kind, length = _HEADER.unpack_from(self._rest, start)
            end = start + _HEADER.size + length
            if len(self._rest) < end:
                break
            frames.append((kind, bytes(self._rest[start + _HEADER.size : end])))
            start = end
        del self._rest[:start]
        return frames
