"""Frames on the pipes between the mouth and its worker.

One byte of kind, four bytes of length (little-endian), then the payload. Frames about speech begin their payload with
a key: the epoch (counted up by every stop) and the caller's number of the utterance. The worker process imports
nothing else of Vivavoce than this module and its siblings ``mouth_engines`` and ``mouth_text``; none of them imports
further.
"""

from __future__ import annotations

import struct
from typing import Final

# To the worker.
OPEN: Final = b"O"  # JSON: language, voice, speed, sherpa_directory
SPEAK: Final = b"S"  # key, then UTF-8 text
STOP: Final = b"X"  # key: the first epoch that is still wanted
# From the worker.
READY: Final = b"R"  # JSON: voice
AUDIO: Final = b"A"  # key, then PCM16 at 16 kHz
END: Final = b"E"  # key
FAILED: Final = b"F"  # JSON: message, hint

_HEADER: Final = struct.Struct("<cI")
_KEY: Final = struct.Struct("<Iq")


def pack(kind: bytes, payload: bytes = b"") -> bytes:
    return _HEADER.pack(kind, len(payload)) + payload


def pack_keyed(kind: bytes, epoch: int, utterance: int, payload: bytes = b"") -> bytes:
    return pack(kind, _KEY.pack(epoch, utterance) + payload)


def split_key(payload: bytes) -> tuple[int, int, bytes]:
    """Epoch, utterance and the rest of a payload that begins with a key."""
    epoch, utterance = _KEY.unpack_from(payload)
    return epoch, utterance, payload[_KEY.size :]


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
