"""WebSocket frames as a server reads and writes them, RFC 6455: bytes to messages and back. No extensions.

The decoder is total: whatever it is fed comes out as messages and at most one :class:`Closing` or :class:`Violation`,
after which it has nothing more to say. It never holds more than one message.
"""

from __future__ import annotations

from typing import Final

import msgspec

try:
    from websockets.speedups import apply_mask
except ImportError:  # where there is no wheel for the machine
    from websockets.utils import apply_mask

NORMAL: Final = 1000
PROTOCOL_ERROR: Final = 1002
NO_CODE: Final = 1005
ABNORMAL: Final = 1006
INVALID_TEXT: Final = 1007
AGAINST_POLICY: Final = 1008
TOO_BIG: Final = 1009
INTERNAL_ERROR: Final = 1011
RESTARTING: Final = 1012

_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0, 1, 2, 8, 9, 10
_FINAL, _RESERVED, _OPCODE = 0x80, 0x70, 0x0F
_MASKED, _LENGTH = 0x80, 0x7F
_MAX_CONTROL_BYTES: Final = 125
MAX_FRAMES_AT_ONCE: Final = 1024
"""That much at once nobody says who talks; but a read of 256 KiB may have forty thousand, and all else would wait."""
KEPT_BYTES: Final = 4 * 1024 * 1024
"""Of one message. To gather and decode a larger one would make all else wait for tens of milliseconds."""
# Of a close frame, section 7.4 and the registry it founded; 1005, 1006 and 1015 are never on the wire.
_CODES: Final = frozenset((*range(1000, 1004), *range(1007, 1015)))
_LOWEST_FREE_CODE, _HIGHEST_FREE_CODE = 3000, 4999


class Ping(msgspec.Struct, frozen=True, gc=False):
    """To be answered with a pong of the same payload."""

    payload: bytes


class Pong(msgspec.Struct, frozen=True, gc=False):
    """The answer to a ping, or nobody asked."""

    payload: bytes


class Closing(msgspec.Struct, frozen=True, gc=False):
    """The peer closes. ``code`` is :data:`NO_CODE` if it gave none."""

    code: int
    reason: str = ""


class Violation(msgspec.Struct, frozen=True, gc=False):
    """What came breaks the protocol or a limit: to be closed with ``code``."""

    code: int
    why: str


class Dropped(msgspec.Struct, frozen=True, gc=False):
    """A message of more than :data:`KEPT_BYTES` came, and was thrown away unread."""

    size: int


Received = str | bytes | Dropped | Ping | Pong | Closing | Violation
"""A text message is a str, a binary one bytes."""


