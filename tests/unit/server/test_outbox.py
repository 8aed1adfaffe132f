"""A client that reads gets everything in order; one that does not costs its own session."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.websockets import WebSocketDisconnect

from vivavoce.engine.clock import loop_time_s, run
from vivavoce.server.outbox import CLOSE_S, Outbox


class Client:
    """Implements the socket. ``reads`` is cleared to make writes hang."""

    def __init__(self) -> None:
        self.reads = asyncio.Event()
        self.reads.set()
        self.gone = False
        self.got: list[str | bytes] = []
        self.closed: tuple[int, str | None] | None = None

    async def send_text(self, data: str) -> None:
        await self._take(data)

    async def send_bytes(self, data: bytes) -> None:
        await self._take(data)

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        await self.reads.wait()
        self.closed = code, reason

    async def _take(self, data: str | bytes) -> None:
        await self.reads.wait()
        if self.gone:
            raise WebSocketDisconnect(1006)
        self.got.append(data)


class Line:
    """A client with its outbox, and what came of it."""

    def __init__(self) -> None:
        self.client = Client()
        self.failures: list[str] = []
        self.aborted_at_s: list[float] = []
        self.outbox = Outbox(
            self.client,
            limit_bytes=100,
            limit_ms=2000,
            failed=self.failures.append,
            abort=lambda: self.aborted_at_s.append(loop_time_s()),
        )


def on_a_line(use: Callable[[Line], Awaitable[None]]) -> Line:
    async def main() -> Line:
        line = Line()
        async with asyncio.TaskGroup() as group:
            group.create_task(line.outbox.run())
            await use(line)
        return line

    return run(main(), virtual=True)


def test_what_waits_is_sent_in_order_and_then_the_close() -> None:
    async def use(line: Line) -> None:
        line.outbox.send("one")
        line.outbox.send(b"two")
        await asyncio.sleep(5)
        line.outbox.send("three")
        line.outbox.close(1001, "done")
        line.outbox.send("too late")
        line.outbox.close(1011, "a second close")

    line = on_a_line(use)
    assert line.client.got == ["one", b"two", "three"]
    assert line.client.closed == (1001, "done")
    assert (line.failures, line.aborted_at_s, line.outbox.waiting_bytes) == ([], [], 0)


@pytest.mark.parametrize("too_much", ["x" * 101, "x" * 60])
def test_more_than_may_wait_ends_the_session(too_much: str) -> None:
    async def use(line: Line) -> None:
        line.client.reads.clear()
        line.outbox.send("x" * 41)
        line.outbox.send(too_much)
        line.outbox.send("dropped")
        assert line.outbox.waiting_bytes == 0
        assert line.failures == ["slow_consumer"]
        await asyncio.sleep(1)
        line.client.reads.set()

    line = on_a_line(use)
    assert line.client.closed == (1013, "the client does not read fast enough")
    assert line.failures == ["slow_consumer"]
    assert line.aborted_at_s == []


def test_what_waits_for_too_long_ends_the_session_though_nothing_more_is_sent() -> None:
    async def use(line: Line) -> None:
        line.client.reads.clear()
        line.outbox.send("x")
        await asyncio.sleep(2.1)
        assert line.failures == ["slow_consumer"]

    line = on_a_line(use)
    assert line.client.closed is None
    assert line.aborted_at_s == [2 + CLOSE_S], "it does not even take the close"


def test_a_client_that_reads_slowly_but_reads_is_kept() -> None:
    async def use(line: Line) -> None:
        for _ in range(10):
            line.client.reads.clear()
            line.outbox.send("x" * 60)
            await asyncio.sleep(1.5)
            line.client.reads.set()
            await asyncio.sleep(0.1)
        line.outbox.close()

    line = on_a_line(use)
    assert len(line.client.got) == 10
    assert line.failures == []


def test_a_client_that_is_gone_ends_the_writer_and_nothing_is_kept_for_it() -> None:
    async def use(line: Line) -> None:
        line.client.gone = True
        line.outbox.send("x")
        await asyncio.sleep(1)
        line.outbox.send("y")
        assert line.outbox.waiting_bytes == 0

    line = on_a_line(use)
    assert (line.client.got, line.client.closed, line.failures) == ([], None, [])


def test_a_write_that_hangs_is_cut_off_though_all_else_was_dropped() -> None:
    async def use(line: Line) -> None:
        line.client.reads.clear()
        line.outbox.send("x")
        await asyncio.sleep(1.5)
        line.outbox.send("x" * 101)
        assert line.failures == ["slow_consumer"]

    line = on_a_line(use)
    assert line.aborted_at_s == [2 + CLOSE_S]
