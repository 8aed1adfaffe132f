"""Asterisk's AudioSocket: Asterisk dials us by TCP; frames are ``type(1) length(2, big-endian) payload``.

Asterisk's "AudioSocket" page. Audio is PCM16 little-endian, its rate told by the type: there 0x11 is 12 kHz and 0x12 is
16 kHz (an abandoned change to the page had 0x11 for 16). The dialplan application has 8 kHz alone. Nothing that was
written can be recalled, so whoever writes keeps the pace.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final
from uuid import UUID

from vivavoce.wire.telephony.encoding import PCM_LITTLE, LineFormat, key
from vivavoce.wire.telephony.line import (
    HangUpLine,
    Key,
    LineFact,
    LineWish,
    MalformedFrame,
    Media,
    Message,
    SendMedia,
    Started,
    Stopped,
    Trouble,
)

HEADER_BYTES: Final = 3


class Kind(IntEnum):
    """Types of frames other than audio."""

    HANGUP = 0x00
    UUID = 0x01
    DTMF = 0x03
    ERROR = 0xFF


RATES_HZ: Final = {0x10: 8000, 0x11: 12_000, 0x12: 16_000, 0x13: 24_000, 0x14: 32_000, 0x15: 44_100, 0x16: 48_000}
"""Two more types exist, for 96 and 192 kHz; no call here has such a rate."""
_KINDS: Final = {rate_hz: kind for kind, rate_hz in RATES_HZ.items()}


def frame(kind: int, payload: bytes = b"") -> bytes:
    """One frame of the stream."""
    return bytes((kind,)) + len(payload).to_bytes(2) + payload


class AudioSocketCodec:
    """One connection. Bytes may come in any pieces.

    The rate is not told before the first audio; :meth:`begin` takes it as given where none comes by itself.
    """

    name = "audiosocket"
    queues = False
    frames_per_message = 1

    def __init__(self) -> None:
        self._stream = ""
        self._held = b""
        self._line: LineFormat | None = None

    def receive(self, message: Message) -> Sequence[LineFact]:
        if isinstance(message, str):
            raise MalformedFrame("text on a connection for bytes")
        data = self._held + message
        facts: list[LineFact] = []
        at = 0
        while (end := _end_of_frame(data, at)) is not None:
            try:
                facts += self._fact(data[at], data[at + HEADER_BYTES : end])
            except MalformedFrame as malformed:  # the frames around it are whole
                facts.append(Trouble(malformed.message))
            at = end
        self._held = data[at:]
        return facts

    def begin(self, rate_hz: int) -> Started:
        """The line is open at this rate, whatever comes."""
        self._line = LineFormat(PCM_LITTLE, rate_hz)
        return Started(self._stream, self._stream, rate_hz)

    @property
    def named(self) -> bool:
        """Whether Asterisk has said which call this is."""
        return bool(self._stream)

    def send(self, wish: LineWish) -> Sequence[Message]:
        assert self._line is not None  # nothing is sent before the start
        match wish:
            case SendMedia(pcm):
                return (frame(_KINDS[self._line.rate_hz], pcm),)
            case HangUpLine():
                return (frame(Kind.HANGUP),)
        return ()

    def _fact(self, kind: int, payload: bytes) -> Sequence[LineFact]:
        match kind:
            case _ if kind in RATES_HZ:
                return self._audio(RATES_HZ[kind], payload)
            case Kind.UUID:
                self._stream = str(UUID(bytes=payload)) if len(payload) == 16 else ""
                return ()
            case Kind.DTMF:
                return (Key(key(payload.decode("ascii", "replace"))),)
            case Kind.HANGUP:
                return (Stopped(),)
            case Kind.ERROR:
                return (Trouble(payload[:8].hex()),)
        return ()  # the protocol may grow

    def _audio(self, rate_hz: int, payload: bytes) -> Sequence[LineFact]:
        started = () if self._line else (self.begin(rate_hz),)
        assert self._line is not None
        if rate_hz != self._line.rate_hz:
            raise MalformedFrame("audio at another rate than before")
        return (*started, Media(self._line.decode(payload)))


def _end_of_frame(data: bytes, at: int) -> int | None:
    """None while the frame that begins there is not whole."""
    if len(data) < at + HEADER_BYTES:
        return None
    end = at + HEADER_BYTES + int.from_bytes(data[at + 1 : at + HEADER_BYTES])
    return end if len(data) >= end else None
