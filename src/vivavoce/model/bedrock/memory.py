"""A connection without a socket: two protocols joined in one process, in bytes, for tests and for virtual time.

What one side writes reaches the other in a later turn of the loop, in order. A :class:`Link` can be stalled, as a
network is that swallows everything without a word, and cut, as by a reset.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

_HIGH_WATER_BYTES = 64 * 1024
_LOW_WATER_BYTES = 16 * 1024


class _Pipe:
    """One direction: what is written and has not arrived. None stands for the end."""

    def __init__(self, delay_s: float) -> None:
        self.waiting: deque[bytes | None] = deque()
        self.size = 0
        self._delay_s = delay_s
        self._due = 0
        self.stalled = False
        self.reader: MemoryTransport | None = None

    def put(self, data: bytes | None) -> None:
        self.waiting.append(data)
        self.size += len(data or b"")
        loop = asyncio.get_running_loop()
        if self._delay_s:
            loop.call_later(self._delay_s, self._arrive)
        else:
            loop.call_soon(self._arrive)

    def _arrive(self) -> None:
        self._due += 1
        self.pump()

    def pump(self) -> None:
        """Hand over what is due, as long as the reader takes it."""
        while self._due and self.waiting and not self.stalled and self.reader is not None and self.reader.is_reading():
            self._due -= 1
            data = self.waiting.popleft()
            self.size -= len(data or b"")
            self.reader.arrived(data)

    def clear(self) -> None:
        self.waiting.clear()
        self.size = self._due = 0


class MemoryTransport(asyncio.Transport):
    """One end of a :class:`Link`."""

    def __init__(self, protocol: asyncio.BaseProtocol, outgoing: _Pipe, incoming: _Pipe, extra: dict[str, Any]) -> None:
        super().__init__(extra)
        self.peer: MemoryTransport | None = None
        self._protocol = protocol
        self._outgoing = outgoing
        self._incoming = incoming
        self._reading = True
        self._closing = False
        self._lost = False
        self._ended = False
        self._told_to_pause = False
        incoming.reader = self

    # What a protocol calls.

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def is_closing(self) -> bool:
        return self._closing

    def is_reading(self) -> bool:
        return self._reading and not self._lost

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        if not self._lost:
            asyncio.get_running_loop().call_soon(self._incoming.pump)

    def get_write_buffer_size(self) -> int:
        return self._outgoing.size

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return _LOW_WATER_BYTES, _HIGH_WATER_BYTES

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """The limits stay as they are."""

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if self._closing or self._ended or not data:
            return
        self._outgoing.put(bytes(data))
        if self._outgoing.size > _HIGH_WATER_BYTES and not self._told_to_pause:
            self._told_to_pause = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        if not self._ended and not self._closing:
            self._ended = True
            self._outgoing.put(None)

    def close(self) -> None:
        """What was written still arrives, and then the end."""
        if self._closing:
            return
        self.write_eof()
        self._closing = True
        asyncio.get_running_loop().call_soon(self._lose, None)

    def abort(self) -> None:
        """What was written and has not arrived is gone; the other side sees a reset."""
        if self._lost:
            return
        self._closing = True
        self._outgoing.clear()
        loop = asyncio.get_running_loop()
        loop.call_soon(self._lose, None)
        if self.peer is not None and not self._outgoing.stalled:
            loop.call_soon(self.peer.reset)

    # What the link calls.

    def arrived(self, data: bytes | None) -> None:
        if self._lost:
            return
        protocol = self._protocol
        assert isinstance(protocol, asyncio.Protocol | asyncio.BufferedProtocol)
        if data is not None:
            _feed(protocol, data)
            if self.peer is not None:
                self.peer.drained()
        elif not protocol.eof_received():
            self.close()

    def drained(self) -> None:
        if self._told_to_pause and self._outgoing.size <= _LOW_WATER_BYTES and not self._lost:
            self._told_to_pause = False
            self._protocol.resume_writing()

    def reset(self) -> None:
        self._closing = True
        self._lose(ConnectionResetError("the connection was reset"))

    def _lose(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = True
            self._protocol.connection_lost(error)


def _feed(protocol: asyncio.Protocol | asyncio.BufferedProtocol, data: bytes) -> None:
    if isinstance(protocol, asyncio.Protocol):
        protocol.data_received(data)
        return
    while data:
        buffer = memoryview(protocol.get_buffer(len(data)))
        size = min(len(buffer), len(data))
        buffer[:size] = data[:size]
        protocol.buffer_updated(size)
        data = data[size:]


class Link:
    """Two joined ends. ``delay_s`` is the way from one to the other."""

    def __init__(self, client: asyncio.BaseProtocol, server: asyncio.BaseProtocol, *, delay_s: float = 0.0) -> None:
        self._up, self._down = _Pipe(delay_s), _Pipe(delay_s)
        self.client = MemoryTransport(client, self._up, self._down, {"peername": ("memory", 0), "memory": "client"})
        self.server = MemoryTransport(server, self._down, self._up, {"peername": ("memory", 0), "memory": "server"})
        self.client.peer, self.server.peer = self.server, self.client
        server.connection_made(self.server)
        client.connection_made(self.client)

    def stall(self, *, up: bool = True, down: bool = True) -> None:
        """From now on nothing arrives, and neither side is told."""
        self._up.stalled, self._down.stalled = up, down

    def resume(self) -> None:
        """What was held arrives after all."""
        self.stall(up=False, down=False)
        self._up.pump()
        self._down.pump()

    def cut(self) -> None:
        """Both sides see a reset."""
        self._up.clear()
        self._down.clear()
        self.client.reset()
        self.server.reset()


class MemoryNetwork:
    """A server that is reached without a socket: each :meth:`connect` joins a client to a protocol of its own."""

    def __init__(self, make_server: Callable[[], asyncio.BaseProtocol], *, delay_s: float = 0.0) -> None:
        self.links: list[Link] = []
        self._make_server = make_server
        self._delay_s = delay_s

    async def connect(self, make_client: Callable[[], asyncio.BaseProtocol]) -> asyncio.Transport:
        await asyncio.sleep(self._delay_s)
        link = Link(make_client(), self._make_server(), delay_s=self._delay_s)
        self.links.append(link)
        return link.client
