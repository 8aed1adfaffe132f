"""A WebSocket for uvicorn, whose ``ws=`` takes this class: the ASGI interface, and little between it and the frames.

It costs about half of what uvicorn's own ones do for each message: docs/decisions/0601 has the figures. It speaks no
extensions, so nothing is ever compressed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, cast

from uvicorn import Config
from uvicorn.protocols.utils import ClientDisconnected, get_local_addr, get_remote_addr, is_ssl
from uvicorn.server import ServerState

from vivavoce.engine.clock import loop_time_s
from vivavoce.engine.mistakes import log_mistake
from vivavoce.errors import ProgrammingError
from vivavoce.server.limits import TokenBucket
from vivavoce.server.websocket.handshake import NoUpgrade, Upgrade, accepting, answering, declining, read_upgrade
from vivavoce.server.websocket.heartbeat import Heartbeat
from vivavoce.server.websocket.inbox import Inbox, Message
from vivavoce.server.websocket.output import Output
from vivavoce.wire import websocket as wire
from vivavoce.wire.websocket import ClientFrames, Closing, Dropped, Ping, Pong, Received, Violation

_log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 10.0
"""How long a peer may take to answer our close frame."""
LINGER_S = 2.0
"""How long a peer may take to read our last word when we do not wait for its answer."""
PINGS_PER_S, PINGS_AT_ONCE = 10, 50
"""Pings and pongs that a peer may send. Libraries ping every 20 seconds."""
EARLY_BYTES = 4096
"""What a client may send before it was let in."""
DROPPED_BYTES = "vivavoce.dropped_bytes"
"""In the application's message in place of one that was too large to be kept: how large."""


class Stage(Enum):
    """How far a connection is."""

    ASKED = auto()
    """The application has not said yet whether it takes it."""
    REFUSING = auto()
    """It answers by HTTP instead, and the body is coming."""
    OPEN = auto()
    CLOSING = auto()
    """We will send nothing more, and wait for the peer."""
    CLOSED = auto()


@dataclass(slots=True)
class _Asked:
    """The request, and what the application answers instead of taking it."""

    key: bytes = b""
    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""


