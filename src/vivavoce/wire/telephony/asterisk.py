"""Asterisk's ``chan_websocket`` (20.16, 21.11, 22.6, 23.0 and later): audio is binary, control is text.

Asterisk's "WebSocket" page among its channel drivers, and ``channels/chan_websocket.c``:

- Control is plain text or JSON, chosen at Asterisk; commands must be in the form of the events. The first event tells.
- A binary message may be of any length in whole frames, up to 65,500 bytes; the rest of a frame is dropped.
- A text message that we send has at most 128 bytes (``MAX_TEXT_MESSAGE_LEN``), so names of marks are short.
- ``STOP_MEDIA_BUFFERING id`` puts a marker into the queue, with or without a ``START`` before it; when it comes to the
  front, ``MEDIA_BUFFERING_COMPLETED id`` comes back. ``MARK_MEDIA`` does just that, but only newer versions know it.
- ``FLUSH_MEDIA`` drops the queue and the markers in it, which then never come back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from vivavoce.wire.telephony.encoding import ALAW, PCM_LITTLE, ULAW, LineFormat, key
from vivavoce.wire.telephony.jsonframes import parameters, read, write
from vivavoce.wire.telephony.line import (
    LONGEST_MESSAGE,
    Clear,
    HangUpLine,
    Key,
    LineFact,
    LineWish,
    MalformedFrame,
    Mark,
    MarkReached,
    Media,
    Message,
    Paused,
    Resumed,
    SendMedia,
    Started,
    Trouble,
    UnusableFormat,
)

_FORMATS: Final = {
    "ulaw": LineFormat(ULAW, 8000),
    "alaw": LineFormat(ALAW, 8000),
    "slin": LineFormat(PCM_LITTLE, 8000),
    **{f"slin{khz}": LineFormat(PCM_LITTLE, khz * 1000) for khz in (12, 16, 24, 32, 48)},
    "slin44": LineFormat(PCM_LITTLE, 44_100),
}


class AsteriskCodec:
    """One call's socket. ``parameters`` are those of the request for it: plain-text events have no place for any."""

    name = "asterisk"
    queues = True
    frames_per_message = 5

    def __init__(self, parameters: Mapping[str, str] | None = None) -> None:
        self._parameters = dict(parameters or {})
        self._line: LineFormat | None = None
        self._json = False

    def receive(self, message: Message) -> Sequence[LineFact]:
        if isinstance(message, bytes):
            return (self._media(message),)
        event, values = self._event(message)
        match event:
            case "MEDIA_START" if self._line is None:
                return (self._started(values),)
            case "DTMF_END":
                return (Key(key(values.get("digit", ""))),)
            case "MEDIA_BUFFERING_COMPLETED" | "MEDIA_MARK_PROCESSED":
                return (MarkReached(values.get("correlation_id", "")),)
            case "MEDIA_XOFF":
                return (Paused(),)
            case "MEDIA_XON":
                return (Resumed(),)
            case "ERROR":
                return (Trouble(""),)
        return ()

    def send(self, wish: LineWish) -> Sequence[Message]:
        assert self._line is not None  # nothing is sent before the start
        match wish:
            case SendMedia(pcm):
                return (self._line.encode(pcm),)
            case Mark(name):
                return (self._command("STOP_MEDIA_BUFFERING", name),)
            case Clear():
                return (self._command("FLUSH_MEDIA"),)
            case HangUpLine():
                return (self._command("HANGUP"),)

    def _command(self, command: str, correlation_id: str = "") -> str:
        if not self._json:
            return f"{command} {correlation_id}".rstrip()
        return write({"command": command, **({"correlation_id": correlation_id} if correlation_id else {})})

    def _event(self, message: str) -> tuple[str, dict[str, str]]:
        if len(message) > LONGEST_MESSAGE:
            raise MalformedFrame(f"a message of {len(message)} bytes", hint=f"at most {LONGEST_MESSAGE} are read")
        if message.lstrip().startswith("{"):
            named = read(message, dict[str, Any])
            self._json = True
            return str(named.get("event", "")), parameters(named)
        event, _, rest = message.strip().partition(" ")
        words = [word.partition(":") for word in rest.split()]
        values = {name: value for name, colon, value in words if colon}
        bare = [name for name, colon, _ in words if not colon]
        return event, {"correlation_id": bare[0] if bare else "", **values}

    def _started(self, values: Mapping[str, str]) -> Started:
        line = _FORMATS.get(values.get("format", ""))
        if line is None:
            usable = ", ".join(_FORMATS)
            raise UnusableFormat("Asterisk offers a format that is not spoken here", hint=f"dial with c() of {usable}")
        self._line = line
        return Started(values.get("connection_id", ""), values.get("channel_id", ""), line.rate_hz, self._parameters)

    def _media(self, data: bytes) -> Media:
        if self._line is None:
            raise MalformedFrame("audio before MEDIA_START")
        if len(data) > LONGEST_MESSAGE:
            raise MalformedFrame(f"a message of {len(data)} bytes", hint=f"at most {LONGEST_MESSAGE} are read")
        return Media(self._line.decode(data))
