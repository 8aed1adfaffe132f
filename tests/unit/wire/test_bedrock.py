"""The envelope around events, in both directions, in its usual shape and in every other."""

from __future__ import annotations

import base64

import pytest

from vivavoce.wire.bedrock import (
    InputFrame,
    RequestDecoder,
    Response,
    ResponseDecoder,
    ServiceError,
    ServiceException,
    UnknownMessage,
    encode_error,
    encode_event,
    encode_exception,
    encode_input,
    invoke_path,
    model_id_of,
)
from vivavoce.wire.eventstream import Headers, Malformed, Message, Timestamp, encode
from vivavoce.wire.sigv4 import EventSigner, Keys

EVENT = '{"event":{"textOutput":{"content":"Grüße"}}}'.encode()
TEXT = base64.b64encode(EVENT).decode()
CHUNK: Headers = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}


def response(*raw: bytes) -> list[Response]:
    decoder = ResponseDecoder()
    found = []
    for data in raw:
        decoder.feed(data)
        while (said := decoder.next()) is not None:
            found.append(said)
    return found


def request(*raw: bytes) -> list[InputFrame | Malformed]:
    decoder = RequestDecoder()
    decoder.feed(b"".join(raw))
    found = []
    while (frame := decoder.next()) is not None:
        found.append(frame)
    return found


def message(payload: str | bytes, headers: Headers = CHUNK) -> bytes:
    return encode(Message(dict(headers), payload.encode() if isinstance(payload, str) else payload))


def test_an_event_there_and_back() -> None:
    assert response(encode_event(EVENT), encode_event(b""), encode_event(EVENT)) == [EVENT, b"", EVENT]
    assert request(encode_input(EVENT), encode_input(EVENT)) == [InputFrame(EVENT), InputFrame(EVENT)]


def test_the_messages_are_those_of_the_general_encoder() -> None:
    payload = f'{{"bytes":"{TEXT}"}}'
    assert encode_event(EVENT) == message(payload)
    order = (":message-type", ":event-type", ":content-type")
    assert encode_input(EVENT) == message(payload, {name: CHUNK[name] for name in order})


@pytest.mark.parametrize(
    "payload",
    [
        f'{{"bytes":"{TEXT}","p":"abcdefgh"}}',
        f'{{"p":"abcdefgh","bytes":"{TEXT}"}}',
        f'{{ "bytes" : "{TEXT}" }}',
        f'{{"bytes":"{TEXT}"}}\n',
        '{"bytes":"' + TEXT.replace("e", "\\u0065", 1) + '"}',
        '{"bytes":"' + TEXT.replace("/", "\\/") + '"}',
    ],
)
def test_any_json_with_the_bytes_in_it_is_read(payload: str) -> None:
    assert response(message(payload)) == [EVENT]
    assert request(message(payload)) == [InputFrame(EVENT)]


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"bytes":7}',
        '{"bytes":"!"}',
        '{"bytes":"YQ"}',
        '{"bytes":"YQ==',
        '{"bytes":"ü"}',
        '{"bytes":"\\ud800"}',
        b'{"bytes":"\xff"}',
        '{"bytes":"',
        '{"bytes":"}',
    ],
)
def test_a_payload_without_them_is_malformed(payload: str | bytes) -> None:
    [found] = response(message(payload))
    assert isinstance(found, Malformed)
    [taken] = request(message(payload))
    assert isinstance(taken, Malformed)


def test_headers_may_come_in_any_order_and_change() -> None:
    headers: list[Headers] = [
        dict(reversed(list(CHUNK.items()))),
        dict(CHUNK),
        {":event-type": "chunk", ":message-type": "event"},
    ]
    payload = f'{{"bytes":"{TEXT}"}}'
    assert response(*(message(payload, h) for h in headers)) == [EVENT] * 3
    assert request(*(message(payload, h) for h in headers)) == [InputFrame(EVENT)] * 3


def test_exceptions() -> None:
    raw = encode_exception("throttlingException", "Too many requests")
    assert response(encode_event(EVENT), raw) == [EVENT, ServiceException("throttlingException", "Too many requests")]
    raw = encode_exception("modelStreamErrorException", "m", originalStatusCode=500, originalMessage="o")
    assert response(raw) == [ServiceException("modelStreamErrorException", "m", 500, "o")]


def test_an_exception_is_one_whatever_it_carries() -> None:
    headers: Headers = {":message-type": "exception", ":exception-type": "validationException"}
    assert response(message("gone wrong", headers)) == [ServiceException("validationException", "gone wrong")]
    assert response(message('{"message":7}', headers)) == [ServiceException("validationException", '{"message":7}')]
    assert response(message(b"\xff", headers)) == [ServiceException("validationException", "�")]
    assert response(message("", {":message-type": "exception"})) == [ServiceException("", "")]


def test_errors_that_the_model_does_not_list() -> None:
    assert response(encode_error("InternalFailure", "oh")) == [ServiceError("InternalFailure", "oh")]


def test_messages_that_nobody_knows() -> None:
    headers: Headers = {":message-type": "event", ":event-type": "news"}
    assert response(message("x", headers)) == [UnknownMessage(dict(headers), b"x")]
    assert response(message("x", {})) == [UnknownMessage({}, b"x")]
    assert request(message("x", headers)) == [Malformed("a message that is no event of the type chunk")]


def signer() -> EventSigner:
    return EventSigner(Keys("a", "b"), "us-east-1", "")


def test_signed_frames_tell_what_they_are_signed_with() -> None:
    inner = encode_input(EVENT)
    sign = signer()
    first, second, end = request(sign.sign(inner, 5), sign.sign(inner, 6), sign.sign(b"", 7))
    assert isinstance(first, InputFrame)
    assert (first.event, first.instant_ms, len(first.signature), first.payload) == (EVENT, 5, 32, inner)
    assert isinstance(second, InputFrame)
    assert (second.event, second.instant_ms) == (EVENT, 6)
    assert isinstance(end, InputFrame)
    assert (end.event, end.instant_ms, end.payload) == (None, 7, b"")


def test_signature_and_date_may_come_the_other_way_round() -> None:
    inner = encode_input(EVENT)
    outer = encode(Message({":chunk-signature": bytes(32), ":date": Timestamp(5)}, inner))
    assert request(outer) == [InputFrame(EVENT, 5, bytes(32), inner)]


@pytest.mark.parametrize(
    "outer",
    [
        encode(Message({":chunk-signature": "text", ":date": Timestamp(5)}, encode_input(EVENT))),
        encode(Message({":chunk-signature": bytes(32)}, encode_input(EVENT))),
        signer().sign(b"no message", 5),
        signer().sign(encode_input(EVENT) + b"x", 5),
        signer().sign(message("{}"), 5),
    ],
)
def test_a_signed_frame_around_something_else_is_malformed(outer: bytes) -> None:
    [found] = request(outer)
    assert isinstance(found, Malformed)


def test_an_empty_plain_message_ends_the_input_too() -> None:
    assert request(encode(Message({}))) == [InputFrame(None)]


def test_paths() -> None:
    path = "/model/amazon.nova-2-sonic-v1%3A0/invoke-with-bidirectional-stream"
    assert invoke_path("amazon.nova-2-sonic-v1:0") == path
    arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-2-sonic-v1:0"
    assert model_id_of(invoke_path(arn)) == arn
    assert "/" not in invoke_path(arn)[7:-33]
    assert model_id_of(path + "?") == "amazon.nova-2-sonic-v1:0"
    for other in ("", "/", "/model/x/invoke", "/model/invoke-with-bidirectional-stream", path + "/x"):
        assert model_id_of(other) is None
