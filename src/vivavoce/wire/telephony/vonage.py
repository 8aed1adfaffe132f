"""Vonage Voice over a WebSocket: audio is binary, all else JSON text.

The frames: Vonage's "WebSockets in the Vonage Voice API". A binary message is exactly one packet of 20 ms, PCM16
little-endian; Vonage keeps up to 3072 of them. Frames name no call: ids come in the headers that the NCCO set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from vivavoce.wire.telephony.encoding import PCM_LITTLE, LineFormat, key, line_format
from vivavoce.wire.telephony.jsonframes import parameters, read, write
from vivavoce.wire.telephony.line import (
    LONGEST_MESSAGE,
    Clear,
    Cleared,
    Key,
    LineFact,
    LineWish,
    MalformedFrame,
    Mark,
    MarkReached,
    Media,
    Message,
    SendMedia,
    Started,
)

_ENCODINGS: Final = {"audio/l16": PCM_LITTLE}
_OWN: Final = ("event", "content-type")


class _Notice(msgspec.Struct):
    name: str = ""


class _Pressed(msgspec.Struct):
    digit: str


class _Message(msgspec.Struct):
    event: str = ""
    payload: _Notice | None = None
    digit: str = ""
    dtmf: _Pressed | None = None


class VonageCodec:
    """One call's socket. The call's id is looked for under ``uuid`` in the headers."""

    name = "vonage"
    queues = True
    frames_per_message = 1

    def __init__(self) -> None:
        self._line: LineFormat | None = None

    def receive(self, message: Message) -> Sequence[LineFact]:
        if isinstance(message, bytes):
            return (self._media(message),)
        frame = read(message, _Message)
        match frame.event:
            case "websocket:connected" if self._line is None:
                return (self._started(read(message, dict[str, Any])),)
            case "websocket:notify":
                return (MarkReached(frame.payload.name),) if frame.payload else ()
            case "websocket:cleared":
                return (Cleared(),)
            case "websocket:dtmf":
                return (Key(key(frame.dtmf.digit if frame.dtmf else frame.digit)),)
        return ()

    def send(self, wish: LineWish) -> Sequence[Message]:
        assert self._line is not None  # nothing is sent before the start
        match wish:
            case SendMedia(pcm):
                size = self._line.frame_bytes
                data = self._line.encode(pcm)
                return [data[at : at + size] for at in range(0, len(data), size)]
            case Mark(name):
                return (write({"action": "notify", "payload": {"name": name}}),)
            case Clear():
                return (write({"action": "clear"}),)
        return ()  # the NCCO goes on, or ends, when our side closes the socket

    def _media(self, data: bytes) -> Media:
        if self._line is None:
            raise MalformedFrame("audio before the start of the stream")
        if len(data) > LONGEST_MESSAGE:
            raise MalformedFrame(f"a message of {len(data)} bytes", hint=f"at most {LONGEST_MESSAGE} are read")
        return Media(self._line.decode(data))

    def _started(self, named: dict[str, Any]) -> Started:
        content_type = named.get("content-type")
        if not isinstance(content_type, str):
            raise MalformedFrame("a start without a content type")
        self._line = line_format(content_type, _ENCODINGS)
        headers = parameters({name: value for name, value in named.items() if name not in _OWN})
        return Started("", headers.get("uuid", ""), self._line.rate_hz, headers)
