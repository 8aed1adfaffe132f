"""WebSocket frames, case by case as the Autobahn suite counts them: framing, control frames, reserved bits, opcodes,
fragments, UTF-8, closing, limits."""

from __future__ import annotations

import itertools

import pytest

from vivavoce.wire import websocket
from vivavoce.wire.websocket import (
    MAX_FRAMES_AT_ONCE,
    ClientFrames,
    Closing,
    Dropped,
    Ping,
    Pong,
    Received,
    Violation,
    encode_binary,
    encode_close,
    encode_ping,
    encode_pong,
    encode_text,
)

MASK = b"\x37\xfa\x21\x3d"


def frame(first: int, payload: bytes, *, mask: bytes | None = MASK) -> bytes:
    size, flag = len(payload), 0x80 if mask is not None else 0
    if size < 126:
        head = bytes((first, flag | size))
    elif size < 1 << 16:
        head = bytes((first, flag | 126)) + size.to_bytes(2)
    else:
        head = bytes((first, flag | 127)) + size.to_bytes(8)
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def decoded(data: bytes, *, max_bytes: int = 1 << 20, by: int = 0) -> list[Received]:
    """At once, or in pieces of ``by`` bytes."""
    frames = ClientFrames(max_bytes)
    step = by or len(data)
    return [received for at in range(0, len(data), step) for received in frames.feed(data[at : at + step])]


@pytest.mark.parametrize(
    ("size", "by"),
    [
        *itertools.product([0, 1, 125, 126, 127, 128, 65535, 65536, 70001], [0, 7, 1000]),
        *itertools.product([0, 1, 125, 126, 127, 128], [1, 2]),
    ],
)
def test_text_of_every_length_comes_through_in_one_piece_or_in_many(size: int, by: int) -> None:
    text = ("añz" * size)[:size]
    assert decoded(frame(0x81, text.encode()), by=by) == [text]


def test_several_messages_in_one_read() -> None:
    data = frame(0x81, b"a" * 200) + frame(0x82, b"\x00\xff") + frame(0x81, b"b" * 300) + frame(0x89, b"!")
    assert decoded(data) == ["a" * 200, b"\x00\xff", "b" * 300, Ping(b"!")]
    assert decoded(data, by=3) == decoded(data)


def test_the_example_of_the_standard() -> None:
    """RFC 6455, section 5.7."""
    assert decoded(bytes.fromhex("818537fa213d7f9f4d5158")) == ["Hello"]
    assert encode_text("Hello") == bytes.fromhex("810548656c6c6f")
    assert encode_ping(b"Hello") == bytes.fromhex("890548656c6c6f")
    assert decoded(bytes.fromhex("8a8537fa213d7f9f4d5158")) == [Pong(b"Hello")]


def test_control_frames_come_between_the_fragments_of_a_message() -> None:
    data = b"".join(
        (frame(0x01, b"one "), frame(0x89, b"p"), frame(0x00, b""), frame(0x00, b"two "), frame(0x8A, b""))
    ) + frame(0x80, b"three")
    for by in (0, 1, 5):
        assert decoded(data, by=by) == [Ping(b"p"), Pong(b""), "one two three"]


def test_a_character_may_be_split_between_fragments() -> None:
    euro = "€".encode()
    assert decoded(frame(0x01, euro[:1]) + frame(0x80, euro[1:])) == ["€"]


