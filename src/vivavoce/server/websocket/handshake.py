"""The opening handshake of a WebSocket, RFC 6455 section 4: the request is read, the answers written. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

import httptools

Headers = Iterable[tuple[bytes, bytes]]

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_VERSION: Final = b"13"
_KEY_BYTES: Final = 16


@dataclass(slots=True)
class Upgrade:
    """A request to upgrade. ``raw_path`` and ``query`` are as they came; names of headers are in lower case."""

    raw_path: bytes = b""
    query: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    key: bytes = b""

    @property
    def path(self) -> str:
        return unquote(self.raw_path.decode("ascii"))

    @property
    def subprotocols(self) -> list[str]:
        offered = b",".join(value for name, value in self.headers if name == b"sec-websocket-protocol")
        return [token for part in offered.decode("latin-1").split(",") if (token := part.strip())]

    def value(self, name: bytes) -> bytes:
        """Of a header that comes once; empty if it does not."""
        values = [value for found, value in self.headers if found == name]
        return values[0] if len(values) == 1 else b""


@dataclass(frozen=True, slots=True)
class NoUpgrade:
    """A request that is none, and how it is answered."""

    status: HTTPStatus
    why: str


class _Reading:
    """What httptools calls while it parses."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))


def read_upgrade(request: bytes) -> Upgrade | NoUpgrade:
    """``request`` is one whole request without a body."""
    reading = _Reading()
    parser = httptools.HttpRequestParser(reading)
    try:
        parser.feed_data(request)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError:
        return NoUpgrade(HTTPStatus.BAD_REQUEST, "this is no HTTP request")
    try:
        url = httptools.parse_url(reading.url)
    except httptools.HttpParserError:
        return NoUpgrade(HTTPStatus.BAD_REQUEST, "this request has no usable path")
    upgrade = Upgrade(url.path or b"/", url.query or b"", reading.headers)
    if parser.get_method() != b"GET":
        return NoUpgrade(HTTPStatus.METHOD_NOT_ALLOWED, "a WebSocket is asked for with GET")
    if upgrade.value(b"sec-websocket-version") != _VERSION:
        return NoUpgrade(HTTPStatus.UPGRADE_REQUIRED, "this server speaks version 13 of WebSocket")
    upgrade.key = upgrade.value(b"sec-websocket-key")
    if not _is_key(upgrade.key):
        return NoUpgrade(HTTPStatus.BAD_REQUEST, "the header Sec-WebSocket-Key is missing or no key")
    return upgrade


def _is_key(key: bytes) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == _KEY_BYTES
    except binascii.Error:
        return False


def accepting(key: bytes, subprotocol: str | None, headers: Headers) -> bytes:
    """The answer that opens the socket."""
    accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    lines = [(b"upgrade", b"websocket"), (b"connection", b"Upgrade"), (b"sec-websocket-accept", accept)]
    if subprotocol is not None:
        lines.append((b"sec-websocket-protocol", subprotocol.encode("latin-1")))
    return _head(HTTPStatus.SWITCHING_PROTOCOLS, [*lines, *headers])


def answering(status: int, headers: Headers, body: bytes) -> bytes:
    """An answer instead of a socket; the connection ends with it."""
    lines = [(name.lower(), value) for name, value in headers]
    lines = [(name, value) for name, value in lines if name not in (b"connection", b"content-length")]
    length = str(len(body)).encode()
    return _head(status, [*lines, (b"content-length", length), (b"connection", b"close")]) + body


def declining(refusal: NoUpgrade, headers: Headers) -> bytes:
    """The answer to what is no request for a socket."""
    more = [(b"sec-websocket-version", _VERSION)] if refusal.status == HTTPStatus.UPGRADE_REQUIRED else []
    told = (b"content-type", b"text/plain; charset=utf-8")
    return answering(refusal.status, [*headers, *more, told], refusal.why.encode() + b"\n")


def _head(status: int, headers: Headers) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    lines = [f"HTTP/1.1 {int(status)} {phrase}".encode(), *(name + b": " + value for name, value in headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n"
