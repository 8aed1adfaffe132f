"""A session's facts on their way to the call, of which the agent's audio may have to wait.

Two lanes. In one go the reply's own facts; where ``emit`` lets audio wait, they wait with it. In the other goes
everything else, and passes by what waits. Whatever does not wait keeps the order in which it was put: the call's
history depends on whether the caller's words or the reply came first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from vivavoce.events import (
    END_CALL,
    AgentAudio,
    AgentText,
    ModelEvent,
    ResponseFinished,
    ResponseId,
    ResponseInterrupted,
    ResponseStarted,
    ToolRequested,
)
from vivavoce.model.port import EmitModelEvent

_OF_A_REPLY = (AgentAudio, AgentText, ResponseStarted, ResponseFinished)
_SETTLING_ROUNDS = 1000


class _Numbered(NamedTuple):
    number: int
    fact: ModelEvent


_Lane = deque[_Numbered]


class Outbox:
    """``limit_samples`` of audio may wait here; then :meth:`room` waits."""

    def __init__(self, limit_samples: int) -> None:
        self._limit = limit_samples
        self._samples = 0
        self._count = 0
        self._reply: _Lane = deque()
        self._others: _Lane = deque()
        self._held = False  # audio is being handed over, which may take its time
        self._changed = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()

    def put(self, fact: ModelEvent) -> None:
        if isinstance(fact, ResponseInterrupted):
            self._cut(fact)
        elif isinstance(fact, _OF_A_REPLY) or _ends_the_call(fact):
            self._add(self._reply, fact)
            self._weigh(fact, 1)
        else:
            self._add(self._others, fact)

    def drop_audio(self, response: ResponseId) -> None:
        """Its sound and words are not wanted any more; that it began and ended still is."""
        self._drop(response, (AgentAudio, AgentText))

    async def room(self) -> None:
        """Returns when more audio may be put."""
        await self._has_room.wait()

    async def deliver_reply(self, emit: EmitModelEvent) -> None:
        """For one task."""
        while True:
            await self._until(lambda: bool(self._reply) and _first(self._reply) < _first(self._others))
            fact = self._reply.popleft().fact
            self._held = isinstance(fact, AgentAudio)
            self._changed.set()
            await emit(fact)
            self._held = False
            self._weigh(fact, -1)
            self._changed.set()

    async def deliver_others(self, emit: EmitModelEvent) -> None:
        """For another task."""
        while True:
            await self._until(lambda: bool(self._others) and (self._held or _first(self._others) < _first(self._reply)))
            await emit(self._others.popleft().fact)
            self._changed.set()

    async def settle(self) -> None:
        """Returns when everything has gone that need not wait."""
        for _ in range(_SETTLING_ROUNDS):
            if not self._others and (self._held or not self._reply):
                return
            await asyncio.sleep(0)

    async def _until(self, may_go: Callable[[], bool]) -> None:
        while not may_go():
            self._changed.clear()
            await self._changed.wait()

    def _add(self, lane: _Lane, fact: ModelEvent) -> None:
        self._count += 1
        lane.append(_Numbered(self._count, fact))
        self._changed.set()

    def _cut(self, fact: ResponseInterrupted) -> None:
        """Nothing that waits of this reply goes any more; a reply whose beginning was among it begins with this."""
        waits = [one.fact for one in self._reply]
        began = [one for one in waits if isinstance(one, ResponseStarted) and one.response == fact.response]
        self._drop(fact.response, _OF_A_REPLY)
        for one in began:
            self._add(self._others, one)
        self._add(self._others, fact)

    def _drop(self, response: ResponseId, kinds: tuple[type, ...]) -> None:
        kept: _Lane = deque()
        for numbered in self._reply:
            if isinstance(numbered.fact, kinds) and getattr(numbered.fact, "response", None) == response:
                self._weigh(numbered.fact, -1)
            else:
                kept.append(numbered)
        self._reply = kept
        self._changed.set()

    def _weigh(self, fact: ModelEvent, sign: int) -> None:
        if isinstance(fact, AgentAudio):
            self._samples += sign * fact.audio.samples
            if self._samples >= self._limit:
                self._has_room.clear()
            else:
                self._has_room.set()


def _first(lane: _Lane) -> float:
    """When the lane's next fact was put; after everything if there is none."""
    return lane[0].number if lane else float("inf")


def _ends_the_call(fact: ModelEvent) -> bool:
    """The goodbye before it must not be overtaken."""
    return isinstance(fact, ToolRequested) and fact.name == END_CALL
