"""A WebSocket without a network: what the protocol writes is kept, what the peer sends is handed to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from uvicorn import Config
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode

from vivavoce.server.websocket.protocol import WebSocket

Application = Callable[[Any, Any, Any], Awaitable[None]]
REQUEST = (
    b"GET /v1/realtime?model=a%20b HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.ek_1\r\n\r\n"
)


class FakeTransport(asyncio.Transport):
    """Flushes at once unless ``stuck``."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.reading = True
        self.stuck = False
        self.half_closed = False
        self.ended = ""
        self.protocol: asyncio.Protocol | None = None

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("192.0.2.1", 5), "sockname": ("192.0.2.2", 80)}.get(name, default)

    def write(self, data: Any) -> None:
        assert not self.half_closed
        self.written += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.half_closed = True

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    def is_closing(self) -> bool:
        return bool(self.ended)

    def close(self) -> None:
        if not self.stuck and not self.ended:
            self.ended = "closed"
            self._lose()

    def abort(self) -> None:
        if not self.ended:
            self.ended = "aborted"
            self._lose()

    def _lose(self) -> None:
        assert self.protocol is not None
        asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)


class Line:
    """One connection to ``app``."""

    def __init__(self, app: Application, request: bytes = REQUEST, **settings: Any) -> None:
        config = Config(cast("Any", app), ws=WebSocket, lifespan="off", log_config=None, **settings)
        config.load()
        self.state = ServerState()
        self.transport = FakeTransport()
        self.protocol = WebSocket(config, self.state, {})
        self.transport.protocol = self.protocol
        self.protocol.connection_made(self.transport)
        self.protocol.data_received(request)

    def send(self, message: str | bytes, opcode: Opcode | None = None) -> None:
        payload = message.encode() if isinstance(message, str) else message
        kind = opcode or (Opcode.TEXT if isinstance(message, str) else Opcode.BINARY)
        self.raw(Frame(kind, payload).serialize(mask=True))

    def raw(self, data: bytes) -> None:
        self.protocol.data_received(data)

    def ended(self) -> str:
        """How the connection ended; empty while it lasts."""
        return self.transport.ended

    def reading(self) -> bool:
        return self.transport.reading

    def take(self) -> bytes:
        """What was written since."""
        written, self.transport.written = self.transport.written, b""
        return written


async def settle() -> None:
    """Let everything that can go on, go on."""
    for _ in range(10):
        await asyncio.sleep(0)
