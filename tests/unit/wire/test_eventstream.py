"""Frames of the event stream: every type of header, the bounds, and everything that is none."""

from __future__ import annotations

import struct
from uuid import UUID
from zlib import crc32

import pytest

from vivavoce.errors import UsageError
from vivavoce.wire.eventstream import (
    MAX_HEADERS_BYTES,
    MAX_PAYLOAD_BYTES,
    MAX_VALUE_BYTES,
    Decoder,
    Frame,
    HeaderValue,
    Integer,
    Malformed,
    Message,
    Timestamp,
    decode_frame,
    decode_headers,
    encode,
    encode_frame,
    encode_headers,
)

EVERY_TYPE: dict[str, HeaderValue] = {
    "true": True,
    "false": False,
    "byte": Integer(-128, 8),
    "short": Integer(-(2**15), 16),
    "integer": Integer(2**31 - 1, 32),
    "long": Integer(2**63 - 1, 64),
    "bytes": b"\x00\xff",
    "string": "Grüße",
    "timestamp": Timestamp(1767323045678),
    "uuid": UUID(int=7),
}
MESSAGE = Message(EVERY_TYPE, b'{"bytes":""}')


def decoded(raw: bytes) -> list[Message | Malformed]:
    decoder = Decoder()
    decoder.feed(raw)
    return list(decoder)


def with_sums(lengths: tuple[int, int], rest: bytes) -> bytes:
    """A frame of these lengths, right or wrong, whose sums are right."""
    prelude = struct.pack(">II", *lengths)
    whole = prelude + struct.pack(">I", crc32(prelude)) + rest
    return whole + struct.pack(">I", crc32(whole))


def test_every_type_of_header_comes_back_as_it_was() -> None:
    assert decoded(encode(MESSAGE)) == [MESSAGE]
    [message] = decoded(encode(MESSAGE))
    assert isinstance(message, Message)
    assert [type(value) for value in message.headers.values()] == [type(value) for value in EVERY_TYPE.values()]
    assert list(message.headers) == list(EVERY_TYPE), "in their order"


def test_the_bytes_of_a_header_are_those_of_the_format() -> None:
    assert encode_headers({":date": Timestamp(1767323045678)}).hex() == "053a64617465080000019b7ca98f2e"
    assert encode_headers({"a": "b", "c": b"d", "e": True, "f": Integer(1, 16)}).hex() == (
        "016107000162" "016306000164" "016500" "0166030001"
    )  # fmt: skip


def test_messages_come_out_however_the_bytes_come_in() -> None:
    raw = encode(MESSAGE) + encode(Message({})) + encode(MESSAGE)
    expected = [MESSAGE, Message({}), MESSAGE]
    assert decoded(raw) == expected
    decoder = Decoder()
    found = []
    for at in range(len(raw)):
        decoder.feed(raw[at : at + 1])
        found += list(decoder)
    assert found == expected
    assert decoder.waiting_bytes == 0


def test_a_tail_waits_for_its_rest() -> None:
    raw = encode(MESSAGE)
    decoder = Decoder()
    decoder.feed(raw + raw[:30])
    assert list(decoder) == [MESSAGE]
    assert decoder.waiting_bytes == 30
    decoder.feed(raw[30:])
    assert list(decoder) == [MESSAGE]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "a prelude whose checksum is wrong"),
        (with_sums((15, 0), b""), "a prelude with impossible lengths"),
        (with_sums((16, 1), b""), "a prelude with impossible lengths"),
        (with_sums((2**32 - 1, 0), b""), "a prelude with impossible lengths"),
        (with_sums((16 + MAX_PAYLOAD_BYTES + 1, 0), b""), "a prelude with impossible lengths"),
        (with_sums((16 + MAX_HEADERS_BYTES + 1, MAX_HEADERS_BYTES + 1), b""), "a prelude with impossible lengths"),
        (encode(MESSAGE)[:-1] + b"\x00", "a message whose checksum is wrong"),
    ],
)
def test_what_is_no_frame_is_told_once_and_ends_the_stream(raw: bytes, why: str) -> None:
    decoder = Decoder()
    decoder.feed(encode(Message({})) + raw + encode(MESSAGE))
    assert list(decoder) == [Message({}), Malformed(why)]
    decoder.feed(encode(MESSAGE))
    assert decoder.next() is None
    assert decoder.waiting_bytes == 0


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        (b"\x00\x00", "a header without name or value"),
        (b"\x05ab", "a header without name or value"),
        (b"\x01a", "a header without name or value"),
        (b"\x01\xff\x00", "a header name that is not UTF-8"),
        (b"\x01a\x00\x01a\x00", "a header that comes twice"),
        (b"\x01a\x07\x00", "a header value that does not fit"),
        (b"\x01a\x07\x00\x02b", "a header value that does not fit"),
        (b"\x01a\x07\x80\x00" + bytes(0x8000), "a header value that does not fit"),
        (b"\x01a\x07\x00\x01\xff", "a header value that is not UTF-8"),
        (b"\x01a\x08\x00", "a header value of type 8 that does not fit or does not exist"),
        (b"\x01a\x09\x00", "a header value of type 9 that does not fit or does not exist"),
        (b"\x01a\x0a\x00", "a header value of type 10 that does not fit or does not exist"),
    ],
)
def test_what_is_no_header_is_told(headers: bytes, why: str) -> None:
    assert decode_headers(headers) == Malformed(why)
    assert decoded(encode_frame(headers, b"")) == [Malformed(why)]


@pytest.mark.parametrize(
    "headers",
    [
        {"": "empty name"},
        {"n" * 256: "long name"},
        {"long": "x" * (MAX_VALUE_BYTES + 1)},
        {"wide": Integer(128, 8)},
        {"odd": Integer(1, 24)},
    ],
)
def test_what_no_reader_would_take_is_not_written(headers: dict[str, HeaderValue]) -> None:
    with pytest.raises(UsageError):
        encode(Message(headers))


def test_a_payload_may_be_as_long_as_aws_allows_and_no_longer() -> None:
    with pytest.raises(UsageError):
        encode_frame(b"", bytes(MAX_PAYLOAD_BYTES + 1))
    long = encode_frame(b"", bytes(MAX_PAYLOAD_BYTES))
    assert decode_frame(long) == Frame(b"", bytes(MAX_PAYLOAD_BYTES))


def test_one_frame_and_nothing_else() -> None:
    raw = encode(MESSAGE)
    assert isinstance(decode_frame(raw), Frame)
    for wrong in (raw + b"\x00", raw[:-1], raw[:5], b"", bytes(40)):
        assert isinstance(decode_frame(wrong), Malformed)
