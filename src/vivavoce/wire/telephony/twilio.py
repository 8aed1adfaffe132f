"""Twilio Media Streams, both directions (``<Connect><Stream>``).

The frames: Twilio's "Media Streams: WebSocket Messages". Numbers are strings there. The format is read, not assumed:
the SDK knows attributes for others than 8 kHz mu-law that the documents do not show (twilio-python 9.13).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from vivavoce.wire.telephony.encoding import ALAW, PCM_LITTLE, ULAW, LineFormat, key, line_format
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
)

_ENCODINGS: Final = {"audio/x-mulaw": ULAW, "audio/x-alaw": ALAW, "audio/x-l16": PCM_LITTLE}


class _Frame(msgspec.Struct, rename="camel"):
    pass


class _Format(_Frame):
    encoding: str = "audio/x-mulaw"
    sample_rate: int = 8000


class _Start(_Frame):
    call_sid: str = ""
    custom_parameters: dict[str, Any] | None = None
    media_format: _Format = msgspec.field(default_factory=_Format)


class _Media(_Frame):
    payload: str
    track: str = "inbound"
    timestamp: int | None = None


class _Digit(_Frame):
    digit: str


class _Mark(_Frame):
    name: str = ""


class _Message(_Frame):
    event: str
    stream_sid: str = ""
    start: _Start | None = None
    media: _Media | None = None
    dtmf: _Digit | None = None
    mark: _Mark | None = None


class TwilioCodec:
    """One stream."""

    name = "twilio"
    queues = True
    frames_per_message = 5

    def __init__(self) -> None:
        self._stream = ""
        self._line: LineFormat | None = None

    def receive(self, message: Message) -> Sequence[LineFact]:
        frame = read(message, _Message)
        match frame:
            case _Message(event="media", media=_Media() as heard):
                # Our own voice may be sent back on the other track.
                audio = media(heard.payload, self._line, heard.timestamp)
                return (audio,) if heard.track == "inbound" else ()
            case _Message(event="mark", mark=_Mark(name=name)):
                return (MarkReached(name),)
            case _Message(event="dtmf", dtmf=_Digit(digit=digit)):
                return (Key(key(digit)),)
            case _Message(event="start", start=_Start() as start) if self._line is None:
                return (self._started(frame.stream_sid, start),)
            case _Message(event="stop"):
                return (Stopped(),)
            case _Message(event="media" | "mark" | "dtmf" | "start") if not frame.start:
                raise MalformedFrame("a frame without what it is named for")
        return ()

    def send(self, wish: LineWish) -> Sequence[Message]:
        assert self._line is not None  # nothing is sent before the start
        match wish:
            case SendMedia(pcm):
                frame: dict[str, Any] = {"event": "media", "media": {"payload": payload_of(pcm, self._line)}}
            case Mark(name):
                frame = {"event": "mark", "mark": {"name": name}}
            case Clear():
                frame = {"event": "clear"}
            case _:
                return ()  # the call goes on with the next verb of its TwiML when our side closes the socket
        return (write({"streamSid": self._stream, **frame}),)

    def _started(self, stream: str, start: _Start) -> Started:
        line = line_format(start.media_format.encoding, _ENCODINGS, start.media_format.sample_rate)
        self._stream, self._line = stream, line
        return Started(stream, start.call_sid, line.rate_hz, parameters(start.custom_parameters))