def test_a_binary_message_in_fragments() -> None:
    assert decoded(frame(0x02, b"\xff") + frame(0x80, b"\xfe")) == [b"\xff\xfe"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(frame(0x81, b"x", mask=None), 1002, id="no mask"),
        pytest.param(frame(0xC1, b"x"), 1002, id="first reserved bit, as of compression"),
        pytest.param(frame(0x91, b"x"), 1002, id="third reserved bit"),
        pytest.param(frame(0x83, b"x"), 1002, id="unknown opcode of data"),
        pytest.param(frame(0x8B, b"x"), 1002, id="unknown opcode of control"),
        pytest.param(frame(0x09, b"x"), 1002, id="ping in fragments"),
        pytest.param(frame(0x89, b"x" * 126), 1002, id="ping too long"),
        pytest.param(frame(0x80, b"x"), 1002, id="continuation of nothing"),
        pytest.param(frame(0x01, b"x") + frame(0x81, b"y"), 1002, id="message in a message"),
        pytest.param(frame(0x01, b"x") + frame(0x81, b"y" * 200), 1002, id="long message in a message"),
        pytest.param(frame(0x81, b"\xc0\xaf"), 1007, id="overlong UTF-8"),
        pytest.param(frame(0x81, b"a" * 200 + b"\xed\xa0\x80"), 1007, id="a surrogate, in a long text"),
        pytest.param(frame(0x01, b"\xe2\x82") + frame(0x80, b""), 1007, id="UTF-8 that ends too soon"),
        pytest.param(frame(0x88, b"\x03"), 1002, id="close with one byte"),
        pytest.param(frame(0x88, b"\x03\xec"), 1002, id="close with 1004"),
        pytest.param(frame(0x88, b"\x03\xed"), 1002, id="close with 1005"),
        pytest.param(frame(0x88, b"\x03\xf7"), 1002, id="close with 1015"),
        pytest.param(frame(0x88, b"\x07\xd0"), 1002, id="close with 2000"),
        pytest.param(frame(0x88, b"\x13\x88"), 1002, id="close with 5000"),
        pytest.param(frame(0x88, b"\x03\xe8\xff"), 1007, id="a reason that is not UTF-8"),
        pytest.param(b"\x81\xff" + b"\xff" * 8 + MASK, 1009, id="a length beyond all bounds"),
    ],
)
def test_what_breaks_the_protocol_is_named_once_and_is_the_last_thing(data: bytes, code: int) -> None:
    for by in (0, 1):
        received = decoded(data + frame(0x81, b"late"), by=by)
        assert isinstance(received[-1], Violation)
        assert received[-1].code == code
        assert len(received) == 1


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999])
def test_a_close_frame_is_the_last_thing(code: int) -> None:
    data = frame(0x88, code.to_bytes(2) + "tschüß".encode()) + frame(0x81, b"late")
    assert decoded(data) == [Closing(code, "tschüß")]
    assert decoded(data, by=1) == [Closing(code, "tschüß")]
    assert decoded(frame(0x88, b"")) == [Closing(1005)]


def test_a_message_is_bounded_whole_and_over_its_fragments() -> None:
    assert decoded(frame(0x81, b"x" * 1000), max_bytes=1000) == ["x" * 1000]
    assert decoded(frame(0x81, b"x" * 1001)[:8], max_bytes=1000) == [Violation(1009, _TOO_LARGE)]
    halves = frame(0x01, b"x" * 600) + frame(0x00, b"x" * 401)
    assert decoded(halves, max_bytes=1000) == [Violation(1009, _TOO_LARGE)]


_TOO_LARGE = "a message larger than is taken here"


@pytest.mark.parametrize("by", [0, 1, 7])
def test_a_message_too_large_to_be_kept_is_thrown_away_and_the_next_one_comes_through(
    by: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "KEPT_BYTES", 300)
    data = frame(0x02, bytes(151)) + frame(0x89, b"!") + frame(0x80, bytes(151)) + frame(0x81, b"x" * 300)
    assert decoded(data, by=by) == [Ping(b"!"), Dropped(302), "x" * 300]


def test_frames_without_end_in_one_read_are_refused() -> None:
    received = decoded(frame(0x89, b"") * (MAX_FRAMES_AT_ONCE + 1))
    assert len(received) == MAX_FRAMES_AT_ONCE + 1
    assert received[-1] == Violation(1008, "more frames at once than are taken here")
    assert len(decoded(frame(0x89, b"") * (MAX_FRAMES_AT_ONCE + 1), by=100)) == MAX_FRAMES_AT_ONCE + 1


def test_what_is_written_has_the_shortest_length() -> None:
    assert encode_text("é" * 62)[:2] == b"\x81\x7c"
    assert encode_text("x" * 126)[:4] == b"\x81\x7e\x00\x7e"
    assert encode_binary(bytes(65535))[:4] == b"\x82\x7e\xff\xff"
    assert encode_binary(bytes(65536))[:10] == b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"
    assert encode_pong(b"") == b"\x8a\x00"


def test_a_close_frame_keeps_within_a_control_frame() -> None:
    assert encode_close(1000) == b"\x88\x02\x03\xe8"
    assert encode_close(1005) == b"\x88\x00"
    long = encode_close(1008, "ä" * 100)
    assert len(long) <= 127
    assert long[4:].decode() == "ä" * 61
