"""Revisions of a client's agent, one after the other and not too often: each opens a model session.

What a client wants after one has to wait until it is done, since it is asked of the agent as it then is.
"""

from __future__ import annotations

import asyncio

from vivavoce.engine.clock import loop_time_s
from vivavoce.server.limits import TokenBucket
from vivavoce.wire.realtime.actions import Action

PER_S, AT_ONCE = 2.0, 10


class Revisions:
    """``held`` is what waits for the one in progress, in order."""

    def __init__(self) -> None:
        self.held: list[Action] = []
        self._rate = TokenBucket(PER_S, AT_ONCE)
        self._done = asyncio.Event()
        self._done.set()

    @property
    def in_progress(self) -> bool:
        return not self._done.is_set()

    async def done(self) -> None:
        """Returns when none is in progress."""
        await self._done.wait()

    def begin(self) -> None:
        """From now on what comes is to be held."""
        self._done.clear()

    async def turn(self) -> None:
        """Returns when the one that has begun may be made."""
        if wait_s := self._rate.borrow(1, loop_time_s()):
            await asyncio.sleep(wait_s)

    def end(self) -> list[Action]:
        """It is done: what was held is to be done now."""
        held, self.held = self.held, []
        self._done.set()
        return held
