"""The envelope of Bedrock's bidirectional stream: an event's JSON in base64 in JSON in an event-stream message.

An event here is its UTF-8 JSON text as bytes. What a client sends is wrapped by :func:`encode_input` and then signed
(:class:`~vivavoce.wire.sigv4.EventSigner`); what the service sends comes from :func:`encode_event` and is not signed.
Audio passes here fifty times a second in each call, so the usual shape takes no JSON tree in either direction.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from struct import Struct
from typing import Final
from urllib.parse import quote, unquote
from zlib import crc32

import msgspec

from vivavoce.wire.eventstream import (
    Decoder,
    Frame,
    Headers,
    Malformed,
    Message,
    Timestamp,
    decode_frame,
    decode_headers,
    encode,
    encode_headers,
)
from vivavoce.wire.sigv4 import DATE_HEADER, DATE_PREFIX, SIGNATURE_HEADER, SIGNATURE_PREFIX

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"

HTTP_STATUS: Final = {
    "validationException": 400,
    "accessDeniedException": 403,
    "resourceNotFoundException": 404,
    "modelTimeoutException": 408,
    "modelStreamErrorException": 424,
    "modelErrorException": 424,
    "modelNotReadyException": 429,
    "throttlingException": 429,
    "serviceQuotaExceededException": 400,
    "internalServerException": 500,
    "serviceUnavailableException": 503,
}
"""The exceptions of the operation by their names within the stream, with the status each has before it."""

_OPENS: Final = b'{"bytes":"'
_CLOSES: Final = b'"}'
_ENDS_BYTES: Final = len(_OPENS) + len(_CLOSES)
_LENGTHS: Final = Struct(">II")
_UINT32: Final = Struct(">I")
_JSON: Final = {":content-type": "application/json"}
_SIGNATURE_AT: Final = len(DATE_PREFIX) + 8
_SIGNED_BYTES: Final = _SIGNATURE_AT + len(SIGNATURE_PREFIX) + 32


class _Envelope:
    """Wraps events in messages of always the same headers."""

    def __init__(self, headers: Headers) -> None:
        raw = encode_headers(headers)
        self._opening = raw + _OPENS
        self._headers_bytes = len(raw)
        self._overhead = 12 + len(self._opening) + len(_CLOSES) + 4

    def wrap(self, event: bytes) -> bytes:
        text = b2a_base64(event, newline=False)
        lengths = _LENGTHS.pack(self._overhead + len(text), self._headers_bytes)
        whole = b"".join((lengths, _UINT32.pack(crc32(lengths)), self._opening, text, _CLOSES))
        return whole + _UINT32.pack(crc32(whole))


# The orders that AWS's Python SDK and the service use.
_INPUT: Final = _Envelope({":message-type": "event", ":event-type": "chunk", **_JSON})
_OUTPUT: Final = _Envelope({":event-type": "chunk", **_JSON, ":message-type": "event"})

encode_input = _INPUT.wrap
"""The message in which a client sends an event; it still has to be signed."""
encode_event = _OUTPUT.wrap
"""The message in which the service sends an event."""


def encode_exception(exception: str, message: str, **members: object) -> bytes:
    """One of :data:`HTTP_STATUS`, as the last message of a stream. ``members`` are further ones, as
    ``originalStatusCode``."""
    headers: Headers = {":exception-type": exception, **_JSON, ":message-type": "exception"}
    return encode(Message(dict(headers), msgspec.json.encode({"message": message, **members})))


def encode_error(code: str, message: str) -> bytes:
    """A failure that the operation's model does not list."""
    return encode(Message({":message-type": "error", ":error-code": code, ":error-message": message}))


def invoke_path(model_id: str) -> str:
    """The path of the request that opens a stream."""
    return f"/model/{quote(model_id, safe='-_.~')}/invoke-with-bidirectional-stream"


def model_id_of(path: str) -> str | None:
    """The model that a request's path names; None if it is another operation's. AWS's Python SDK ends it with ``?``."""
    path = path.partition("?")[0]
    begins, ends = "/model/", "/invoke-with-bidirectional-stream"
    if not path.startswith(begins) or not path.endswith(ends) or len(path) <= len(begins) + len(ends):
        return None
    return unquote(path[len(begins) : -len(ends)])


class ServiceException(msgspec.Struct, frozen=True):
    """The service ends the stream: ``exception`` is its name in lower camel case, as a rule one of
    :data:`HTTP_STATUS`."""

    exception: str
    message: str
    original_status: int | None = None
    original_message: str = ""


class ServiceError(msgspec.Struct, frozen=True):
    """The service ends the stream with a failure that the operation does not list."""

    code: str
    message: str


class UnknownMessage(msgspec.Struct, frozen=True):
    """A message of a kind that this version does not know."""

    headers: dict[str, object]
    payload: bytes


Response = bytes | ServiceException | ServiceError | UnknownMessage | Malformed
"""What comes from the service; bytes are an event."""


