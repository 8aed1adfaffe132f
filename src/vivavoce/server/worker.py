"""One worker of several: it takes connections from its parent, calls from its clients, and orders until it is done."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import ssl
from collections.abc import Iterator

from starlette.types import ASGIApp

from vivavoce.engine.clock import loop_time_s
from vivavoce.server.background import Background
from vivavoce.server.door import Door
from vivavoce.server.listen import Connections, Signals, drained, tls_context, working
from vivavoce.server.orders import (
    LIMIT_BYTES,
    Drain,
    Elsewhere,
    Ended,
    Hurry,
    Ready,
    line_of,
    read_order,
    report_of,
)
from vivavoce.server.routing import socket_of

REPORT_EVERY_S = 0.02
IDLE_REPORT_S = 0.5
"""Connections come and go without a call: told now and then."""


async def work(app: ASGIApp, door: Door, control: socket.socket, handed: socket.socket) -> None:
    """Until the parent orders an end or is gone. ``handed`` brings the connections."""
    assert door.siblings is not None
    signals = Signals()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, signals.receive)
    reader, writer = await asyncio.open_connection(sock=control, limit=LIMIT_BYTES)
    path = socket_of(door.siblings, door.worker)
    async with working(app, door) as connections:
        path.unlink(missing_ok=True)  # of the worker that was replaced
        for_siblings = await asyncio.get_running_loop().create_unix_server(connections.protocol, path)
        intake = Intake(connections, tls_context(door.settings), door.settings.limits.handshake_s, door.background)
        try:
            with intake.taking(handed):
                writer.write(line_of(Ready()))
                async with asyncio.TaskGroup() as tasks:
                    beside = [
                        tasks.create_task(_report(door, connections, intake, writer), name="report"),
                        tasks.create_task(_obey(door, reader, signals), name="obey"),
                    ]
                    await signals.asked.wait()
                    stopped = await drained(door, signals)
                    for task in beside:
                        task.cancel()
        finally:
            for_siblings.close()
    with contextlib.suppress(ConnectionError):
        writer.write(line_of(Ended(stopped)))
        await writer.drain()
    writer.close()


class Intake:
    """Takes connections from the parent and gives each a protocol."""

    def __init__(
        self, connections: Connections, context: ssl.SSLContext | None, handshake_s: float, background: Background
    ) -> None:
        self.received = 0
        self._connections = connections
        self._context = context
        self._handshake_s = handshake_s if context is not None else None
        self._background = background

    @contextlib.contextmanager
    def taking(self, handed: socket.socket) -> Iterator[None]:
        handed.setblocking(False)
        loop = asyncio.get_running_loop()
        loop.add_reader(handed, self._take, handed)
        try:
            yield
        finally:
            loop.remove_reader(handed)

    def _take(self, handed: socket.socket) -> None:
        while True:
            try:
                data, descriptors, _, _ = socket.recv_fds(handed, 1, 1)
            except BlockingIOError:
                return
            except OSError:
                data, descriptors = b"", []
            if not data:  # the parent is gone, and the orders' end says so as well
                asyncio.get_running_loop().remove_reader(handed)
                return
            self.received += 1
            for descriptor in descriptors:
                connection = socket.socket(fileno=descriptor)
                connection.setblocking(False)
                self._background.start(self._open(connection), name="connection")

    async def _open(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                self._connections.protocol,
                connection,
                ssl=self._context,
                ssl_handshake_timeout=self._handshake_s,
            )
        except OSError:  # no TLS, or gone already
            connection.close()


async def _obey(door: Door, reader: asyncio.StreamReader, signals: Signals) -> None:
    while line := await reader.readline():
        match read_order(line):
            case Elsewhere() as others:
                door.desk.admission.hear(others.tally, loop_time_s())
            case Drain():
                signals.asked.set()
            case Hurry():
                signals.asked.set()
                signals.hurried.set()
    signals.asked.set()  # the parent is gone: nobody will send us calls any more


async def _report(door: Door, connections: Connections, intake: Intake, writer: asyncio.StreamWriter) -> None:
    """Whenever calls come or go, and connections now and then."""
    with contextlib.suppress(ConnectionError):
        while True:
            change = door.desk.change
            report = report_of(door.desk.admission.here, received=intake.received, connections=connections.open)
            writer.write(line_of(report))
            await writer.drain()
            await asyncio.sleep(REPORT_EVERY_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_REPORT_S):
                    await change.wait()
