"""Plivo audio streaming with ``bidirectional="true"``.

The frames: Plivo's "Audio Streaming Guide" and its SDK ``plivo-stream``. Numbers are numbers, ``timestamp`` is the time
of day in milliseconds. The byte order of L16 is not told; it is taken to be little-endian here, so ask for mu-law.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from vivavoce.wire.telephony.encoding import PCM_LITTLE, ULAW, LineFormat, line_format
from vivavoce.wire.telephony.jsonframes import JsonCodec, JsonFrame, payload_of, write
from vivavoce.wire.telephony.line import (
    Clear,
    Cleared,
    LineFact,
    LineWish,
    Mark,
    MarkReached,
    Message,
    SendMedia,
    Started,
)

_ENCODINGS: Final = {"audio/x-mulaw": ULAW, "audio/x-l16": PCM_LITTLE}
_CONTENT_TYPE: Final[dict[str, str]] = {ULAW.name: "audio/x-mulaw", PCM_LITTLE.name: "audio/x-l16"}


class _Format(msgspec.Struct, rename="camel"):
    encoding: str = "audio/x-mulaw"
    sample_rate: int = 8000


class _Start(msgspec.Struct, rename="camel"):
    call_id: str = ""
    stream_id: str = ""
    media_format: _Format = msgspec.field(default_factory=_Format)


class _Frame(JsonFrame):
    extra_headers: str = ""
    name: str = ""
    start: _Start | None = None


class PlivoCodec(JsonCodec[_Frame]):
    """One stream."""

    name = "plivo"
    frame = _Frame

    def __init__(self) -> None:
        super().__init__()
        self._stream = ""

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

    def _own(self, frame: _Frame) -> Sequence[LineFact]:
        match frame.event:
            case "playedStream":
                return (MarkReached(frame.name),)
            case "clearedAudio":
                return (Cleared(),)
        return ()

    def _started(self, frame: _Frame) -> Started | None:
        start = frame.start
        if start is None:
            return None
        line = line_format(start.media_format.encoding, _ENCODINGS, start.media_format.sample_rate)
        self._stream, self._line = start.stream_id, line
        return Started(start.stream_id, start.call_id, line.rate_hz, _headers(frame.extra_headers))

    @staticmethod
    def _media(pcm: bytes, line: LineFormat) -> dict[str, Any]:
        return {
            "contentType": _CONTENT_TYPE[line.encoding.name],
            "sampleRate": line.rate_hz,
            "payload": payload_of(pcm, line),
        }


def _headers(text: str) -> dict[str, str]:
    """``{name: value, …}`` or ``name=value;…``: both are seen. Plivo may put ``X-PH-`` before a name."""
    pairs = (pair.partition("=" if "=" in pair else ":") for pair in text.strip("{} \t").replace(",", ";").split(";"))
    named = ((name.strip(" \"'"), unquote(value.strip(" \"'"))) for name, _, value in pairs)
    return {name.removeprefix("X-PH-"): value for name, value in named if name}
