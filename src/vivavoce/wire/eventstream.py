"""Amazon's event-stream framing, ``application/vnd.amazon.eventstream``: bytes to messages and back.

A frame is total length, headers length, CRC-32 of these eight bytes, headers, payload, CRC-32 of all before it; numbers
are big-endian. The decoder is total: whatever it is fed comes out as messages and at most one :class:`Malformed`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID
from zlib import crc32

import msgspec

from vivavoce.errors import UsageError

# What AWS's own SDKs send and take at most: smithy_aws_event_stream/events.py.
MAX_HEADERS_BYTES: Final = 128 * 1024
MAX_PAYLOAD_BYTES: Final = 16 * 1024 * 1024
MAX_VALUE_BYTES: Final = 32 * 1024 - 1

_PRELUDE: Final = struct.Struct(">III")
_LENGTHS: Final = struct.Struct(">II")
_CRC: Final = struct.Struct(">I")
_OVERHEAD: Final = _PRELUDE.size + _CRC.size
_NUMBERS: Final = {2: struct.Struct(">b"), 3: struct.Struct(">h"), 4: struct.Struct(">i"), 5: struct.Struct(">q")}
_BYTES, _TEXT, _TIMESTAMP, _UUID = 6, 7, 8, 9
_BITS: Final = {2: 8, 3: 16, 4: 32, 5: 64}
_TYPE_OF_BITS: Final = {bits: type_ for type_, bits in _BITS.items()}


class Integer(msgspec.Struct, frozen=True):
    """A whole number of 8, 16, 32 or 64 ``bits``."""

    value: int
    bits: int


class Timestamp(msgspec.Struct, frozen=True):
    """Milliseconds since 1970 in UTC."""

    ms: int


HeaderValue = bool | Integer | bytes | str | Timestamp | UUID
Headers = Mapping[str, HeaderValue]


class Message(msgspec.Struct, frozen=True):
    """One message. The order of its headers is the order on the wire."""

    headers: dict[str, HeaderValue]
    payload: bytes = b""


class Malformed(msgspec.Struct, frozen=True):
    """What came is no event stream, and ``why``. Nothing after it can be read."""

    why: str


class Frame(msgspec.Struct, frozen=True):
    """A frame whose lengths and sums are right, its headers still as bytes."""

    headers: bytes
    payload: bytes


def encode(message: Message) -> bytes:
    """Raises :class:`UsageError` for what no reader would take."""
    return encode_frame(encode_headers(message.headers), message.payload)


def encode_frame(headers: bytes, payload: bytes) -> bytes:
    """A frame around headers that are encoded already."""
    if len(headers) > MAX_HEADERS_BYTES or len(payload) > MAX_PAYLOAD_BYTES:
        raise UsageError(f"{len(headers)} bytes of headers and {len(payload)} of payload do not fit an event stream")
    lengths = _LENGTHS.pack(_OVERHEAD + len(headers) + len(payload), len(headers))
    whole = b"".join((lengths, _CRC.pack(crc32(lengths)), headers, payload))
    return whole + _CRC.pack(crc32(whole))


def encode_headers(headers: Headers) -> bytes:
    """Raises :class:`UsageError` for a name or value that does not fit."""
    parts = bytearray()
    for name, value in headers.items():
        raw = name.encode()
        if not 0 < len(raw) < 256:
            raise UsageError(f"a header name of {len(raw)} bytes; 1 to 255 are possible")
        parts += bytes((len(raw),)) + raw + _encode_value(value)
    return bytes(parts)


def _encode_value(value: HeaderValue) -> bytes:
    match value:
        case bool():
            return b"\x00" if value else b"\x01"
        case bytes():
            return _with_length(_BYTES, value)
        case str():
            return _with_length(_TEXT, value.encode())
        case UUID():
            return bytes((_UUID,)) + value.bytes
        case Timestamp(ms):
            return _encode_number(_TIMESTAMP, _NUMBERS[5], ms)
        case Integer(number, bits) if bits in _TYPE_OF_BITS:
            return _encode_number(_TYPE_OF_BITS[bits], _NUMBERS[_TYPE_OF_BITS[bits]], number)
        case _:
            raise UsageError(f"{value!r} is no header value of an event stream")


def _with_length(type_: int, raw: bytes) -> bytes:
    if len(raw) > MAX_VALUE_BYTES:
        raise UsageError(f"a header value of {len(raw)} bytes; {MAX_VALUE_BYTES} are possible")
    return bytes((type_,)) + len(raw).to_bytes(2, "big") + raw


def _encode_number(type_: int, form: struct.Struct, number: int) -> bytes:
    try:
        return bytes((type_,)) + form.pack(number)
    except struct.error:
        raise UsageError(f"{number} does not fit {form.size} bytes") from None


def decode_headers(raw: bytes) -> dict[str, HeaderValue] | Malformed:
    headers: dict[str, HeaderValue] = {}
    at = 0
    while at < len(raw):
        name_ends = at + 1 + raw[at]
        if name_ends == at + 1 or name_ends >= len(raw):
            return Malformed("a header without name or value")
        try:
            name = raw[at + 1 : name_ends].decode()
        except UnicodeDecodeError:
            return Malformed("a header name that is not UTF-8")
        if name in headers:
            return Malformed("a header that comes twice")
        found = _decode_value(raw, name_ends)
        if isinstance(found, Malformed):
            return found
        headers[name], at = found
    return headers


def _decode_value(raw: bytes, at: int) -> tuple[HeaderValue, int] | Malformed:
    """The value whose type is at ``at``, and where it ends."""
    type_ = raw[at]
    at += 1
    if type_ in (0, 1):
        return type_ == 0, at
    if type_ in (_BYTES, _TEXT):
        begins = at + 2
        ends = begins + int.from_bytes(raw[at:begins], "big")
        if begins > len(raw) or ends > len(raw) or ends - begins > MAX_VALUE_BYTES:
            return Malformed("a header value that does not fit")
        return _decode_octets(raw[begins:ends], is_text=type_ == _TEXT, ends=ends)
    if type_ == _UUID and at + 16 <= len(raw):
        return UUID(bytes=raw[at : at + 16]), at + 16
    form = _NUMBERS[5] if type_ == _TIMESTAMP else _NUMBERS.get(type_)
    if form is None or at + form.size > len(raw):
        return Malformed(f"a header value of type {type_} that does not fit or does not exist")
    (number,) = form.unpack_from(raw, at)
    value = Timestamp(number) if type_ == _TIMESTAMP else Integer(number, _BITS[type_])
    return value, at + form.size


def _decode_octets(raw: bytes, *, is_text: bool, ends: int) -> tuple[HeaderValue, int] | Malformed:
    if not is_text:
        return raw, ends
    try:
        return raw.decode(), ends
    except UnicodeDecodeError:
        return Malformed("a header value that is not UTF-8")


def decode_frame(raw: bytes) -> Frame | Malformed:
    """The one frame that all of ``raw`` is."""
    total = _total_of(raw) if len(raw) >= _OVERHEAD else -1
    if isinstance(total, Malformed):
        return total
    return _open(raw) if total == len(raw) else Malformed("bytes that are not one whole message")


def _total_of(raw: bytes | bytearray) -> int | Malformed:
    """The length of the frame that begins here."""
    total, headers, expected = _PRELUDE.unpack_from(raw)
    if crc32(raw[:8]) != expected:
        return Malformed("a prelude whose checksum is wrong")
    if headers > MAX_HEADERS_BYTES or not 0 <= total - headers - _OVERHEAD <= MAX_PAYLOAD_BYTES:
        return Malformed("a prelude with impossible lengths")
    return int(total)


def _open(raw: bytes) -> Frame | Malformed:
    """The inside of a frame whose prelude is right."""
    if crc32(memoryview(raw)[:-4]) != int.from_bytes(raw[-4:], "big"):
        return Malformed("a message whose checksum is wrong")
    payload_at = _PRELUDE.size + int.from_bytes(raw[4:8], "big")
    return Frame(raw[_PRELUDE.size : payload_at], raw[payload_at:-4])


class Decoder:
    """Takes bytes as they come and gives what is complete in them. After a :class:`Malformed` it gives nothing more.

    >>> decoder = Decoder()
    >>> decoder.feed(encode(Message({":event-type": "chunk"}, b"{}")))
    >>> decoder.next()
    Message(headers={':event-type': 'chunk'}, payload=b'{}')
    >>> decoder.next() is None
    True
    """

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._total = 0
        """How long the frame is that has begun; 0 while its prelude is not here."""
        self._broken = False

    @property
    def waiting_bytes(self) -> int:
        """The bytes of a frame that is not complete; at the end of a stream there should be none."""
        return len(self._waiting)

    def feed(self, data: bytes) -> None:
        if not self._broken:
            self._waiting += data

    def next(self) -> Message | Malformed | None:
        """The next message; None until more is fed."""
        frame = self.next_frame()
        if not isinstance(frame, Frame):
            return frame
        headers = decode_headers(frame.headers)
        if isinstance(headers, Malformed):
            return self._fail(headers)
        return Message(headers, frame.payload)

    def next_frame(self) -> Frame | Malformed | None:
        """As :meth:`next`, for a reader that knows its headers by their bytes."""
        waiting = self._waiting
        if not self._total:
            if len(waiting) < _PRELUDE.size or self._broken:
                return None
            fault = self._read_prelude()
            if fault is not None:
                return self._fail(fault)
        total = self._total
        if len(waiting) < total:
            return None
        raw = bytes(waiting[:total])
        del waiting[:total]
        self._total = 0
        frame = _open(raw)
        return frame if isinstance(frame, Frame) else self._fail(frame)

    def __iter__(self) -> Iterator[Message | Malformed]:
        while (item := self.next()) is not None:
            yield item

    def _read_prelude(self) -> Malformed | None:
        total = _total_of(self._waiting)
        if isinstance(total, Malformed):
            return total
        self._total = total
        return None

    def _fail(self, fault: Malformed) -> Malformed:
        self._broken = True
        self._waiting.clear()
        self._total = 0
        return fault
