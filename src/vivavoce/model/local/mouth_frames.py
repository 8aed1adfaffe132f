"""What the mouth and its worker say to each other, in the frames of :mod:`.worker_frames`.

Frames about speech begin their payload with a key: the epoch (counted up by every stop) and the caller's number of the
utterance. The worker process imports nothing else of Vivavoce than this module, :mod:`.worker_frames` and its siblings
``mouth_engines`` and ``mouth_text``; none of them imports further.
"""

from __future__ import annotations

import struct
from typing import Final

from vivavoce.model.local.worker_frames import FrameReader, pack

__all__ = ["FrameReader", "pack"]

# To the worker.
OPEN: Final = b"O"  # JSON: language, voice, speed, sherpa_directory
SPEAK: Final = b"S"  # key, then UTF-8 text
STOP: Final = b"X"  # key: the first epoch that is still wanted
# From the worker.
READY: Final = b"R"  # JSON: voice
AUDIO: Final = b"A"  # key, then PCM16 at 16 kHz
END: Final = b"E"  # key
FAILED: Final = b"F"  # JSON: message, hint

_KEY: Final = struct.Struct("<Iq")


def pack_keyed(kind: bytes, epoch: int, utterance: int, payload: bytes = b"") -> bytes:
    return pack(kind, _KEY.pack(epoch, utterance) + payload)


def split_key(payload: bytes) -> tuple[int, int, bytes]:
    """Epoch, utterance and the rest of a payload that begins with a key."""
    epoch, utterance = _KEY.unpack_from(payload)
    return epoch, utterance, payload[_KEY.size :]
