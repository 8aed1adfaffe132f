"""What calls and the recogniser's program say to each other: questions and answers, each with its number."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_HEADER = struct.Struct("<II")


def pack(number: int, payload: bytes) -> bytes:
    return _HEADER.pack(number, len(payload)) + payload


class Frames:
    """Bytes as they come to whole frames."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        self._held += data
        while len(self._held) >= _HEADER.size:
            number, length = _HEADER.unpack_from(self._held)
            if len(self._held) < _HEADER.size + length:
                return
            payload = bytes(self._held[_HEADER.size : _HEADER.size + length])
            del self._held[: _HEADER.size + length]
            yield number, payload
