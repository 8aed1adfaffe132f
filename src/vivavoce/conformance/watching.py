"""One port run and watched: what it emits and when, within limits of time, and what it leaves behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Generic, TypeVar

from vivavoce.engine.clock import loop_time_s

Fact = TypeVar("Fact")
Wanted = TypeVar("Wanted")
Effect = TypeVar("Effect")

_GRACE_S = 1.0
"""What has ended may take so long to be gone from the system's lists."""


class ConformanceFailure(AssertionError):
    """The port breaks a rule of its contract; the message is the rule and what was seen instead."""


def require(holds: bool, rule: str, seen: object = "") -> None:
    if not holds:
        raise ConformanceFailure(f"{rule}; {seen}" if seen != "" else rule)


def performed(perform: Callable[[Effect], None], effect: Effect) -> None:
    """Performs a wish, which no port may refuse."""
    try:
        perform(effect)
    except Exception as error:
        raise ConformanceFailure(f"perform does not raise; {effect} raised {error!r}") from error


class Watch(Generic[Fact]):
    """Runs one port as a task and keeps all it emits. An async context: at its end the port is cancelled.

    ``gate`` may be cleared to let ``emit`` wait for those facts of which ``gated`` is true.
    """

    def __init__(
        self,
        run: Callable[[Callable[[Fact], Awaitable[None]]], Awaitable[None]],
        gated: Callable[[Fact], bool] = lambda _: True,
    ) -> None:
        self.facts: list[Fact] = []
        self.instants_s: list[float] = []
        self.waiting = 0  # facts that the gate holds
        self.gate = asyncio.Event()
        self.gate.set()
        self._run = run
        self._gated = gated
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Watch[Fact]:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        if not self._task.done():
            self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.exception()  # was reported as a broken rule, or belongs to the check

    async def _watch(self) -> None:
        try:
            await self._run(self._emit)
        finally:
            self._changed.set()

    async def _emit(self, fact: Fact) -> None:
        if self._gated(fact) and not self.gate.is_set():
            self.waiting += 1
            self._changed.set()
            await self.gate.wait()
            self.waiting -= 1
        self.facts.append(fact)
        self.instants_s.append(loop_time_s())
        self._changed.set()

    @property
    def over(self) -> bool:
        """``run`` has returned or raised."""
        return self._task is not None and self._task.done()

    def all(self, *kinds: type[Wanted]) -> list[Wanted]:
        """Everything of these kinds, in order."""
        return [fact for fact in self.facts if isinstance(fact, kinds)]

    async def until(self, found: Callable[[], bool], limit_s: float, rule: str) -> None:
        """Returns when ``found``; breaks ``rule`` if it is not within ``limit_s`` or if the port ends before."""
        try:
            async with asyncio.timeout(limit_s):
                while not found():
                    if self.over:
                        raise ConformanceFailure(f"{rule}; it ended first: {self._how_it_ended()}")
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise ConformanceFailure(f"{rule}; not within {limit_s:g} s, the last was {self.facts[-1:]}") from None

    async def ended(self, limit_s: float, rule: str) -> None:
        """Returns when ``run`` has; breaks ``rule`` if it raises or does not return in time."""
        assert self._task is not None
        await asyncio.wait([self._task], timeout=limit_s)
        require(self.over, rule, f"not within {limit_s:g} s")
        require(self._task.exception() is None, rule, self._how_it_ended())

    async def cancelled(self, limit_s: float, rule: str) -> None:
        """Cancels ``run``; breaks ``rule`` if that does not end it in time, or ends it otherwise."""
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task], timeout=limit_s)
        require(self.over, rule, f"not within {limit_s:g} s")
        require(self._task.cancelled(), rule, self._how_it_ended())

    def _how_it_ended(self) -> str:
        assert self._task is not None
        if self._task.cancelled():
            return "it was cancelled"
        error = self._task.exception()
        return f"it raised {type(error).__name__}: {error}" if error else "it returned"


class Surroundings:
    """The tasks, threads and child processes there are now, to be compared with those after."""

    def __init__(self) -> None:
        self._tasks = asyncio.all_tasks()
        self._threads = set(threading.enumerate())
        self._children = _children()

    async def unchanged(self, rule: str) -> None:
        """Breaks ``rule`` if anything was added. The threads of the loop's own executor may stay: they are reused."""
        for _ in range(20):
            if not self._added():
                return
            await asyncio.sleep(_GRACE_S / 20)
        raise ConformanceFailure(f"{rule}; left behind: {', '.join(self._added())}")

    def _added(self) -> list[str]:
        tasks = [f"task {task.get_name()}" for task in asyncio.all_tasks() - self._tasks]
        threads = [
            f"thread {thread.name}"
            for thread in set(threading.enumerate()) - self._threads
            if not thread.name.startswith("asyncio_")
        ]
        return tasks + threads + [f"process {child}" for child in sorted(_children() - self._children)]


def _children() -> set[str]:
    """Process ids, where the system tells (Linux)."""
    lists = Path("/proc/self/task").glob("*/children")
    found: set[str] = set()
    for children in lists:
        try:
            found.update(children.read_text().split())
        except OSError:  # the thread has just ended
            continue
    return found
