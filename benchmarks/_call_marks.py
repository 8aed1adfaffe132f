"""Marks inside the sound of a benchmark's calls, so that both ends know which piece is which.

What the model says begins, piece by piece, with a :func:`mark`: the number of its session, and when it was said. What
the caller says is resampled on its way and cannot carry bits; one frame of it begins with a :data:`CLAP`, far louder
than all else, and from there on samples are counted.
"""

from __future__ import annotations

import base64
import struct

CALLER_HZ = 24_000
MODEL_INPUT_HZ = CALLER_HZ  # Nova is opened at the call's own rate
FRAME_MS = 20
FRAME_BYTES = CALLER_HZ * FRAME_MS // 1000 * 2
FRAME_SAMPLES_AT_MODEL = MODEL_INPUT_HZ * FRAME_MS // 1000
LOUDEST = 12_000
"""Of all speech in the benchmark."""
CLAP_FROM = 24_000
CLAP = struct.pack("<96h", *(32_000,) * 96)
"""4 ms at 24 kHz, however a filter rings around it."""

_MAGIC = b"\x00vivavoce"  # nine bytes, so that base64 of it ends at a character
_BODY = struct.Struct("<qi")
_ENCODED_MAGIC = base64.b64encode(_MAGIC)
_ENCODED_BYTES = _BODY.size // 3 * 4
MARK_BYTES = len(_MAGIC) + _BODY.size + 1
_FOUND = b'"delta":"' + _ENCODED_MAGIC


def mark(session: int, now_ns: int) -> bytes:
    """An even number of bytes, to be the first of a piece of sound."""
    return _MAGIC + _BODY.pack(now_ns, session) + b"\x00"


def read_mark(event: bytes) -> tuple[int, int] | None:
    """When the sound in this ``response.output_audio.delta`` was said, and in which session; None if no mark begins it.

    The event is not parsed: at a hundred calls that would cost the client as much as the server.
    """
    at = event.find(_FOUND)
    if at < 0:
        return None
    begin = at + len(_FOUND)
    now_ns, session = _BODY.unpack(base64.b64decode(event[begin : begin + _ENCODED_BYTES]))
    return now_ns, session
