"""Several processes behind one listener: the parent accepts, and hands each connection to the worker with the fewest
calls, so that long calls spread evenly, which the kernel's own spreading does not care for. It reads no byte of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from vivavoce.engine.clock import loop_time_s
from vivavoce.errors import NotAvailable
from vivavoce.server.listen import Signals
from vivavoce.server.orders import (
    LIMIT_BYTES,
    Drain,
    Ended,
    Hurry,
    Order,
    Ready,
    Report,
    elsewhere,
    fewest,
    line_of,
    read_told,
)
from vivavoce.server.waiting import cancelling

_NOTHING = Report(0, 0, 0, {}, {}, {})
BACKOFF_S, LONGEST_BACKOFF_S = 0.2, 5.0
HEALTHY_S = 10.0
"""A worker that lived for so long is replaced at once when it dies."""
STARTING_S = 60.0
_PAUSE_S = 0.05


@dataclass(slots=True, eq=False)
class Worker:
    """A process that runs. ``handing`` is our end of the socket that brings it connections."""

    number: int
    process: Process
    handing: socket.socket
    writer: asyncio.StreamWriter
    reader: asyncio.StreamReader
    given: int = 0
    report: Report = _NOTHING
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    def order(self, order: Order) -> None:
        if not self.writer.is_closing():
            self.writer.write(line_of(order))

    def hand(self, connection: socket.socket) -> bool:
        """Whether it could be handed over."""
        try:
            socket.send_fds(self.handing, [b"c"], [connection.fileno()])
        except OSError:  # it is gone, or takes none at the moment
            return False
        self.given += 1
        return True


class Workers:
    """The parent. ``command`` starts a worker when the numbers of two descriptors are added; ``plan`` is the first line
    that a worker reads; ``say`` tells a person what happens to workers."""

    def __init__(
        self, count: int, command: Sequence[str], plan: Callable[[int], bytes], say: Callable[[str], None]
    ) -> None:
        self._count = count
        self._command = command
        self._plan = plan
        self._say = say
        self._workers: dict[int, Worker] = {}
        self._somebody = asyncio.Event()
        self._ending = asyncio.Event()
        self._everybody = asyncio.Event()
        self._stopped = 0

    async def run(self, listener: socket.socket, on_ready: Callable[[], None], signals: Signals) -> int:
        """Until asked to end and every worker has. Returns how many calls had to be stopped. Raises
        :class:`~vivavoce.errors.NotAvailable` if the workers do not start.
        """
        try:
            async with signals.heeded(), asyncio.TaskGroup() as tasks:
                kept = [tasks.create_task(self._keep(number)) for number in range(1, self._count + 1)]
                async with asyncio.timeout(STARTING_S):
                    await self._everybody.wait()
                on_ready()
                async with cancelling(self._accept(listener)):
                    await signals.asked.wait()
                    self._ending.set()
                    self._order_all(Drain())
                    async with cancelling(self._hurry(signals)):
                        await asyncio.wait(kept)
        except TimeoutError as error:
            raise NotAvailable(f"the workers were not ready within {STARTING_S:.0f} s") from error
        except ExceptionGroup as group:
            fault = group.exceptions[0]
            raise (fault if isinstance(fault, NotAvailable) else group) from None
        return self._stopped

    async def _hurry(self, signals: Signals) -> None:
        await signals.hurried.wait()
        self._order_all(Hurry())

    def _order_all(self, order: Order) -> None:
        for worker in self._workers.values():
            worker.order(order)

    # One worker after the other, under one number.

    async def _keep(self, number: int) -> None:
        backoff_s = BACKOFF_S
        while not self._ending.is_set():
            began_s = loop_time_s()
            worker = await self._start(number)
            try:
                code = await self._attend(worker)
            finally:
                await self._bury(worker)
            if self._ending.is_set():
                return
            healthy = loop_time_s() - began_s > HEALTHY_S
            self._say(f"Worker {number} ended with code {code} and is replaced; its calls are lost.")
            if not worker.ready.is_set():
                raise NotAvailable(f"worker {number} does not start", hint="its own message is above")
            backoff_s = BACKOFF_S if healthy else min(2 * backoff_s, LONGEST_BACKOFF_S)
            await asyncio.sleep(backoff_s)

    async def _start(self, number: int) -> Worker:
        control, its_control = socket.socketpair()
        handing, its_handing = socket.socketpair()
        with its_control, its_handing:
            descriptors = (its_control.fileno(), its_handing.fileno())
            process = await asyncio.create_subprocess_exec(
                *self._command,
                *map(str, descriptors),
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=2,  # what a tool prints is no output of ours
                start_new_session=True,  # Ctrl-C is for the parent
            )
        handing.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=control, limit=LIMIT_BYTES)
        writer.write(self._plan(number) + b"\n")
        worker = Worker(number, process, handing, writer, reader)
        self._workers[number] = worker
        return worker

    async def _attend(self, worker: Worker) -> int:
        """Hears what it tells until it is over."""
        with contextlib.suppress(ConnectionError):
            while line := await worker.reader.readline():
                match read_told(line):
                    case Ready():
                        self._is_ready(worker)
                    case Report() as report:
                        self._take_report(worker, report)
                    case Ended(stopped=stopped):
                        self._stopped += stopped
        if self._ending.is_set():
            return await worker.process.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                return await worker.process.wait()
        worker.process.kill()
        return await worker.process.wait()

    def _is_ready(self, worker: Worker) -> None:
        worker.ready.set()
        self._somebody.set()
        self._tell_all()
        if sum(one.ready.is_set() for one in self._workers.values()) == self._count:
            self._everybody.set()

    async def _bury(self, worker: Worker) -> None:
        del self._workers[worker.number]
        if not any(other.ready.is_set() for other in self._workers.values()):
            self._somebody.clear()
        worker.handing.close()
        worker.writer.close()
        if worker.process.returncode is None:
            worker.process.kill()
            await worker.process.wait()
        self._tell_all()

    def _take_report(self, worker: Worker, report: Report) -> None:
        changed = report.calls != worker.report.calls or report.begun != worker.report.begun
        worker.report = report
        if changed:
            self._tell_all()

    def _tell_all(self) -> None:
        """Each what the others have."""
        for worker in self._workers.values():
            worker.order(elsewhere(other.report for other in self._workers.values() if other is not worker))

    # Connections.

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._somebody.wait()
            try:
                connection, _ = await loop.sock_accept(listener)
            except OSError:  # no more descriptors, or gone before it was taken
                await asyncio.sleep(_PAUSE_S)
                continue
            with connection:
                self._hand(connection)

    def _hand(self, connection: socket.socket) -> None:
        """To whom has the fewest; to another where that one takes none. If nobody does, it is closed."""
        ready = {number: worker for number, worker in self._workers.items() if worker.ready.is_set()}
        while ready:
            number = fewest((number, worker.given, worker.report) for number, worker in ready.items())
            assert number is not None
            if ready.pop(number).hand(connection):
                return
