"""A session's facts on their way to the call, of which the agent's audio may have to wait.

Two lanes. In one go the reply's own facts, in order; where ``emit`` lets audio wait, they wait with it. In the other
goes everything else and passes by. While nothing waits, the order of both is the order in which they were put.
"""

from __future__ import annotations

import asyncio
from collections import deque

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

_OF_A_REPLY = AgentAudio | AgentText | ResponseStarted | ResponseFinished


class Outbox:
    """``limit_samples`` of audio may wait here; then :meth:`room` waits."""

    def __init__(self, limit_samples: int) -> None:
        self._limit = limit_samples
        self._samples = 0
        self._reply: deque[ModelEvent] = deque()
        self._others: deque[ModelEvent] = deque()
        self._reply_came = asyncio.Event()
        self._other_came = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()

    def put(self, fact: ModelEvent) -> None:
        if isinstance(fact, ResponseInterrupted):
            self._cut(fact)
        elif isinstance(fact, _OF_A_REPLY) or _ends_the_call(fact):
            self._reply.append(fact)
            self._count(fact, 1)
            self._reply_came.set()
        else:
            self._put_other(fact)

    def drop_audio(self, response: ResponseId) -> None:
        """Its sound and words are not wanted any more; that it began and ended still is."""
        self._drop(response, AgentAudio | AgentText)

    async def room(self) -> None:
        """Returns when more audio may be put."""
        await self._has_room.wait()

    async def deliver_reply(self, emit: EmitModelEvent) -> None:
        """For one task."""
        while True:
            await self._reply_came.wait()
            while self._reply:
                fact = self._reply.popleft()
                await emit(fact)
                self._count(fact, -1)
            self._reply_came.clear()

    async def deliver_others(self, emit: EmitModelEvent) -> None:
        """For another task."""
        while True:
            await self._other_came.wait()
            # The other task was woken before, if a fact of a reply came before: it now emits all that need not wait.
            await asyncio.sleep(0)
            while self._others:
                await emit(self._others.popleft())
            self._other_came.clear()

    async def settle(self) -> None:
        """Give what need not wait the time to go."""
        for _ in range(3):
            await asyncio.sleep(0)

    def _put_other(self, fact: ModelEvent) -> None:
        self._others.append(fact)
        self._other_came.set()

    def _cut(self, fact: ResponseInterrupted) -> None:
        """Overtakes what it cuts; a reply whose beginning has not gone yet begins with it."""
        began = [one for one in self._reply if isinstance(one, ResponseStarted) and one.response == fact.response]
        self._drop(fact.response, _OF_A_REPLY)
        for one in began:
            self._put_other(one)
        self._put_other(fact)

    def _drop(self, response: ResponseId, kinds: object) -> None:
        kept: deque[ModelEvent] = deque()
        for fact in self._reply:
            if isinstance(fact, kinds) and getattr(fact, "response", None) == response:  # type: ignore[arg-type]
                self._count(fact, -1)
            else:
                kept.append(fact)
        self._reply = kept

    def _count(self, fact: ModelEvent, sign: int) -> None:
        if isinstance(fact, AgentAudio):
            self._samples += sign * fact.audio.samples
            if self._samples >= self._limit:
                self._has_room.clear()
            else:
                self._has_room.set()


def _ends_the_call(fact: ModelEvent) -> bool:
    """The goodbye before it must not be overtaken."""
    return isinstance(fact, ToolRequested) and fact.name == END_CALL
