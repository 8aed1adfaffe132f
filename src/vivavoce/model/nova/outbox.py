"""A session's facts on their way to the call, of which the agent's audio may have to wait.

Two lanes. In one go the reply's own facts; where ``emit`` lets audio wait, they wait with it. In the other goes
everything else, and passes by what waits. Whatever does not wait keeps the order in which it was put: the call's
history depends on whether the caller's words or the reply came first.
"""

from __future__ import annotations

import asyncio
from collections import deque
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


class _Lane:
    """What waits in it, and a bell for the one task that takes it out: it is rung only when that may be possible, for
    waking a task costs more than all else that a fact does here.
    """

    __slots__ = ("bell", "facts")

    def __init__(self) -> None:
        self.facts: deque[_Numbered] = deque()
        self.bell = asyncio.Event()

    @property
    def first(self) -> float:
        """When its next fact was put; after everything if there is none."""
        return self.facts[0].number if self.facts else float("inf")

    def ring(self) -> None:
        if self.facts:
            self.bell.set()

    async def rung(self) -> None:
        self.bell.clear()
        await self.bell.wait()


class Outbox:
    """``limit_samples`` of audio may wait here; then :meth:`room` waits."""

    def __init__(self, limit_samples: int) -> None:
        self._limit = limit_samples
        self._samples = 0
        self._count = 0
        self._reply = _Lane()
        self._others = _Lane()
        self._held = False  # audio is being handed over, which may take its time
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
        reply, others = self._reply, self._others
        while True:
            while reply.first >= others.first:  # or there is none
                await reply.rung()
            fact = reply.facts.popleft().fact
            self._held = isinstance(fact, AgentAudio)
            others.ring()
            await emit(fact)
            self._held = False
            self._weigh(fact, -1)

    async def deliver_others(self, emit: EmitModelEvent) -> None:
        """For another task."""
        reply, others = self._reply, self._others
        while True:
            while not (others.facts and (self._held or others.first < reply.first)):
                await others.rung()
            await emit(others.facts.popleft().fact)
            reply.ring()

    async def settle(self) -> None:
        """Returns when everything has gone that need not wait."""
        for _ in range(_SETTLING_ROUNDS):
            if not self._others.facts and (self._held or not self._reply.facts):
                return
            await asyncio.sleep(0)

    def _add(self, lane: _Lane, fact: ModelEvent) -> None:
        self._count += 1
        lane.facts.append(_Numbered(self._count, fact))
        lane.ring()

    def _cut(self, fact: ResponseInterrupted) -> None:
        """Nothing that waits of this reply goes any more; a reply whose beginning was among it begins with this."""
        waits = [one.fact for one in self._reply.facts]
        began = [one for one in waits if isinstance(one, ResponseStarted) and one.response == fact.response]
        self._drop(fact.response, _OF_A_REPLY)
        for one in began:
            self._add(self._others, one)
        self._add(self._others, fact)

    def _drop(self, response: ResponseId, kinds: tuple[type, ...]) -> None:
        kept: deque[_Numbered] = deque()
        for numbered in self._reply.facts:
            if isinstance(numbered.fact, kinds) and getattr(numbered.fact, "response", None) == response:
                self._weigh(numbered.fact, -1)
            else:
                kept.append(numbered)
        self._reply.facts = kept
        self._others.ring()

    def _weigh(self, fact: ModelEvent, sign: int) -> None:
        if isinstance(fact, AgentAudio):
            self._samples += sign * fact.audio.samples
            if self._samples >= self._limit:
                self._has_room.clear()
            else:
                self._has_room.set()


def _ends_the_call(fact: ModelEvent) -> bool:
    """The goodbye before it must not be overtaken."""
    return isinstance(fact, ToolRequested) and fact.name == END_CALL
