"""A caller behind a client with a protocol of its own: whoever reads that protocol hands over its facts, and is handed
the call's wishes.

A model needs sound without holes to know that a turn is over, and clients send none while their microphone is off: what
is missing is filled with silence at the pace of the clock.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from vivavoce.audio.pcm import samples_for, silence
from vivavoce.channel.port import EmitChannelEvent
from vivavoce.events import (
    Ability,
    Audio,
    CallerAudio,
    CallerConnected,
    CallerHungUp,
    ChannelEffect,
    ChannelEvent,
    ChannelLost,
    HangUp,
)

WAITING_LIMIT_MS = 2_000
"""Caller audio that may wait here before its source has to."""
FILL_MS = 100
"""Silence is put in for so much at a time, once nothing came for twice as long."""
_LAST = (CallerHungUp, ChannelLost)


class ClientChannel:
    """Implements :class:`~vivavoce.channel.port.Channel`. All methods are for the call's own loop."""

    def __init__(
        self,
        name: str,
        rate_hz: int,
        perform: Callable[[ChannelEffect], None],
        *,
        fills: bool = True,
        abilities: tuple[Ability, ...] = (),
    ) -> None:
        """``perform`` takes the call's wishes, and answers them through :meth:`put`. ``fills`` is false for a client
        whose sound never stops. ``abilities`` are what ``perform`` can do.
        """
        self.name = name
        self.rate_hz = rate_hz
        self._perform = perform
        self._abilities = abilities
        self._filler = _Filler(self._fill) if fills else None
        self._filling = CallerAudio(Audio(silence(samples_for(FILL_MS, rate_hz))))
        self._facts: deque[ChannelEvent] = deque()
        self._waiting_samples = 0
        self._limit_samples = samples_for(WAITING_LIMIT_MS, rate_hz)
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._over = False

    def put(self, event: ChannelEvent) -> None:
        """Hand over a fact; never waits. After :class:`~vivavoce.events.CallerHungUp` nothing counts."""
        self._facts.append(event)
        if isinstance(event, CallerAudio):
            self._waiting_samples += event.audio.samples
            if self._waiting_samples > self._limit_samples:
                self._room.clear()
        self._arrived.set()

    @property
    def has_room(self) -> bool:
        """Whether more of the caller's audio is welcome."""
        return self._room.is_set()

    async def room(self) -> None:
        """Returns when it is."""
        await self._room.wait()

    def perform(self, effect: ChannelEffect) -> None:
        self._perform(effect)
        if isinstance(effect, HangUp):
            self._over = True
            self._arrived.set()

    async def run(self, emit: EmitChannelEvent) -> None:
        await emit(CallerConnected(self.name, self.rate_hz, self._abilities))
        if self._filler is not None:
            self._filler.start()
        try:
            while not self._over:
                while self._facts and not self._over:
                    event = self._facts.popleft()
                    if isinstance(event, CallerAudio):
                        self._audio_leaves(event)
                    await emit(event)
                    if isinstance(event, _LAST):
                        self._over = True
                if not (self._facts or self._over):
                    self._arrived.clear()
                    await self._arrived.wait()
        finally:
            if self._filler is not None:
                self._filler.stop()
            self._over = True
            self._room.set()

    def _fill(self) -> None:
        if not self._facts:  # else nothing is missing: the call is behind
            self.put(self._filling)

    def _audio_leaves(self, event: CallerAudio) -> None:
        if self._filler is not None and event is not self._filling:
            self._filler.heard = True
        self._waiting_samples -= event.audio.samples
        if self._waiting_samples <= self._limit_samples // 2:
            self._room.set()


class _Filler:
    """Calls ``fill`` every :data:`FILL_MS` once nothing was heard for two of them."""

    def __init__(self, fill: Callable[[], None]) -> None:
        self.heard = False
        self._fill = fill
        self._quiet = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(FILL_MS / 1000, self._beat)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _beat(self) -> None:
        self._quiet = 0 if self.heard else self._quiet + 1
        self.heard = False
        self.start()
        if self._quiet >= 2:
            self._fill()
