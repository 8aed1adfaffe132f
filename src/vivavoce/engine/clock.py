"""Time for calls, in one place: the event loop's clock, which may be real, scaled, or virtual.

Everything asynchronous in Vivavoce waits on the loop and reads :func:`now_us`, so choosing the loop chooses the time:

- :func:`run` with ``speed=1``: real time.
- ``speed=4``: a second of loop time takes a quarter of a second. For hearing a long recording through quickly; whatever
  computes (a recogniser, a tool) then looks four times as slow as it is.
- :class:`VirtualLoop`: nothing takes time but waiting, and waiting is instant. For tests and rehearsals without
processes.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

from vivavoce.errors import UsageError
from vivavoce.events import Instant

T = TypeVar("T")


def now_us(opened_s: float = 0.0) -> Instant:
    """Microseconds of loop time since ``opened_s`` of the running loop's clock."""
    return Instant(round((asyncio.get_running_loop().time() - opened_s) * 1_000_000))


def loop_time_s() -> float:
    return asyncio.get_running_loop().time()


def wall_clock() -> datetime:
    """The time of day, with its offset."""
    return datetime.now(UTC).astimezone()


class _Selector(selectors.DefaultSelector):
    """Stands between a loop and the operating system, and may make waiting shorter."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self.speed = speed

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout / self.speed if timeout else timeout)


class ScaledLoop(asyncio.SelectorEventLoop):
    """A loop on which a second takes ``1 / speed`` real seconds."""

    def __init__(self, speed: float) -> None:
        super().__init__(_Selector(speed))
        self._speed = speed

    def time(self) -> float:
        return time.monotonic() * self._speed


class _VirtualSelector(selectors.DefaultSelector):
    """Never waits for time: a wait that would pass moves the clock instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:  # nothing is planned: only another thread or process can go on
            return super().select(None)
        self.now_s += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose clock stands while anything runs and jumps to the next timer when nothing does.

    Exact and repeatable for everything that lives on the loop. Work in threads and processes seems to take no time and
    may be overtaken by timers: such tests belong on a real loop.
    """

    def __init__(self) -> None:
        self._virtual = _VirtualSelector()
        super().__init__(self._virtual)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._virtual.now_s

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109  # theirs
        """Waits for the threads however long they take: Python 3.12's limit would be over at once in virtual time."""
        del timeout
        await super().shutdown_default_executor()


def run(main: Coroutine[Any, Any, T], *, speed: float = 1.0, virtual: bool = False) -> T:
    """Run ``main`` to its end on a loop of the chosen time. Ctrl-C cancels it, as :class:`asyncio.Runner` does."""
    if not 0 < speed <= 100:
        main.close()
        raise UsageError(f"a speed of {speed}", hint="1 is real time; choose more than 0 and at most 100")

    def make_loop() -> asyncio.AbstractEventLoop:
        if virtual:
            return VirtualLoop()
        return asyncio.new_event_loop() if speed == 1.0 else ScaledLoop(speed)

    with asyncio.Runner(loop_factory=make_loop) as runner:
        return runner.run(main)
