"""A WebSocket under uvicorn's interface: the handshake, messages, and every way it can end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from uvicorn.protocols.utils import ClientDisconnected
from websockets.frames import Frame, Opcode

from tests.unit.server.websocket.line import REQUEST, Application, Line, settle
from vivavoce.engine.clock import run
from vivavoce.server.websocket.protocol import CLOSE_TIMEOUT_S, LINGER_S, PINGS_AT_ONCE, PINGS_PER_S

ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, section 1.3


class Guest:
    """An application that accepts and writes down what it is told."""

    def __init__(self, then: Callable[[Any], Awaitable[None]] | None = None) -> None:
        self.scope: dict[str, Any] = {}
        self.told: list[Any] = []
        self._then = then
        self.send: Any = None
        self.receive: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope, self.send, self.receive = scope, send, receive
        assert await receive() == {"type": "websocket.connect"}
        await send({"type": "websocket.accept", "subprotocol": "realtime", "headers": [(b"x-call", b"c1")]})
        if self._then is not None:
            await self._then(send)
        while not self.told or self.told[-1]["type"] != "websocket.disconnect":
            self.told.append(await receive())


def with_line(app: Application, play: Callable[[Line], Awaitable[None]], **settings: Any) -> Line:
    """Lets ``play`` be the peer, and checks that nothing is left over."""
    lines: list[Line] = []

    async def main() -> None:
        line = Line(app, **settings)
        lines.append(line)
        await settle()
        await play(line)
        await settle()
        if not line.transport.ended:
            line.transport.abort()
        await settle()
        assert not line.state.tasks
        assert not line.state.connections

    run(main(), virtual=True)
    return lines[0]


def test_the_handshake_and_what_the_application_is_told_of_it() -> None:
    guest = Guest()

    async def play(line: Line) -> None:
        head = line.take().split(b"\r\n")
        assert head[0] == b"HTTP/1.1 101 Switching Protocols"
        assert b"sec-websocket-accept: " + ACCEPT in head
        assert b"sec-websocket-protocol: realtime" in head
        assert b"x-call: c1" in head

    with_line(guest, play)
    assert guest.scope["path"] == "/v1/realtime"
    assert guest.scope["query_string"] == b"model=a%20b"
    assert guest.scope["subprotocols"] == ["realtime", "openai-insecure-api-key.ek_1"]
    assert guest.scope["client"] == ("192.0.2.1", 5)
    assert (b"host", b"here") in guest.scope["headers"]
    assert guest.told == [{"type": "websocket.disconnect", "code": 1006}]


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (b"GET", b"POST", b"405"),
        (b"Version: 13", b"Version: 8", b"426"),
        (b"dGhlIHNhbXBsZSBub25jZQ==", b"c2hvcnQ=", b"400"),
        (b"dGhlIHNhbXBsZSBub25jZQ==", b"\xff" * 24, b"400"),
        (b"Sec-WebSocket-Key", b"X-Key", b"400"),
    ],
)
def test_a_request_that_asks_wrongly_is_answered_and_closed(old: bytes, new: bytes, status: bytes) -> None:
    async def never(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    async def play(line: Line) -> None:
        answer = line.take()
        assert answer.split()[1] == status
        assert (b"sec-websocket-version: 13" in answer) == (status == b"426")
        line.protocol.data_received(b"more")

    line = with_line(never, play, request=REQUEST.replace(old, new))
    assert line.ended() == "closed"


def test_messages_go_both_ways() -> None:
    async def greet(send: Any) -> None:
        await send({"type": "websocket.send", "text": "hello"})
        await send({"type": "websocket.send", "bytes": b"\x01"})

    guest = Guest(greet)

    async def play(line: Line) -> None:
        assert line.take().endswith(b"\r\n\r\n\x81\x05hello\x82\x01\x01")
        line.send("one")
        line.send(b"two")
        line.send("p", Opcode.PING)
        assert line.take() == b"\x8a\x01p"
        line.send(b"\x03\xe9bye", Opcode.CLOSE)
        assert line.take() == b"\x88\x02\x03\xe9"
        assert line.ended() == "closed"

    with_line(guest, play)
    assert guest.told == [
        {"type": "websocket.receive", "text": "one"},
        {"type": "websocket.receive", "bytes": b"two"},
        {"type": "websocket.disconnect", "code": 1001, "reason": "bye"},
    ]


def test_an_application_may_refuse() -> None:
    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.close"})

    async def play(line: Line) -> None:
        assert line.take().startswith(b"HTTP/1.1 403 Forbidden\r\n")
        assert line.ended() == "closed"

    with_line(refuse, play)


def test_an_application_may_answer_by_http_instead() -> None:
    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"Content-Type", b"application/json"), (b"Content-Length", b"2")]
        await send({"type": "websocket.http.response.start", "status": 401, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b"{", "more_body": True})
        await send({"type": "websocket.http.response.body", "body": b"}"})
        assert (await receive())["type"] == "websocket.disconnect"

    async def play(line: Line) -> None:
        answer = line.take()
        assert answer.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
        assert answer.count(b"content-length: 2") == 1
        assert answer.endswith(b"\r\n\r\n{}")
        assert line.ended() == "closed"

    with_line(refuse, play)


def test_before_it_is_let_in_a_client_may_not_send_much() -> None:
    told: list[Any] = []

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        told.append(await receive())
        told.append(await receive())

    async def play(line: Line) -> None:
        line.send("x" * 5000)
        assert line.ended() == "aborted"

    with_line(slow, play)
    assert told[1]["code"] == 1009


def test_a_violation_is_told_by_its_code_and_lingers_until_the_peer_has_read_it() -> None:
    guest = Guest()

    async def play(line: Line) -> None:
        line.take()
        line.send("fine")
        line.raw(b"\x81\x01x")
        assert line.take().startswith(b"\x88\x18\x03\xea")
        assert line.transport.half_closed
        line.raw(b"still on its way")
        await settle()
        assert not line.ended()
        await asyncio.sleep(LINGER_S + 0.1)
        assert line.ended() == "aborted"

    with_line(guest, play)
    assert [one["type"] for one in guest.told] == ["websocket.receive", "websocket.disconnect"]
    assert guest.told[1]["code"] == 1002


def test_a_message_too_large_is_refused_by_its_header() -> None:
    guest = Guest()

    async def play(line: Line) -> None:
        line.take()
        line.raw(Frame(Opcode.TEXT, b"x" * 2000).serialize(mask=True)[:8])
        assert line.take()[2:4] == (1009).to_bytes(2)

    with_line(guest, play, ws_max_size=1000)
    assert guest.told[-1]["code"] == 1009


def test_the_server_closes_and_waits_for_the_answer() -> None:
    async def close(send: Any) -> None:
        await send({"type": "websocket.close", "code": 4000, "reason": "done"})
        with pytest.raises(ClientDisconnected):
            await send({"type": "websocket.send", "text": "late"})

    guest = Guest(close)

    async def play(line: Line) -> None:
        assert line.take().endswith(b"\x88\x06\x0f\xa0done")
        line.send("nobody reads this")
        assert not line.ended()
        line.send(b"\x0f\xa0", Opcode.CLOSE)
        assert line.ended() == "closed"
        assert line.take() == b""

    with_line(guest, play)
    assert guest.told == [{"type": "websocket.disconnect", "code": 4000, "reason": "done"}]


def test_a_peer_that_does_not_answer_a_close_is_cut_off() -> None:
    async def leave(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})

    async def play(line: Line) -> None:
        assert line.take().endswith(b"\x88\x02\x03\xe8")
        line.transport.stuck = True
        await asyncio.sleep(CLOSE_TIMEOUT_S - 0.1)
        assert not line.ended()
        await asyncio.sleep(0.2)
        assert line.ended() == "aborted"

    with_line(leave, play)


def test_an_application_that_fails_is_an_internal_error(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        raise ValueError

    async def fail_at_once(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError

    async def play(line: Line) -> None:
        assert line.take().endswith(b"\x88\x02\x03\xf3")

    async def play_refused(line: Line) -> None:
        assert line.take().startswith(b"HTTP/1.1 500 ")

    with_line(fail, play)
    with_line(fail_at_once, play_refused)
    told = "the application of a WebSocket failed: unexpected ValueError at "
    assert all(record.message.startswith(told) for record in caplog.records)


def test_a_client_that_sends_more_than_is_asked_for_has_to_wait() -> None:
    gate = asyncio.Event()

    async def busy(send: Any) -> None:
        await gate.wait()

    guest = Guest(busy)

    async def play(line: Line) -> None:
        for _ in range(70):
            line.send("x")
        assert not line.reading()
        gate.set()
        for _ in range(10):
            await settle()
        assert line.reading()
        assert len(guest.told) == 70

    with_line(guest, play)


def test_a_client_that_does_not_read_holds_back_the_application() -> None:
    sent: list[int] = []

    async def talk(send: Any) -> None:
        for number in range(3):
            await send({"type": "websocket.send", "text": "x"})
            sent.append(number)

    guest = Guest()

    async def play(line: Line) -> None:
        line.protocol.pause_writing()
        talking = asyncio.create_task(talk(guest.send))
        await settle()
        assert not sent
        line.take()
        line.send("p", Opcode.PING)
        assert line.take() == b""  # nor are pongs heaped up for it
        line.protocol.resume_writing()
        await talking
        line.protocol.pause_writing()
        talking = asyncio.create_task(talk(guest.send))
        await settle()
        line.transport.abort()
        with pytest.raises(ClientDisconnected):
            await talking

    with_line(guest, play)
    assert sent == [0, 1, 2]


def test_pings_ask_whether_a_silent_peer_lives() -> None:
    guest = Guest()

    async def play(line: Line) -> None:
        line.take()
        for _ in range(3):
            await asyncio.sleep(20.5)
            ping = line.take()
            assert ping[:2] == b"\x89\x04"
            line.send(b"\x00\x00\x00\x09", Opcode.PONG)  # not the answer
            line.send(ping[2:], Opcode.PONG)
        await asyncio.sleep(20.5)
        line.take()
        await asyncio.sleep(20.5)
        assert line.take()[2:4] == (1011).to_bytes(2)

    with_line(guest, play)
    assert guest.told[-1]["code"] == 1011


def test_a_peer_that_pings_without_end_is_closed() -> None:
    guest = Guest()

    async def play(line: Line) -> None:
        line.take()
        for _ in range(PINGS_AT_ONCE):
            line.send("", Opcode.PING)
        assert line.take() == b"\x8a\x00" * PINGS_AT_ONCE
        await asyncio.sleep(1)
        for _ in range(PINGS_PER_S):
            line.send("", Opcode.PONG)
        assert line.take() == b""
        for _ in range(10):
            line.send("", Opcode.PING)
        assert line.take()[2:4] == (1008).to_bytes(2)

    with_line(guest, play)
    assert guest.told[-1]["code"] == 1008


def test_the_server_ends() -> None:
    guest = Guest()

    async def play(line: Line) -> None:
        line.take()
        line.protocol.shutdown()
        assert line.take() == b"\x88\x02\x03\xf4"

    with_line(guest, play)
    assert guest.told == [{"type": "websocket.disconnect", "code": 1012, "reason": ""}]


def test_a_cancelled_application_says_that_the_server_restarts() -> None:
    guest = Guest()

    async def play(line: Line) -> None:
        line.take()
        for task in list(line.state.tasks):
            task.cancel()
        await settle()
        assert line.take() == b"\x88\x02\x03\xf4"

    with_line(guest, play)
