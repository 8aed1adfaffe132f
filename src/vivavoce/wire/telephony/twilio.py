"""Twilio Media Streams, both directions (``<Connect><Stream>``).

The frames: Twilio's "Media Streams: WebSocket Messages". Numbers are strings there. The format is read, not assumed:
the SDK knows attributes for others than 8 kHz mu-law that the documents do not show (twilio-python 9.13).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from vivavoce.wire.telephony.encoding import ALAW, PCM_LITTLE, ULAW, line_format
from vivavoce.wire.telephony.jsonframes import JsonCodec, JsonFrame, parameters, payload_of, write
from vivavoce.wire.telephony.line import Clear, LineWish, Mark, Message, SendMedia, Started

_ENCODINGS: Final = {"audio/x-mulaw": ULAW, "audio/x-alaw": ALAW, "audio/x-l16": PCM_LITTLE}


class _Format(msgspec.Struct, rename="camel"):
    encoding: str = "audio/x-mulaw"
    sample_rate: int = 8000


class _Start(msgspec.Struct, rename="camel"):
    call_sid: str = ""
    custom_parameters: dict[str, Any] | None = None
    media_format: _Format = msgspec.field(default_factory=_Format)


class _Frame(JsonFrame, rename="camel"):
    stream_sid: str = ""
    start: _Start | None = None


class TwilioCodec(JsonCodec[_Frame]):
    """One stream."""

    name = "twilio"
    frame = _Frame

    def __init__(self) -> None:
        super().__init__()
        self._stream = ""

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

    def _started(self, frame: _Frame) -> Started | None:
        start = frame.start
        if start is None:
            return None
        line = line_format(start.media_format.encoding, _ENCODINGS, start.media_format.sample_rate)
        self._stream, self._line = frame.stream_sid, line
        return Started(frame.stream_sid, start.call_sid, line.rate_hz, parameters(start.custom_parameters))
