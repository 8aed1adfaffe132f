"""Uvicorn's HTTP behind the gate, on a transport in memory and in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from vivavoce.engine.clock import run
from vivavoce.server.gate import Gate, GuardedHttp
from vivavoce.server.metrics import Metrics
from vivavoce.server.settings import Limits

GET = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
UPGRADE = (
    b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Wire(asyncio.Transport):
    """What the server writes is in ``written``."""

    def __init__(self, address: str = "192.0.2.1") -> None:
        super().__init__({"peername": (address, 50000), "sockname": ("192.0.2.9", 8000)})
        self.written = b""
        self.closing = False
        self.protocol: asyncio.BaseProtocol | None = None

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    abort = close

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    @property
    def status(self) -> str:
        return self.written.partition(b"\r\n")[0].decode()


class Entrance:
    """A gate and the application behind it."""

    def __init__(self, limits: Limits, *, vouches: bool) -> None:
        self.metrics = Metrics()
        self.reached = 0
        self._vouches = vouches
        self._gate = Gate(limits, self.metrics)
        self._config = uvicorn.Config(
            self._app,
            interface="asgi3",
            http=GuardedHttp,
            ws="websockets-sansio",
            lifespan="off",
            log_config=None,
            access_log=False,
        )
        self._config.load()
        self._state = ServerState()

    def connect(self, address: str = "192.0.2.1") -> tuple[GuardedHttp, Wire]:
        wire = Wire(address)
        protocol = GuardedHttp(self._gate, self._config, self._state)
        protocol.connection_made(wire)
        return protocol, wire

    @property
    def refused(self) -> dict[str, int]:
        return {dict(sample.labels)["reason"]: int(sample.value) for sample in self.metrics.samples()}

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.reached += 1
        if self._vouches:
            scope["state"]["arrival"].vouch()
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await receive()
            return
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


def at_the_gate(use: Callable[[Entrance], Awaitable[None]], *, vouches: bool = False, **limits: Any) -> Entrance:
    async def main() -> Entrance:
        entrance = Entrance(Limits(**limits), vouches=vouches)
        await use(entrance)
        return entrance

    return run(main(), virtual=True)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HT",
        GET[:-2],
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n1234",
    ],
    ids=["nothing", "half a line", "half a head", "half a body"],
)
def test_whoever_sends_no_whole_request_is_closed(sent: bytes) -> None:
    async def use(entrance: Entrance) -> None:
        protocol, wire = entrance.connect()
        if sent:
            protocol.data_received(sent)
        seen = []
        for pause_s in (2.9, 0.2):
            await asyncio.sleep(pause_s)
            seen.append(wire.closing)
        assert seen == [False, True]
        assert b"408 Request Timeout" in wire.written

    assert at_the_gate(use, handshake_s=3.0).refused == {"handshake_timeout": 1}


def test_a_second_request_is_waited_for_as_the_first_is() -> None:
    async def use(entrance: Entrance) -> None:
        protocol, wire = entrance.connect()
        await asyncio.sleep(2)
        protocol.data_received(GET)
        await asyncio.sleep(2)
        protocol.data_received(GET[:5])
        await asyncio.sleep(2.9)
        assert (wire.status, wire.closing) == ("HTTP/1.1 200 OK", False)
        await asyncio.sleep(0.2)
        assert wire.closing

    assert at_the_gate(use, handshake_s=3.0).reached == 1


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"y" * 5000 + b"\r\n\r\n",
        b"GET /" + b"y" * 5000 + b" HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"x%d: y\r\n" % number for number in range(1000)) + b"\r\n",
        b"GET / HTTP/1.1\r\nx: " + b"y" * 9000,
        UPGRADE[:-2] + b"x: " + b"y" * 5000 + b"\r\n\r\n",
    ],
    ids=["a line", "a path", "many", "endless", "an upgrade"],
)
def test_a_head_is_bounded(head: bytes) -> None:
    async def use(entrance: Entrance) -> None:
        protocol, wire = entrance.connect()
        for start in range(0, len(head), 3000):
            protocol.data_received(head[start : start + 3000])
        await asyncio.sleep(0.1)
        assert (wire.status, wire.closing) == ("HTTP/1.1 431 Request Header Fields Too Large", True)

    entrance = at_the_gate(use, header_bytes=4096)
    assert entrance.refused == {"head_too_large": 1}
    assert entrance.reached == 0


def test_a_long_body_is_no_head() -> None:
    async def use(entrance: Entrance) -> None:
        protocol, wire = entrance.connect()
        protocol.data_received(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9000\r\n\r\n" + b"x" * 9000)
        await asyncio.sleep(0.1)
        assert wire.status == "HTTP/1.1 200 OK"

    at_the_gate(use, header_bytes=4096)


def test_few_may_stay_of_whom_nothing_is_known() -> None:
    async def use(entrance: Entrance) -> None:
        wires = [entrance.connect()[1] for _ in range(4)]
        assert [wire.closing for wire in wires] == [False, False, False, True]
        assert wires[3].status == "HTTP/1.1 503 Service Unavailable"
        wires[0].close()
        assert not entrance.connect()[1].closing

    assert at_the_gate(use, unauthenticated_connections=3).refused == {"too_many_unauthenticated": 1}


def test_whoever_has_shown_a_key_no_longer_counts() -> None:
    async def use(entrance: Entrance) -> None:
        for sent in (GET, UPGRADE, GET, UPGRADE):
            protocol, wire = entrance.connect()
            protocol.data_received(sent)
            await asyncio.sleep(0.01)
            assert not wire.closing

    assert at_the_gate(use, vouches=True, unauthenticated_connections=1).refused == {}


def test_an_address_may_connect_so_often_and_others_do_not_suffer() -> None:
    async def use(entrance: Entrance) -> None:
        wires = [entrance.connect()[1] for _ in range(5)]
        assert [wire.closing for wire in wires] == [False] * 4 + [True]
        assert wires[4].status == "HTTP/1.1 429 Too Many Requests"
        assert not entrance.connect("192.0.2.2")[1].closing
        await asyncio.sleep(0.5)
        assert not entrance.connect()[1].closing

    assert at_the_gate(use, connections_per_address=2).refused == {"address_rate": 1}


def test_a_websocket_is_not_hurried_once_it_is_open() -> None:
    async def use(entrance: Entrance) -> None:
        protocol, wire = entrance.connect()
        protocol.data_received(UPGRADE)
        await asyncio.sleep(5)
        assert (wire.status, wire.closing) == ("HTTP/1.1 101 Switching Protocols", False)

    at_the_gate(use, handshake_s=1.0)
