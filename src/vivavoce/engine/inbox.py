"""Everything that happens to one call comes through here, to one reader.

- Order: first come, first served, but for the facts that hush or end (:data:`URGENT`), which go ahead of the audio that
  came last. They overtake nothing else: a hush that came before what it hushes would be lost. What then stands before
  them takes microseconds.
- Bound: when ``limit_samples`` of one side's audio wait, ``put`` waits, and the source with it. Nothing is ever dropped
  here. Facts without audio are few and always taken.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from vivavoce.events import (
    AgentAudio,
    CallerAudio,
    CallerSpeechStarted,
    Event,
    ResponseInterrupted,
    StopRequested,
    StoreFailed,
)

URGENT = (CallerSpeechStarted, ResponseInterrupted, StopRequested, StoreFailed)
"""Not the caller's hang-up: what they said before it counts."""


@dataclass(frozen=True, slots=True)
class InboxStatistics:
    """Facts taken in all, the most that waited at once, and the most audio of one side that waited, in samples."""

    taken: int
    peak_waiting: int
    peak_audio_samples: int


class _Lane:
    """One side's audio: how much of it waits, and whether more is welcome."""

    __slots__ = ("held", "limit", "peak", "room", "waiting")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.waiting = 0
        self.peak = 0
        self.held = False
        self.room = asyncio.Event()
        self.room.set()

    def enter(self, samples: int) -> None:
        self.waiting += samples
        if self.waiting > self.peak:
            self.peak = self.waiting
        if self.waiting >= self.limit:
            self.room.clear()

    def leave(self, samples: int) -> None:
        self.waiting -= samples
        if not self.room.is_set():
            self.settle()

    def settle(self) -> None:
        if self.held or self.waiting >= self.limit:
            self.room.clear()
        else:
            self.room.set()


class Inbox:
    """One reader; any number of writers on the same loop."""

    def __init__(self, limit_samples: int) -> None:
        self._facts: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._caller = _Lane(limit_samples)
        self._agent = _Lane(limit_samples)
        self._taken = 0
        self._peak = 0

    async def put(self, event: Event) -> None:
        """Hand over a fact; waits while its side's audio is over its limit or held."""
        lane = self._lane(event)
        if lane is not None:
            while not lane.room.is_set():
                await lane.room.wait()
        self.put_now(event)

    def put_now(self, event: Event) -> None:
        """Hand over a fact that cannot wait."""
        lane = self._lane(event)
        if lane is not None:
            lane.enter(event.audio.samples)  # type: ignore[union-attr]  # only facts with audio have a lane
        if lane is None and isinstance(event, URGENT):
            self._put_ahead(event)
        else:
            self._facts.append(event)
        if len(self._facts) > self._peak:
            self._peak = len(self._facts)
        self._arrived.set()

    def take(self) -> Event | None:
        """The next fact, if there is one."""
        if not self._facts:
            return None
        event = self._facts.popleft()
        self._taken += 1
        lane = self._lane(event)
        if lane is not None:
            lane.leave(event.audio.samples)  # type: ignore[union-attr]
        return event

    async def arrival(self) -> None:
        """Returns when :meth:`take` has something to give."""
        while not self._facts:
            self._arrived.clear()
            await self._arrived.wait()

    def hold_agent_audio(self, hold: bool) -> None:
        """While held, agent audio waits at its source: enough of it is queued towards the caller."""
        if self._agent.held != hold:
            self._agent.held = hold
            self._agent.settle()

    @property
    def statistics(self) -> InboxStatistics:
        return InboxStatistics(self._taken, self._peak, max(self._caller.peak, self._agent.peak))

    def _put_ahead(self, event: Event) -> None:
        place = len(self._facts)
        while place and self._lane(self._facts[place - 1]) is not None:
            place -= 1
        self._facts.insert(place, event)

    def _lane(self, event: Event) -> _Lane | None:
        kind = type(event)
        if kind is CallerAudio:
            return self._caller
        return self._agent if kind is AgentAudio else None
