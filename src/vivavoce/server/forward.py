"""A request or a WebSocket passed on to another process over a unix socket, and its answer passed back as it comes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httptools
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from vivavoce.errors import Refused
from vivavoce.server.access import vouch
from vivavoce.server.refusals import refusal
from vivavoce.server.waiting import cancelling

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

_HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"transfer-encoding", b"te", b"trailer", b"upgrade", b"expect", b"content-length")
)
_CHUNK_BYTES = 65_536
_REFUSED = 400
FETCH_S = 2.0


async def forward(scope: Scope, receive: Receive, send: Send, path: Path) -> None:
    """``path`` is the socket of the process that has what is asked for."""
    if scope["type"] == "websocket":
        await _forward_socket(WebSocket(scope, receive, send), path)
    else:
        await _forward_request(Request(scope, receive), send, path)


async def fetched(path: Path, address: str, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """The body of another process's answer to a GET; empty if it has none to give within :data:`FETCH_S`."""
    received: list[Message] = []
    scope = {"type": "http", "method": "GET", "path": address, "raw_path": address.encode(), "headers": headers}
    messages: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else await asyncio.Future()

    async def keep(message: Message) -> None:
        received.append(message)

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FETCH_S):
            await _forward_request(Request({**scope, "query_string": b""}, receive), keep, path)
    good = bool(received) and received[0].get("status") == 200
    return b"".join(message.get("body", b"") for message in received) if good else b""


async def _forward_request(request: Request, send: Send, path: Path) -> None:
    try:
        body = await request.body()
        reader, writer = await asyncio.open_unix_connection(path)
    except ClientDisconnect:
        return
    except Refused as refused:
        await refusal(refused)(request.scope, request.receive, send)
        return
    except OSError:
        await _gone()(request.scope, request.receive, send)
        return
    try:
        writer.write(_head(request, len(body)) + body)
        async with cancelling(_close_when_gone(request, writer)):
            await _pass_back(reader, send, request)
    finally:
        writer.close()


def _head(request: Request, body_bytes: int) -> bytes:
    scope = request.scope
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    lines = [b"%s %s%s HTTP/1.1" % (request.method.encode(), scope["raw_path"], query)]
    lines += [b"%s: %s" % (name, value) for name, value in scope["headers"] if name not in _HOP_BY_HOP]
    lines += [b"connection: close", b"content-length: %d" % body_bytes, b"", b""]
    return b"\r\n".join(lines)


async def _close_when_gone(request: Request, writer: asyncio.StreamWriter) -> None:
    """A client that leaves a stream ends it at its source."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    writer.close()


async def _pass_back(reader: asyncio.StreamReader, send: Send, request: Request) -> None:
    answer = _Answer()
    make_parser: Any = httptools.HttpResponseParser  # it has no types
    parser = make_parser(answer)
    answer.status = parser.get_status_code
    with contextlib.suppress(ConnectionError, httptools.HttpParserError):
        while not answer.complete and (data := await reader.read(_CHUNK_BYTES)):
            parser.feed_data(data)
            if answer.started and answer.status() < _REFUSED:
                vouch(request)  # the other one let it in
            for message in answer.taken():
                await send(message)
    if not answer.started:
        await send({"type": "http.response.start", "status": 502, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Answer:
    """What the parser calls, as ASGI's messages."""

    def __init__(self) -> None:
        self.status: Callable[[], int] = lambda: 502
        self.started = False
        self.complete = False
        self._headers: list[tuple[bytes, bytes]] = []
        self._messages: list[Message] = []

    def taken(self) -> list[Message]:
        messages, self._messages = self._messages, []
        return messages

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"content-length" or (name not in _HOP_BY_HOP and name != b"date"):
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.started = True
        self._messages.append({"type": "http.response.start", "status": self.status(), "headers": self._headers})

    def on_body(self, body: bytes) -> None:
        self._messages.append({"type": "http.response.body", "body": body, "more_body": True})

    def on_message_complete(self) -> None:
        self.complete = True


async def _forward_socket(outer: WebSocket, path: Path) -> None:
    from websockets.asyncio.client import unix_connect
    from websockets.exceptions import InvalidStatus, InvalidURI, WebSocketException
    from websockets.typing import Subprotocol

    await outer.receive()  # that it wants to connect
    offers = [Subprotocol(offer) for offer in outer.scope.get("subprotocols", ())]
    query = f"?{outer.url.query}" if outer.url.query else ""
    uri = f"ws://{outer.headers.get('host', 'localhost')}{outer.scope['raw_path'].decode('latin-1')}{query}"
    try:
        async with unix_connect(
            str(path),
            uri,
            additional_headers=_socket_headers(outer),
            subprotocols=offers or None,
            compression=None,
            max_size=None,
            ping_interval=None,
            user_agent_header=None,
        ) as inner:
            vouch(outer)  # the other one let it in
            await outer.accept(inner.subprotocol)
            async with asyncio.TaskGroup() as both:
                both.create_task(_inwards(outer, inner))
                both.create_task(_outwards(outer, inner))
    except InvalidStatus as refused:
        kept = {
            name: value
            for name, value in refused.response.headers.raw_items()
            if name.lower() in ("content-type", "retry-after", "www-authenticate")
        }
        await outer.send_denial_response(
            Response(bytes(refused.response.body or b""), refused.response.status_code, kept)
        )
    except (InvalidURI, WebSocketException, OSError):
        await outer.send_denial_response(_gone())


async def _inwards(outer: WebSocket, inner: ClientConnection) -> None:
    from websockets.exceptions import ConnectionClosed

    while True:
        message = await outer.receive()
        if message["type"] == "websocket.disconnect":
            await inner.close(_sendable(message.get("code", 1005)))
            return
        with contextlib.suppress(ConnectionClosed):  # then the other direction closes this one
            text = message.get("text")
            await inner.send(message["bytes"] if text is None else text)


async def _outwards(outer: WebSocket, inner: ClientConnection) -> None:
    from websockets.exceptions import ConnectionClosed

    with contextlib.suppress(ConnectionClosed, WebSocketDisconnect):
        async for data in inner:
            await (outer.send_text(data) if isinstance(data, str) else outer.send_bytes(data))
    if outer.client_state is WebSocketState.CONNECTED:
        with contextlib.suppress(WebSocketDisconnect):
            await outer.close(_sendable(inner.close_code or 1006), inner.close_reason or "")


def _sendable(code: int) -> int:
    """RFC 6455 section 7.4.1: some codes say how a connection ended and are never sent."""
    return {1005: 1000, 1006: 1011, 1015: 1011}.get(code, code)


def _socket_headers(outer: WebSocket) -> list[tuple[str, str]]:
    own = ("host", "connection", "upgrade", "user-agent")
    sent = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in outer.scope["headers"])
    return [(name, value) for name, value in sent if name not in own and not name.startswith("sec-websocket-")]


def _gone() -> Response:
    return refusal(Refused("this call is over", status=404, code="call_id_not_found"))
