"""Work that outlives the request that began it: one task group for each process, so that nothing is left running."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

from vivavoce.engine.mistakes import log_mistake
from vivavoce.errors import Refused

_log = logging.getLogger(__name__)


class Background:
    """Open while the server serves. What is started here handles its own faults; one it does not ends it alone."""

    def __init__(self) -> None:
        self._group: asyncio.TaskGroup | None = None
        self._running: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """On leaving, what still runs is cancelled and waited for."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                yield
            finally:
                self._group = None
                for task in self._running:
                    task.cancel()

    def start(self, work: Coroutine[None, None, None], name: str) -> None:
        """Raises :class:`~vivavoce.errors.Refused` where nothing is served any more."""
        if self._group is None:
            work.close()
            raise Refused("this server is shutting down", status=503, code="server_draining")
        task = self._group.create_task(_alone(work), name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)


async def _alone(work: Coroutine[None, None, None]) -> None:
    """One caller's trouble must not cancel all others'."""
    try:
        await work
    except Exception as error:  # noqa: BLE001  # whatever it is
        log_mistake(_log, "work in the background failed", error)
