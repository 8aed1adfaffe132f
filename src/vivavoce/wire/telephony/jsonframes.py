"""What the carriers with JSON frames have in common: their frames, reading strictly or not at all, audio in base64.

Twilio writes numbers as strings, Plivo as numbers, Telnyx both: fields are read by what is meant
(:func:`msgspec.json.decode` with ``strict=False``).
"""

from __future__ import annotations

import binascii
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from vivavoce.wire.telephony.encoding import LineFormat, key
from vivavoce.wire.telephony.line import (
    LONGEST_MESSAGE,
    Key,
    LineFact,
    MalformedFrame,
    MarkReached,
    Media,
    Message,
    Started,
    Stopped,
    Trouble,
)

_Frame = TypeVar("_Frame")


class _Media(msgspec.Struct):
    payload: str
    track: str = "inbound"
    chunk: int | None = None
    timestamp: int | None = None


class _Digit(msgspec.Struct):
    digit: str


class _Mark(msgspec.Struct):
    name: str = ""


class JsonFrame(msgspec.Struct):
    """What all of them name alike; a carrier's own frame has the rest."""

    event: str
    media: _Media | None = None
    dtmf: _Digit | None = None
    mark: _Mark | None = None


AnyFrame = TypeVar("AnyFrame", bound=JsonFrame)


class JsonCodec(ABC, Generic[AnyFrame]):
    """One stream of a carrier that keeps a queue. ``frame`` is its frame; ``counts_chunks`` where the order of media is
    told by their chunks alone.
    """

    queues = True
    frames_per_message = 5
    frame: ClassVar[type[JsonFrame]]
    counts_chunks: ClassVar[bool] = False

    def __init__(self) -> None:
        self._line: LineFormat | None = None
        """Of what is heard, once the stream has started."""

    def receive(self, message: Message) -> Sequence[LineFact]:
        frame = read(message, self.frame)
        own: Any = frame  # of the carrier's own type
        match frame:
            case JsonFrame(event="media", media=_Media() as heard):
                # Our own voice may be sent back on the other track.
                audio = media(heard.payload, self._line, heard.timestamp, heard.chunk if self.counts_chunks else None)
                return (audio,) if heard.track.startswith("inbound") else ()
            case JsonFrame(event="mark", mark=_Mark(name=name)):
                return (MarkReached(name),)
            case JsonFrame(event="dtmf", dtmf=_Digit(digit=digit)):
                return (Key(key(digit)),)
            case JsonFrame(event="stop"):
                return (Stopped(),)
            case JsonFrame(event="error"):
                return (Trouble(self._trouble(own)),)
            case JsonFrame(event="start"):
                return self._start(own)
            case JsonFrame(event="media" | "mark" | "dtmf"):
                raise MalformedFrame("a frame without what it is named for")
        return self._own(own)

    @abstractmethod
    def _started(self, frame: AnyFrame) -> Started | None:
        """What a start says, and sets the line by; None if it says nothing."""

    def _own(self, frame: AnyFrame) -> Sequence[LineFact]:
        """What a frame says that only this carrier has."""
        del frame
        return ()

    def _trouble(self, frame: AnyFrame) -> str:
        """The carrier's word for an error."""
        del frame
        return ""

    def _start(self, frame: AnyFrame) -> Sequence[LineFact]:
        if self._line is not None:
            return ()  # it is repeated
        started = self._started(frame)
        if started is None:
            raise MalformedFrame("a frame without what it is named for")
        return (started,)


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