class WebSocket(asyncio.Protocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._config = config
        self._server = server_state
        self._app_state = app_state
        self._frames = ClientFrames(EARLY_BYTES)
        self._inbox = Inbox()
        self._output = Output()
        self._stage = Stage.ASKED
        self._asked = _Asked()
        self._reading = True
        self._heartbeat: Heartbeat | None = None
        self._pings = TokenBucket(PINGS_PER_S, PINGS_AT_ONCE)

    # What the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._server.connections.add(cast("Any", self))
        self._output.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if not self._asked.key:
            if self._stage is Stage.ASKED:
                self._begin(data)  # uvicorn hands the request on in one piece
            return
        for received in self._frames.feed(data):
            if type(received) is str:  # nearly always
                self._inbox.put({"type": "websocket.receive", "text": received}, len(received))
            else:
                self._take(received)
        if self._reading and self._inbox.full:
            self._reading = False
            self._output.transport.pause_reading()

    def eof_received(self) -> None:
        """Let the transport close."""

    def pause_writing(self) -> None:
        self._output.pause()

    def resume_writing(self) -> None:
        self._output.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._stage = Stage.CLOSED
        self._server.connections.discard(cast("Any", self))
        self._inbox.end({"type": "websocket.disconnect", "code": wire.ABNORMAL})
        self._stop_heartbeat()
        self._output.lost()

    # What uvicorn calls

    def shutdown(self) -> None:
        """The server ends."""
        if self._stage is Stage.OPEN:
            self._close(wire.RESTARTING, "")
        elif self._stage is Stage.ASKED:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, [], b"")

    # What the peer does

    def _begin(self, request: bytes) -> None:
        upgrade = read_upgrade(request)
        if isinstance(upgrade, NoUpgrade):
            self._stage = Stage.CLOSING
            self._output.finish(declining(upgrade, self._server.default_headers), LINGER_S)
            return
        self._asked.key = upgrade.key
        self._inbox.put({"type": "websocket.connect"}, 0)
        task = asyncio.get_running_loop().create_task(self._run(self._scope(upgrade)))
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    def _scope(self, upgrade: Upgrade) -> dict[str, Any]:
        root_path, transport = self._config.root_path, self._output.transport
        return {
            "type": "websocket",
            "asgi": {"version": self._config.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "wss" if is_ssl(transport) else "ws",
            "server": get_local_addr(transport),
            "client": get_remote_addr(transport),
            "root_path": root_path,
            "path": root_path + upgrade.path,
            "raw_path": root_path.encode("ascii") + upgrade.raw_path,
            "query_string": upgrade.query,
            "headers": upgrade.headers,
            "subprotocols": upgrade.subprotocols,
            "state": self._app_state.copy(),
            "extensions": {"websocket.http.response": {}},
        }

    def _take(self, received: Received) -> None:
        """All but text."""
        match received:
            case bytes():
                self._inbox.put({"type": "websocket.receive", "bytes": received}, len(received))
            case Dropped(size):
                self._inbox.put({"type": "websocket.receive", "text": "", DROPPED_BYTES: size}, 0)
            case Ping() | Pong():
                self._take_ping(received)
            case Closing(code, reason):
                self._peer_closes(code, reason)
            case Violation(code, why):
                self._fail(code, why)

    def _take_ping(self, received: Ping | Pong) -> None:
        if self._stage is not Stage.OPEN:
            return
        if not self._pings.take(1, loop_time_s()):
            self._fail(wire.AGAINST_POLICY, "more pings than are answered here")
        elif isinstance(received, Ping):
            if self._output.room:  # a peer that reads no pongs gets none
                self._output.transport.write(wire.encode_pong(received.payload))
        elif self._heartbeat is not None:
            self._heartbeat.pong(received.payload)

    def _peer_closes(self, code: int, reason: str) -> None:
        self._inbox.end({"type": "websocket.disconnect", "code": code, "reason": reason})
        self._output.finish(wire.encode_close(code) if self._stage is Stage.OPEN else b"", LINGER_S)
        self._stage = Stage.CLOSING
        self._stop_heartbeat()

    def _fail(self, code: int, why: str) -> None:
        """Closes without waiting for an answer: what the peer sends is not read any more."""
        self._frames.stop()
        self._inbox.end({"type": "websocket.disconnect", "code": code, "reason": why})
        if self._stage is Stage.OPEN:
            self._output.linger(wire.encode_close(code, why), LINGER_S)
        else:
            self._output.transport.abort()
        self._stage = Stage.CLOSING
        self._stop_heartbeat()

    # What the application does

    async def _run(self, scope: dict[str, Any]) -> None:
        code = wire.NORMAL
        try:
            application = cast("Callable[..., Awaitable[None]]", self._config.loaded_app)
            await application(scope, self._receive, self._send)
        except ClientDisconnected:
            pass
        except asyncio.CancelledError:
            code = wire.RESTARTING
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the peer is told and the other connections go on
            log_mistake(_log, "the application of a WebSocket failed", error)
            code = wire.INTERNAL_ERROR
        finally:
            if self._stage in (Stage.ASKED, Stage.REFUSING):
                self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, [], b"")
            elif self._stage is Stage.OPEN:
                self._close(code, "")

    async def _receive(self) -> Message:
        message = await self._inbox.get()
        if not self._reading and self._inbox.empty:
            self._reading = True
            self._output.transport.resume_reading()
        return message

    async def _send(self, message: Message) -> None:
        if not self._output.room:
            await self._output.wait()
        if self._stage is Stage.OPEN and message["type"] == "websocket.send":
            text = message.get("text")
            self._output.transport.write(
                wire.encode_text(text) if text is not None else wire.encode_binary(message["bytes"])
            )
            return
        if self._stage in (Stage.CLOSING, Stage.CLOSED):
            raise ClientDisconnected
        self._answer_with(message)

    def _answer_with(self, message: Message) -> None:
        match self._stage, message["type"]:
            case Stage.ASKED, "websocket.accept":
                self._accept(message.get("subprotocol"), message.get("headers", ()))
            case Stage.ASKED, "websocket.close":
                self._refuse(HTTPStatus.FORBIDDEN, [], b"")
            case Stage.ASKED, "websocket.http.response.start":
                self._stage = Stage.REFUSING
                self._asked.status, self._asked.headers = message["status"], list(message.get("headers", ()))
            case Stage.REFUSING, "websocket.http.response.body":
                self._asked.body += message.get("body", b"")
                if not message.get("more_body", False):
                    self._refuse(self._asked.status, self._asked.headers, self._asked.body)
            case Stage.OPEN, "websocket.close":
                self._close(message.get("code", wire.NORMAL), message.get("reason") or "")
            case stage, kind:
                raise ProgrammingError(f"an application sent {kind!r} to a WebSocket that is {stage.name}")

    def _accept(self, subprotocol: str | None, headers: Any) -> None:
        self._stage = Stage.OPEN
        self._frames.max_bytes = self._config.ws_max_size
        self._output.transport.write(accepting(self._asked.key, subprotocol, headers))
        interval_s, timeout_s = self._config.ws_ping_interval, self._config.ws_ping_timeout
        if interval_s and timeout_s:
            loop = asyncio.get_running_loop()
            self._heartbeat = Heartbeat(loop, interval_s, timeout_s, self._ping, self._no_pong)

    def _refuse(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self._stage = Stage.CLOSING
        self._inbox.end({"type": "websocket.disconnect", "code": wire.ABNORMAL}, forget=True)
        told = answering(status, [*self._server.default_headers, *headers], body)
        self._output.finish(told, LINGER_S)

    def _close(self, code: int, reason: str) -> None:
        """Closes and waits for the peer's answer. Nothing more of it is taken."""
        self._stage = Stage.CLOSING
        self._stop_heartbeat()
        self._inbox.end({"type": "websocket.disconnect", "code": code, "reason": reason}, forget=True)
        if not self._reading:
            self._reading = True
            self._output.transport.resume_reading()
        self._output.transport.write(wire.encode_close(code, reason))
        self._output.end_within(CLOSE_TIMEOUT_S)

    def _ping(self, payload: bytes) -> None:
        self._output.transport.write(wire.encode_ping(payload))

    def _no_pong(self) -> None:
        self._fail(wire.INTERNAL_ERROR, "no answer to a ping")

    def _stop_heartbeat(self) -> None:
        if self._heartbeat is not None:
            self._heartbeat.stop()