class ResponseDecoder:
    """The service's side of a stream: fed as bytes come, gives what is complete."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._usual_headers: bytes | None = None
        """Those of the last event: the service's next one has the same, byte for byte."""

    @property
    def waiting_bytes(self) -> int:
        return self._decoder.waiting_bytes

    def feed(self, data: bytes) -> None:
        self._decoder.feed(data)

    def next(self) -> Response | None:
        frame = self._decoder.next_frame()
        if not isinstance(frame, Frame):
            return frame
        if frame.headers == self._usual_headers:
            return _event_in(frame.payload)
        headers = decode_headers(frame.headers)
        if isinstance(headers, Malformed):
            return headers
        if _is_event(headers):
            self._usual_headers = frame.headers
            return _event_in(frame.payload)
        return _failure(headers, frame.payload)


class InputFrame(msgspec.Struct, frozen=True):
    """What a client sent: an event, or None at the end of its input. Where it is signed, ``instant_ms`` and
    ``signature`` are for :class:`~vivavoce.wire.sigv4.EventVerifier`, and ``payload`` is what they sign."""

    event: bytes | None
    instant_ms: int | None = None
    signature: bytes = b""
    payload: bytes = b""


class RequestDecoder:
    """A client's side of a stream, signed or plain: fed as bytes come, gives what is complete."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._usual_headers: bytes | None = None

    @property
    def waiting_bytes(self) -> int:
        return self._decoder.waiting_bytes

    def feed(self, data: bytes) -> None:
        self._decoder.feed(data)

    def next(self) -> InputFrame | Malformed | None:
        frame = self._decoder.next_frame()
        if not isinstance(frame, Frame):
            return frame
        signed = _signature_in(frame.headers)
        if isinstance(signed, Malformed):
            return signed
        if signed is None:
            event = self._event(frame) if frame.headers or frame.payload else None
            return event if isinstance(event, Malformed) else InputFrame(event)
        instant_ms, signature = signed
        if not frame.payload:
            return InputFrame(None, instant_ms, signature)
        inner = decode_frame(frame.payload)
        event = self._event(inner) if isinstance(inner, Frame) else inner
        return event if isinstance(event, Malformed) else InputFrame(event, instant_ms, signature, frame.payload)

    def _event(self, frame: Frame) -> bytes | Malformed:
        if frame.headers != self._usual_headers:
            headers = decode_headers(frame.headers)
            if isinstance(headers, Malformed):
                return headers
            if not _is_event(headers):
                return Malformed("a message that is no event of the type chunk")
            self._usual_headers = frame.headers
        return _event_in(frame.payload)


def _signature_in(raw: bytes) -> tuple[int, bytes] | Malformed | None:
    """Date and signature of a signed frame's headers; None if the frame is a plain message."""
    prefix_ends = _SIGNATURE_AT + len(SIGNATURE_PREFIX)
    if len(raw) == _SIGNED_BYTES and raw.startswith(DATE_PREFIX) and raw[_SIGNATURE_AT:prefix_ends] == SIGNATURE_PREFIX:
        return int.from_bytes(raw[len(DATE_PREFIX) : _SIGNATURE_AT], "big", signed=True), raw[prefix_ends:]
    if SIGNATURE_HEADER.encode() not in raw:
        return None
    headers = decode_headers(raw)
    if isinstance(headers, Malformed):
        return headers
    match headers.get(DATE_HEADER), headers.get(SIGNATURE_HEADER):
        case Timestamp(ms), bytes(signature):
            return ms, signature
        case _, None:
            return None
    return Malformed("a signed message whose date or signature is of another type")


def _is_event(headers: Headers) -> bool:
    return headers.get(":message-type") == "event" and headers.get(":event-type") == "chunk"


class _Payload(msgspec.Struct):
    bytes: str


def _event_in(payload: bytes) -> bytes | Malformed:
    """The event within a message's payload. Anything but base64 between the usual ends, an escape, another member,
    fails the strict decoder, and JSON has to be read."""
    if len(payload) >= _ENDS_BYTES and payload.startswith(_OPENS) and payload.endswith(_CLOSES):
        try:
            return a2b_base64(payload[len(_OPENS) : -len(_CLOSES)], strict_mode=True)
        except Base64Error:
            pass
    try:
        return a2b_base64(msgspec.json.decode(payload, type=_Payload).bytes, strict_mode=True)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return Malformed("an event whose payload is not JSON with base64 in its member 'bytes'")


class _Failure(msgspec.Struct, rename="camel"):
    message: str = ""
    original_status_code: int | None = None
    original_message: str = ""


def _failure(headers: Headers, payload: bytes) -> ServiceException | ServiceError | UnknownMessage:
    match headers.get(":message-type"):
        case "exception":
            said = _read_failure(payload)
            name = str(headers.get(":exception-type", ""))
            return ServiceException(name, said.message, said.original_status_code, said.original_message)
        case "error":
            return ServiceError(str(headers.get(":error-code", "")), str(headers.get(":error-message", "")))
        case _:
            return UnknownMessage(dict(headers), payload)


def _read_failure(payload: bytes) -> _Failure:
    """What an exception says, whatever it says it in."""
    try:
        return msgspec.json.decode(payload, type=_Failure)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Failure(payload.decode("utf-8", "replace"))
