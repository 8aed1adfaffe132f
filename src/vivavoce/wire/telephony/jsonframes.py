"""What the carriers with JSON frames have in common: reading strictly or not at all, and audio in base64.

Twilio writes numbers as strings, Plivo as numbers, Telnyx both: fields are read by what is meant
(:func:`msgspec.json.decode` with ``strict=False``).
"""

from __future__ import annotations

import binascii
from typing import Any, TypeVar

import msgspec

from vivavoce.wire.telephony.encoding import LineFormat
from vivavoce.wire.telephony.line import LONGEST_MESSAGE, MalformedFrame, Media, Message

_Frame = TypeVar("_Frame")


def read(message: Message, kind: type[_Frame]) -> _Frame:
    """Raises :class:`MalformedFrame`, whose text holds nothing of the message."""
    if len(message) > LONGEST_MESSAGE:
        raise MalformedFrame(f"a message of {len(message)} bytes", hint=f"at most {LONGEST_MESSAGE} are read")
    try:
        return msgspec.json.decode(message, type=kind, strict=False)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise MalformedFrame("a message that is no frame of the carrier's protocol") from error


def write(frame: Any) -> str:
    return msgspec.json.encode(frame).decode()


def media(payload: str, line: LineFormat | None, at_ms: int | None, chunk: int | None = None) -> Media:
    """Raises :class:`MalformedFrame` before the start, and for what is no base64."""
    if line is None:
        raise MalformedFrame("audio before the start of the stream")
    try:
        data = binascii.a2b_base64(payload.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise MalformedFrame("audio that is no base64") from error
    return Media(line.decode(data), at_ms, chunk)


def payload_of(pcm: bytes, line: LineFormat) -> str:
    return binascii.b2a_base64(line.encode(pcm), newline=False).decode()


def parameters(values: dict[str, Any] | None) -> dict[str, str]:
    """What was sent along, all of it as text."""
    return {name: value if isinstance(value, str) else write(value) for name, value in (values or {}).items()}