class ClientFrames:
    """Decodes what a client sends."""

    __slots__ = ("_final", "_left", "_mask", "_message", "_opcode", "_over", "_rest", "_size", "max_bytes")

    def __init__(self, max_bytes: int) -> None:
        """``max_bytes`` of one message, more is a violation; it may be changed at any time."""
        self.max_bytes = max_bytes
        self._rest = b""  # the beginning of a header, or of a control frame
        self._opcode = _CONTINUATION  # of the message whose frames are coming; a continuation while there is none
        self._message = bytearray()
        self._size = 0  # of it, kept or not, with the frame that is coming
        self._final = False
        self._left = 0  # of the frame whose payload is coming
        self._mask = b""
        self._over = False

    def feed(self, data: bytes) -> list[Received]:
        """What is complete now. ``data`` with more than :data:`MAX_FRAMES_AT_ONCE` frames is a violation."""
        received: list[Received] = []
        if self._over:
            return received
        if self._rest:
            data, self._rest = self._rest + data, b""
        at, end, frames = 0, len(data), 0
        while at < end and not self._over:
            frames += 1
            if frames > MAX_FRAMES_AT_ONCE:
                self._fail(AGAINST_POLICY, "more frames at once than are taken here", received)
            elif self._left:
                at = self._collect(data, at, received)
            elif after := self._whole_text(data, at, received) or self._frame(data, at, received):
                at = after
            else:
                self._rest = data[at:]
                break
        return received

    def stop(self) -> None:
        """What comes from now on is thrown away unread."""
        self._over = True
        self._message = bytearray()

    def _whole_text(self, data: bytes, at: int, received: list[Received]) -> int:
        """The short way for nearly all that comes: a whole text message of 126 to 65535 bytes. 0 if it is another."""
        if data[at : at + 2] != b"\x81\xfe" or len(data) < at + 8 or self._opcode:
            return 0
        begin = at + 8
        size = data[at + 2] << 8 | data[at + 3]
        after = begin + size
        if after > len(data) or size > self.max_bytes:
            return 0
        try:
            received.append(apply_mask(data[begin:after], data[at + 4 : begin]).decode())
        except UnicodeDecodeError:
            self._fail(INVALID_TEXT, "text that is not UTF-8", received)
        return after

    def _frame(self, data: bytes, at: int, received: list[Received]) -> int:
        """Where the frame's header ends, or a control frame; 0 if more must come first."""
        if len(data) < at + 2:
            return 0
        first, second = data[at], data[at + 1]
        size, begin = second & _LENGTH, at + 2
        if size > _MAX_CONTROL_BYTES:
            wide = 2 if size == _MAX_CONTROL_BYTES + 1 else 8
            size, begin = int.from_bytes(data[begin : begin + wide]), begin + wide
        opcode = first & _OPCODE
        if why := self._why_not(first, second):
            return self._fail(PROTOCOL_ERROR, why, received, len(data))
        begin += 4
        if len(data) < begin:
            return 0
        mask = data[begin - 4 : begin]
        if opcode >= _CLOSE:
            if len(data) < begin + size:
                return 0
            self._control(opcode, apply_mask(data[begin : begin + size], mask), received)
            return begin + size
        if size > self.max_bytes - self._size:
            return self._fail(TOO_BIG, "a message larger than is taken here", received, len(data))
        self._size += size
        if self._size > KEPT_BYTES:
            self._message = bytearray()
        self._opcode = self._opcode or opcode
        self._final, self._left, self._mask = bool(first & _FINAL), size, mask
        if not size:
            self._frame_ends(received)
        return begin

    def _why_not(self, first: int, second: int) -> str:
        """What is wrong with the first two bytes of a frame; sections 5.2, 5.4 and 5.5."""
        opcode = first & _OPCODE
        if first & _RESERVED:
            return "a reserved bit, and no extension was agreed"
        if not second & _MASKED:
            return "a frame without a mask"
        if opcode >= _CLOSE:
            if opcode > _PONG:
                return "an unknown opcode"
            if not first & _FINAL or second & _LENGTH > _MAX_CONTROL_BYTES:
                return "a control frame in pieces, or too long"
            return ""
        if opcode > _BINARY:
            return "an unknown opcode"
        if bool(self._opcode) == bool(opcode):
            return "a new message inside another" if opcode else "a continuation of nothing"
        return ""

    def _collect(self, data: bytes, at: int, received: list[Received]) -> int:
        after = min(len(data), at + self._left)
        if self._size <= KEPT_BYTES:
            self._message += apply_mask(data[at:after], self._mask)
        self._left -= after - at
        if not self._left:
            self._frame_ends(received)
        elif turn := (after - at) % 4:
            self._mask = self._mask[turn:] + self._mask[:turn]
        return after

    def _frame_ends(self, received: list[Received]) -> None:
        if not self._final:
            return
        opcode, message, size = self._opcode, self._message, self._size
        self._opcode, self._message, self._size = _CONTINUATION, bytearray(), 0
        if size > KEPT_BYTES:
            received.append(Dropped(size))
            return
        try:
            received.append(message.decode() if opcode == _TEXT else bytes(message))
        except UnicodeDecodeError:
            self._fail(INVALID_TEXT, "text that is not UTF-8", received)

    def _control(self, opcode: int, payload: bytes, received: list[Received]) -> None:
        if opcode != _CLOSE:
            received.append(Ping(payload) if opcode == _PING else Pong(payload))
            return
        self._over = True
        received.append(_closing(payload))

    def _fail(self, code: int, why: str, received: list[Received], after: int = 0) -> int:
        self.stop()
        received.append(Violation(code, why))
        return after


def _closing(payload: bytes) -> Closing | Violation:
    if not payload:
        return Closing(NO_CODE)
    code = int.from_bytes(payload[:2])
    if len(payload) == 1 or not (code in _CODES or _LOWEST_FREE_CODE <= code <= _HIGHEST_FREE_CODE):
        return Violation(PROTOCOL_ERROR, "a code that no close frame has")
    try:
        return Closing(code, payload[2:].decode())
    except UnicodeDecodeError:
        return Violation(INVALID_TEXT, "a reason that is not UTF-8")


def encode_text(text: str) -> bytes:
    return _encode(_FINAL | _TEXT, text.encode())


def encode_binary(data: bytes) -> bytes:
    return _encode(_FINAL | _BINARY, data)


def encode_ping(payload: bytes) -> bytes:
    return _encode(_FINAL | _PING, payload)


def encode_pong(payload: bytes) -> bytes:
    return _encode(_FINAL | _PONG, payload)


def encode_close(code: int, reason: str = "") -> bytes:
    """Without a payload for :data:`NO_CODE`. A reason that is too long is cut."""
    if code == NO_CODE:
        return _encode(_FINAL | _CLOSE, b"")
    cut = reason.encode()[: _MAX_CONTROL_BYTES - 2].decode(errors="ignore")
    return _encode(_FINAL | _CLOSE, code.to_bytes(2) + cut.encode())


def _encode(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size <= _MAX_CONTROL_BYTES:
        return bytes((first, size)) + payload
    if size < 1 << 16:
        return bytes((first, _MAX_CONTROL_BYTES + 1, size >> 8, size & 0xFF)) + payload
    return bytes((first, _LENGTH)) + size.to_bytes(8) + payload
