"""A WebSocket client that costs as little as Python allows, for load generators: frames of text out and in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

try:
    from websockets.speedups import apply_mask
except ImportError:
    from websockets.utils import apply_mask

_MASK = b"\x37\xfa\x21\x3d"
TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A


def frame(payload: bytes, first: int = TEXT) -> bytes:
    """One masked frame. The mask is no secret here, so it is always the same."""
    size = len(payload)
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((first, 0xFE)) + size.to_bytes(2)
    else:
        head = bytes((first, 0xFF)) + size.to_bytes(8)
    return head + _MASK + apply_mask(payload, _MASK)


class Socket(asyncio.Protocol):
    """One connection. ``status`` resolves to what the server answered; ``closed`` to its close code, 1006 if it gave
    none. What it sends goes to ``on_text``."""

    transport: asyncio.Transport

    def __init__(self, target: str, headers: dict[str, str], on_text: Callable[[bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        self.status: asyncio.Future[int] = loop.create_future()
        self.closed: asyncio.Future[int] = loop.create_future()
        self.answer = b""
        self._on_text = on_text
        self._buffer = b""
        lines = {"Host": "127.0.0.1", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        lines |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", **headers}
        told = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._request = f"GET {target} HTTP/1.1\r\n{told}\r\n".encode()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._request)

    def send(self, payload: bytes, first: int = TEXT) -> None:
        self.transport.write(frame(payload, first))

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        at = 0
        if not self.status.done():
            head, blank, _ = data.partition(b"\r\n\r\n")
            if not blank:
                self._buffer = data
                return
            self.answer = data
            self.status.set_result(int(head.split(b" ", 2)[1]))
            at = len(head) + 4
            if self.status.result() != 101:
                return
        self._buffer = data[self._frames(data, at) :]

    def _frames(self, data: bytes, at: int) -> int:
        """Takes what is whole; returns where the rest begins."""
        end = len(data)
        while end - at >= 2:
            size, begin = data[at + 1], at + 2
            if size > 125:
                wide = 2 if size == 126 else 8
                size, begin = int.from_bytes(data[begin : begin + wide]), begin + wide
            if begin + size > end:
                break
            self._take(data[at], data[begin : begin + size])
            at = begin + size
        return at

    def _take(self, first: int, payload: bytes) -> None:
        if first == TEXT:
            self._on_text(payload)
        elif first == PING:
            self.send(payload, PONG)
        elif first == CLOSE and not self.closed.done():
            self.closed.set_result(int.from_bytes(payload[:2]) if payload else 1005)
            if not self.transport.is_closing():
                self.send(payload[:2], CLOSE)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if not self.status.done():
            self.status.set_result(0)
        if not self.closed.done():
            self.closed.set_result(1006)


async def connect(
    port: int, target: str, headers: dict[str, str] | None = None, on_text: Callable[[bytes], None] = lambda _: None
) -> Socket:
    """Returns when the server has answered, whatever it answered."""
    loop = asyncio.get_running_loop()
    _, socket = await loop.create_connection(lambda: Socket(target, headers or {}, on_text), "127.0.0.1", port)
    await socket.status
    return socket
