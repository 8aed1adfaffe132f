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

from vivavoce.wire.telephony.encoding import ALAW, PCM_BIG, ULAW, LineFormat, line_format
from vivavoce.wire.telephony.jsonframes import JsonCodec, JsonFrame, parameters, payload_of, write
from vivavoce.wire.telephony.line import Clear, LineWish, Mark, Message, SendMedia, Started

_ENCODINGS: Final = {"pcmu": ULAW, "pcma": ALAW, "l16": PCM_BIG}


class _Format(msgspec.Struct):
    encoding: str = "PCMU"
    sample_rate: int = 8000


class _Start(msgspec.Struct):
    call_control_id: str = ""
    custom_parameters: dict[str, Any] | None = None
    media_format: _Format = msgspec.field(default_factory=_Format)


class _Error(msgspec.Struct):
    code: str | int = ""


class _Frame(JsonFrame):
    stream_id: str = ""
    start: _Start | None = None
    payload: _Error | None = None


class TelnyxCodec(JsonCodec[_Frame]):
    """One stream. ``outbound`` is the encoding that was asked for as ``bidirectionalCodec``. Of what we send, 20 ms to
    30 s are allowed in a message.
    """

    name = "telnyx"
    frame = _Frame
    counts_chunks = True

    def __init__(self, outbound: str = "PCMU") -> None:
        super().__init__()
        self._outbound = outbound
        self._spoken: LineFormat | None = None

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

    def _started(self, frame: _Frame) -> Started | None:
        start = frame.start
        if start is None:
            return None
        heard = line_format(start.media_format.encoding, _ENCODINGS, start.media_format.sample_rate)
        self._line, self._spoken = heard, line_format(self._outbound, _ENCODINGS, heard.rate_hz)
        return Started(frame.stream_id, start.call_control_id, heard.rate_hz, parameters(start.custom_parameters))

    def _trouble(self, frame: _Frame) -> str:
        return str(frame.payload.code) if frame.payload else ""
