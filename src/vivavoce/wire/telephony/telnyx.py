"""Telnyx media streaming with ``stream_bidirectional_mode: rtp``.

The frames: Telnyx's "Stream call media over WebSocket". The order of media is not guaranteed; ``chunk`` tells it. The
two directions have each their encoding: inbound is what the telephone network negotiated (mu-law in North America,
A-law elsewhere) and is named in ``start``; outbound is what the answer to the webhook asked for. L16 is taken to be in
network order, as RTP has it (RFC 3551, 4.5.11); Telnyx's documents do not say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from vivavoce.wire.telephony.encoding import ALAW, PCM_BIG, ULAW, LineFormat, key, line_format
from vivavoce.wire.telephony.jsonframes import media, parameters, payload_of, read, write
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

_ENCODINGS: Final = {"pcmu": ULAW, "pcma": ALAW, "l16": PCM_BIG}


class _Format(msgspec.Struct):
    encoding: str = "PCMU"
    sample_rate: int = 8000


class _Start(msgspec.Struct):
    call_control_id: str = ""
    custom_parameters: dict[str, Any] | None = None
    media_format: _Format = msgspec.field(default_factory=_Format)


class _Media(msgspec.Struct):
    payload: str
    track: str = "inbound"
    chunk: int | None = None
    timestamp: int | None = None


class _Digit(msgspec.Struct):
    digit: str


class _Mark(msgspec.Struct):
    name: str = ""


class _Error(msgspec.Struct):
    code: str | int = ""


class _Message(msgspec.Struct):
    event: str
    stream_id: str = ""
    start: _Start | None = None
    media: _Media | None = None
    dtmf: _Digit | None = None
    mark: _Mark | None = None
    payload: _Error | None = None


class TelnyxCodec:
    """One stream. ``outbound`` is the encoding that was asked for as ``bidirectionalCodec``."""

    name = "telnyx"
    queues = True
    frames_per_message = 5  # 20 ms to 30 s are allowed

    def __init__(self, outbound: str = "PCMU") -> None:
        self._outbound = outbound
        self._heard: LineFormat | None = None
        self._spoken: LineFormat | None = None

    def receive(self, message: Message) -> Sequence[LineFact]:
        frame = read(message, _Message)
        match frame:
            case _Message(event="media", media=_Media() as heard):
                audio = media(heard.payload, self._heard, heard.timestamp, heard.chunk)
                return (audio,) if heard.track.startswith("inbound") else ()
            case _Message(event="mark", mark=_Mark(name=name)):
                return (MarkReached(name),)
            case _Message(event="dtmf", dtmf=_Digit(digit=digit)):
                return (Key(key(digit)),)
            case _Message(event="start", start=_Start() as start) if self._heard is None:
                return (self._started(frame.stream_id, start),)
            case _Message(event="stop"):
                return (Stopped(),)
            case _Message(event="error"):
                return (Trouble(str(frame.payload.code) if frame.payload else ""),)
            case _Message(event="media" | "mark" | "dtmf" | "start") if not frame.start:
                raise MalformedFrame("a frame without what it is named for")
        return ()

    def send(self, wish: LineWish) -> Sequence[Message]:
        assert self._spoken is not None  # nothing is sent before the start
        match wish:
            case SendMedia(pcm):
                return (write({"event": "media", "media": {"payload": payload_of(pcm, self._spoken)}}),)
            case Mark(name):
                return (write({"event": "mark", "mark": {"name": name}}),)
            case Clear():
                return (write({"event": "clear"}),)
        return ()  # a call is ended through the REST interface

    def _started(self, stream: str, start: _Start) -> Started:
        heard = line_format(start.media_format.encoding, _ENCODINGS, start.media_format.sample_rate)
        self._heard, self._spoken = heard, line_format(self._outbound, _ENCODINGS, heard.rate_hz)
        return Started(stream, start.call_control_id, heard.rate_hz, parameters(start.custom_parameters))
