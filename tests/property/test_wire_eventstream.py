"""Whatever bytes come, in whatever pieces, the decoders of the event stream come to an end with values."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.wire.bedrock import (
    InputFrame,
    RequestDecoder,
    Response,
    ResponseDecoder,
    encode_error,
    encode_event,
    encode_exception,
    encode_input,
)
from vivavoce.wire.eventstream import (
    Decoder,
    HeaderValue,
    Integer,
    Malformed,
    Message,
    Timestamp,
    decode_frame,
    decode_headers,
    encode,
    encode_frame,
)
from vivavoce.wire.sigv4 import EventSigner, EventVerifier, Keys

INT64 = st.integers(-(2**63), 2**63 - 1)
VALUES: st.SearchStrategy[HeaderValue] = st.one_of(
    st.booleans(),
    st.sampled_from([8, 16, 32, 64]).flatmap(
        lambda bits: st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1).map(lambda value: Integer(value, bits))
    ),
    st.binary(max_size=40),
    st.text(max_size=20),
    INT64.map(Timestamp),
    st.uuids().map(lambda value: UUID(int=value.int)),
)
NAMES = st.text(min_size=1, max_size=20)
MESSAGES = st.builds(Message, st.dictionaries(NAMES, VALUES, max_size=5), st.binary(max_size=60))
KEYS = Keys("AKIDEXAMPLE", "SECRETKEYEXAMPLE")


def pieces(raw: bytes, cuts: list[int]) -> Iterable[bytes]:
    ends = [*sorted({cut % (len(raw) + 1) for cut in cuts}), len(raw)]
    begins = 0
    for end in ends:
        yield raw[begins:end]
        begins = end


def messages_in(parts: Iterable[bytes]) -> list[Message | Malformed]:
    decoder = Decoder()
    found: list[Message | Malformed] = []
    for part in parts:
        decoder.feed(part)
        found += list(decoder)
    return found


def responses_in(parts: Iterable[bytes]) -> list[Response]:
    decoder = ResponseDecoder()
    found: list[Response] = []
    for part in parts:
        decoder.feed(part)
        while (said := decoder.next()) is not None:
            found.append(said)
    return found


def inputs_in(parts: Iterable[bytes]) -> list[InputFrame | Malformed]:
    decoder = RequestDecoder()
    found: list[InputFrame | Malformed] = []
    for part in parts:
        decoder.feed(part)
        while (frame := decoder.next()) is not None:
            found.append(frame)
    return found


CUTS = st.lists(st.integers(0, 10_000), max_size=8)


@given(st.lists(MESSAGES, max_size=4), CUTS)
def test_messages_come_back_from_any_pieces(messages: list[Message], cuts: list[int]) -> None:
    raw = b"".join(map(encode, messages))
    assert messages_in(pieces(raw, cuts)) == messages
    assert messages_in(raw[at : at + 1] for at in range(len(raw))) == messages


@given(st.binary(max_size=200), CUTS)
def test_any_bytes_are_read_the_same_however_they_come(raw: bytes, cuts: list[int]) -> None:
    assert messages_in([raw]) == messages_in(pieces(raw, cuts))
    decode_frame(raw)
    decode_headers(raw)


@settings(max_examples=200)
@given(MESSAGES, st.integers(0, 10_000), st.integers(1, 255))
def test_a_flipped_byte_never_goes_unnoticed(message: Message, at: int, by: int) -> None:
    raw = bytearray(encode(message))
    raw[at % len(raw)] ^= by
    found = messages_in([bytes(raw)])
    assert len(found) <= 1
    assert all(isinstance(item, Malformed) for item in found)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_a_frame_around_any_bytes_is_read_or_told(headers: bytes, payload: bytes) -> None:
    raw = encode_frame(headers, payload)
    for found in (messages_in([raw]), responses_in([raw]), inputs_in([raw])):
        assert len(found) == 1


@given(st.lists(st.binary(max_size=100), max_size=4), st.text(max_size=30), CUTS)
def test_events_and_faults_come_back_from_any_pieces(events: list[bytes], message: str, cuts: list[int]) -> None:
    raw = b"".join(map(encode_event, events))
    raw += encode_exception("validationException", message) + encode_error("Code", message)
    assert responses_in(pieces(raw, cuts)) == responses_in([raw])
    assert responses_in([raw])[: len(events)] == events


@given(st.lists(st.tuples(st.binary(max_size=100), st.integers(0, 2**41)), max_size=4), CUTS)
def test_what_is_signed_verifies_from_any_pieces(events: list[tuple[bytes, int]], cuts: list[int]) -> None:
    signer, verifier = EventSigner(KEYS, "us-east-1", ""), EventVerifier(KEYS, "us-east-1", "")
    raw = b"".join(signer.sign(encode_input(event), instant_ms) for event, instant_ms in events) + signer.sign(b"", 0)
    found = inputs_in(pieces(raw, cuts))
    for frame in found:
        assert isinstance(frame, InputFrame)
        assert frame.instant_ms is not None
        assert verifier.verify(frame.payload, frame.instant_ms, frame.signature) is None
    assert [frame.event for frame in found if isinstance(frame, InputFrame)] == [event for event, _ in events] + [None]
