"""Where calls are put through: which agents are served, who may still come in, which calls are live.

Every way in (a socket, a peer connection, a carrier's stream) does the same three things: it asks the desk for an agent
by name, for admission, and then to answer a channel. One desk for one process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from vivavoce.agent.declaration import Agent
from vivavoce.channel.port import Channel
from vivavoce.engine.answer import AnsweredCall, Answering
from vivavoce.engine.call import Tools, Witness
from vivavoce.errors import Refused
from vivavoce.events import Effect, Event, Instant
from vivavoce.model.port import Model
from vivavoce.timeline.disk import Disk


@dataclass(frozen=True, slots=True)
class ServedAgent:
    """An agent that can be called by ``name``. ``make_models`` makes its usable models for this agent or a revised one,
    always the same ones in the same order; it may block. Raises :class:`~vivavoce.errors.SetupFault`.
    """

    name: str
    agent: Agent
    make_models: Callable[[Agent], Sequence[Model]]


@dataclass(slots=True, eq=False)
class LiveCall:
    """A call being answered. ``witnesses`` may be added to and taken from while it runs, on its own loop."""

    answering: Answering
    agent: ServedAgent
    opened: datetime
    witnesses: list[Witness] = field(default_factory=list)

    @property
    def call(self) -> str:
        return self.answering.call


class Desk:
    """One for each process. All methods are for the loop that runs the calls."""

    def __init__(
        self, agents: Sequence[ServedAgent], *, calls: Path, disk: Disk, now: Callable[[], datetime], limit: int
    ) -> None:
        """``limit`` is how many calls may be live at once."""
        self._agents = {served.name: served for served in agents}
        self._calls = calls
        self._disk = disk
        self._now = now
        self._limit = limit
        self._admitted = 0
        self._draining = False
        self._live: dict[str, LiveCall] = {}
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def agents(self) -> Mapping[str, ServedAgent]:
        return self._agents

    @property
    def live(self) -> Mapping[str, LiveCall]:
        """By the call's id."""
        return self._live

    def find(self, name: str) -> ServedAgent:
        """The agent called ``name``; the first one for an empty name. Raises :class:`~vivavoce.errors.Refused`."""
        served = self._agents.get(name) if name else next(iter(self._agents.values()))
        if served is None:
            raise Refused(f"there is no agent named {name!r} here", status=404, code="model_not_found")
        return served

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Holds a place for one call while the block runs. Raises :class:`~vivavoce.errors.Refused`, with what to tell
        the caller, before anything was spent on the call.
        """
        if self._draining:
            raise Refused("this server is shutting down", status=503, code="server_draining")
        if self._admitted >= self._limit:
            raise Refused("this server has as many calls as it can serve", status=503, code="server_full")
        self._admitted += 1
        self._empty.clear()
        try:
            yield
        finally:
            self._admitted -= 1
            if not self._admitted:
                self._empty.set()

    async def answering(
        self,
        served: ServedAgent,
        channel: Channel,
        *,
        agent: Agent | None = None,
        client_tools: Tools | None = None,
        witnesses: Sequence[Witness] = (),
    ) -> LiveCall:
        """A call about to be run: give it to :meth:`run`. ``agent`` is what the caller made of the served one. What
        blocks is done in a thread.
        """
        agent = agent or served.agent
        opened = self._now()
        more: list[Witness] = []

        def tell_more(at: Instant, value: Event | Effect) -> None:
            for witness in more:
                witness(at, value)

        def begin() -> Answering:
            return Answering(
                agent,
                channel,
                served.make_models(agent),
                calls=self._calls,
                opened=opened,
                disk=self._disk,
                witnesses=(*witnesses, tell_more),
                client_tools=client_tools,
            )

        return LiveCall(await asyncio.to_thread(begin), served, opened, more)

    async def run(self, live: LiveCall) -> AnsweredCall:
        """Runs the call to its end; meanwhile it is in :attr:`live`."""
        self._live[live.call] = live
        try:
            return await live.answering.run()
        finally:
            del self._live[live.call]

    async def drain(self, limit_s: float) -> int:
        """Admits nobody any more, waits for the live calls to end by themselves, and after ``limit_s`` stops them.
        Returns how many had to be stopped.
        """
        self._draining = True
        try:
            async with asyncio.timeout(limit_s):
                await self._empty.wait()
        except TimeoutError:
            stopped = [*self._live.values()]
            for live in stopped:
                live.answering.stop("the server is shutting down")
            await self._empty.wait()
            return len(stopped)
        return 0
