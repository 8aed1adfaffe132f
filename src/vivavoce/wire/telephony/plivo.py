"""Plivo audio streaming with ``bidirectional="true"``.

The frames: Plivo's "Audio Streaming Guide" and its SDK ``plivo-stream``. Numbers are numbers, ``timestamp`` is the time
of day in milliseconds. The byte order of L16 is not told; it is taken to be little-endian here, so ask for mu-law.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from vivavoce.wire.telephony.encoding import PCM_LITTLE, ULAW, Encoding, LineFormat, key, line_format
from vivavoce.wire.telephony.jsonframes import media, payload_of, read, write
from vivavoce.wire.telephony.line import (
    Clear,
    Key,
    LineFact,
    LineWish,
    MalformedFrame,
    Mark,
    MarkReached,
    Message,
    SendMedia,
    Started,
    Stopped,
    Trouble,
)

_ENCODINGS: Final = {"audio/x-mulaw": ULAW, "audio/x-l16": PCM_LITTLE}
_CONTENT_TYPE: Final[dict[str, str]] = {ULAW.name: "audio/x-mulaw", PCM_LITTLE.name: "audio/x-l16"}


class _Frame(msgspec.Struct, rename="camel"):
    pass


class _Format(_Frame):
    encoding: str = "audio/x-mulaw"
    sample_rate: int = 8000


class _Start(_Frame):
    call_id: str = ""
    stream_id: str = ""
    media_format: _Format = msgspec.field(default_factory=_Format)


class _Media(_Frame):
    payload: str
    track: str = "inbound"
    timestamp: int | None = None


class _Digit(_Frame):
    digit: str


class _Message(msgspec.Struct):
    event: str
    extra_headers: str = ""
    name: str = ""
    start: _Start | None = None
    media: _Media | None = None
    dtmf: _Digit | None = None


class PlivoCodec:
    """One stream."""

    name = "plivo"
    queues = True
    frames_per_message = 5

    def __init__(self) -> None:
        self._stream = ""
        self._line: LineFormat | None = None

    def receive(self, message: Message) -> Sequence[LineFact]:
        frame = read(message, _Message)
        match frame:
            case _Message(event="media", media=_Media() as heard):
                audio = media(heard.payload, self._line, heard.timestamp)
                return (audio,) if heard.track == "inbound" else ()
            case _Message(event="playedStream", name=name):
                return (MarkReached(name),)
            case _Message(event="dtmf", dtmf=_Digit(digit=digit)):
                return (Key(key(digit)),)
            case _Message(event="start", start=_Start() as start) if self._line is None:
                return (self._started(frame.extra_headers, start),)
            case _Message(event="stop"):
                return (Stopped(),)
            case _Message(event="error"):
                return (Trouble(""),)
            case _Message(event="media" | "dtmf" | "start") if not frame.start:
                raise MalformedFrame("a frame without what it is named for")
        return ()

    def send(self, wish: LineWish) -> Sequence[Message]:
        assert self._line is not None  # nothing is sent before the start
        match wish:
            case SendMedia(pcm):
                return (write({"event": "playAudio", "media": self._media(pcm, self._line)}),)
            case Mark(name):
                return (write({"event": "checkpoint", "streamId": self._stream, "name": name}),)
            case Clear():
                return (write({"event": "clearAudio", "streamId": self._stream}),)
        return ()  # a call is ended through the REST interface

    def _media(self, pcm: bytes, line: LineFormat) -> dict[str, Any]:
        encoding: Encoding = line.encoding
        return {
            "contentType": _CONTENT_TYPE[encoding.name],
            "sampleRate": line.rate_hz,
            "payload": payload_of(pcm, line),
        }

    def _started(self, extra_headers: str, start: _Start) -> Started:
        line = line_format(start.media_format.encoding, _ENCODINGS, start.media_format.sample_rate)
        self._stream, self._line = start.stream_id, line
        return Started(start.stream_id, start.call_id, line.rate_hz, _headers(extra_headers))


def _headers(text: str) -> dict[str, str]:
    """``{name: value, …}`` or ``name=value;…``: both are seen. Plivo may put ``X-PH-`` before a name."""
    pairs = (pair.partition("=" if "=" in pair else ":") for pair in text.strip("{} \t").replace(",", ";").split(";"))
    named = ((name.strip(" \"'"), unquote(value.strip(" \"'"))) for name, _, value in pairs)
    return {name.removeprefix("X-PH-"): value for name, value in named if name}
