"""Where calls are put through: which agents are served, who may still come in, which calls are live.

Every way in (a socket, a peer connection, a carrier's stream) does the same three things: it asks the desk for an agent
by name, for admission, and then to answer a channel. One desk for one process.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from vivavoce.agent.declaration import Agent
from vivavoce.agent.file import load_agent
from vivavoce.channel.port import Channel
from vivavoce.console.feed import CallFeed
from vivavoce.engine.answer import AnsweredCall, Answering, Changing, Keeping, new_call_id
from vivavoce.engine.call import Tools, Witness
from vivavoce.engine.clock import loop_time_s
from vivavoce.errors import Refused
from vivavoce.events import BudgetReached, Disposition
from vivavoce.model.port import Model
from vivavoce.server.admission import Admission, Bounds
from vivavoce.server.books import Books
from vivavoce.server.budgets import Spent
from vivavoce.server.ids import marked
from vivavoce.server.limits import LagWindow
from vivavoce.server.metrics import Metrics
from vivavoce.server.waiting import cancelling
from vivavoce.timeline.disk import Disk

_ENDING = "the server is shutting down"
STOPPING_S = 10.0
"""How long stopped calls may take to be closed."""


@dataclass(frozen=True, slots=True)
class ServedAgent:
    """An agent that can be called by ``name``. ``make_models`` makes its usable models for this agent or a revised one,
    always the same ones in the same order; it may block. Raises :class:`~vivavoce.errors.SetupFault`.
    """

    name: str
    agent: Agent
    make_models: Callable[[Agent], Sequence[Model]]
    models: tuple[str, ...] = ()
    """Their names, in order of preference."""
    voices: tuple[str, ...] = ()
    """Those that the first of them has; empty where nobody knows."""
    with_variables: Callable[[Mapping[str, str]], Agent] | None = None
    """The agent for one call that gives these variables; may block. Raises :class:`~vivavoce.errors.SetupFault`."""
    load_agent: Callable[[Path], Agent] = load_agent
    """Reads the file of an agent that a call becomes; may block. Raises :class:`~vivavoce.errors.SetupFault`."""


@dataclass(slots=True, eq=False)
class LiveCall:
    """A call being answered. ``feed`` is for those who look at it."""

    answering: Answering
    agent: ServedAgent
    opened: datetime
    feed: CallFeed

    @property
    def call(self) -> str:
        return self.answering.call


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a call would be taken now, and if not, why. ``live``, ``limit`` are calls; ``lag_ms`` is the loop's."""

    reason: str
    live: int
    limit: int
    lag_ms: float

    @property
    def ready(self) -> bool:
        return not self.reason

    def told(self) -> dict[str, object]:
        lag_ms = round(self.lag_ms, 1)
        return {
            "ready": self.ready,
            "reason": self.reason or None,
            "live_calls": self.live,
            "max_calls": self.limit,
            "lag_p99_ms": lag_ms,
        }


class Desk:
    """One for each process. All methods are for the loop that runs the calls."""

    def __init__(
        self,
        agents: Sequence[ServedAgent],
        *,
        calls: Path,
        disk: Disk,
        now: Callable[[], datetime],
        admission: Admission,
        metrics: Metrics | None = None,
        worker: int = 0,
    ) -> None:
        """``worker`` is the process's number, which the ids of its calls tell."""
        self.books = Books(now=now)
        """Those without a store, until somebody opens others."""
        self.admission = admission
        self._metrics = metrics or Metrics()
        self.lag = LagWindow()
        self._agents = {served.name: served for served in agents}
        self._calls = calls
        self._disk = disk
        self._now = now
        self._worker = worker
        self._live: dict[str, LiveCall] = {}
        self.change = asyncio.Event()
        """Set when calls come or go the next time, and then another."""

    @property
    def agents(self) -> Mapping[str, ServedAgent]:
        return self._agents

    @property
    def calls(self) -> Path:
        """The folder that keeps its calls."""
        return self._calls

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

    def readiness(self) -> Readiness:
        lag_ms = self.lag.p99_ms(loop_time_s())
        refused = self.admission.why_not(lag_ms)
        reason = refused.code if refused is not None else ""
        return Readiness(reason, self.admission.calls, self.admission.max_calls, lag_ms)

    @contextmanager
    def admit(self, served: ServedAgent | None = None, bounds: Bounds | None = None) -> Iterator[None]:
        """Holds a place for one call to ``served`` while the block runs, within the bounds of whoever calls. Raises
        :class:`~vivavoce.errors.Refused`, with what to tell the caller, before anything was spent on the call.
        """
        model = served.models[0] if served is not None and served.models else ""
        now_s = loop_time_s()
        lag_ms = self.lag.p99_ms(now_s)
        try:
            if served is not None:
                self.books.budgets.check(served.agent.name, served.agent.tenant)
            place = self.admission.take(bounds or Bounds(), model, lag_ms=lag_ms, now_s=now_s)
        except Refused as refused:
            self._metrics.count("vivavoce_calls_refused_total", reason=refused.code)
            raise
        self._tell_change()
        try:
            yield
        finally:
            self.admission.give_back(place)
            self._tell_change()

    async def answering(
        self,
        served: ServedAgent,
        channel: Channel,
        *,
        agent: Agent | None = None,
        client_tools: Tools | None = None,
        witnesses: Sequence[Witness] = (),
        make_models: Callable[[Agent], Sequence[Model]] | None = None,
        outbound: bool = False,
    ) -> LiveCall:
        """A call about to be run: give it to :meth:`run`. ``agent`` is what the caller made of the served one,
        ``make_models`` makes models for what the call may become. ``outbound``: we called. What blocks is done in a
        thread.
        """
        agent = agent or served.agent
        opened = self._now()
        changing = Changing(make_models or served.make_models, served.load_agent)

        def begin() -> LiveCall:
            models = served.make_models(agent)
            feed = CallFeed(simulated=any(model.profile.simulated for model in models), book=self.books.book)
            answering = Answering(
                agent,
                channel,
                models,
                opened=opened,
                keeping=Keeping(self._calls, self._disk, marked(new_call_id(opened), self._worker), self.books.book),
                witnesses=(*witnesses, feed.observe),
                client_tools=client_tools,
                changing=changing,
                outbound=outbound,
            )
            return LiveCall(answering, served, opened, feed)

        return await asyncio.to_thread(begin)

    async def run(self, live: LiveCall) -> AnsweredCall:
        """Runs the call to its end; meanwhile it is in :attr:`live`."""
        name = live.agent.name
        self._live[live.call] = live
        self._metrics.count("vivavoce_calls_total", agent=name)
        disposition = Disposition.FAILED
        try:
            answered = await live.answering.run()
            disposition = answered.result.disposition
            cost = await self.books.call_ended(answered)
            record = msgspec.structs.replace(answered.record, agent=name)  # metrics go by the name that is served
            self._metrics.call_ended(record, cost)
        finally:
            del self._live[live.call]
            self._metrics.count("vivavoce_calls_ended_total", agent=name, disposition=disposition.value)
        return answered

    def spent(self) -> list[Spent]:
        """What the live calls have cost so far, as far as it is known; simulated ones have cost nothing."""
        return [
            Spent(
                call,
                live.answering.header.agent,
                live.answering.header.tenant,
                {"USD": cost.known},
                live.answering.models,
            )
            for call, live in self._live.items()
            if (cost := live.feed.cost).reason != "simulated"
        ]

    def tell(self, call: str, news: BudgetReached) -> None:
        """A live call, of a budget that it shares."""
        if call in self._live:
            self._live[call].answering.budget(news)

    async def drain(
        self, limit_s: float, hurry: asyncio.Event | None = None, stop_others: Callable[[str], None] | None = None
    ) -> int:
        """Admits nobody any more, waits for the live calls to end by themselves, and after ``limit_s``, or once there
        is no more time to lose, stops them; ``stop_others`` is to end what was admitted and is no call yet. Returns how
        many had to be stopped.
        """
        self.admission.draining = True
        hurry = hurry or asyncio.Event()
        with contextlib.suppress(TimeoutError):
            async with (
                asyncio.timeout(limit_s),
                cancelling(self._empty()) as empty,
                cancelling(hurry.wait()) as hurried,
            ):
                await asyncio.wait((empty, hurried), return_when=asyncio.FIRST_COMPLETED)
        stopped = self.admission.here.calls
        for live in [*self._live.values()]:
            live.answering.stop(_ENDING)
        if stop_others is not None:
            stop_others(_ENDING)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOPPING_S):
                await self._empty()
        return stopped

    async def _empty(self) -> None:
        while self.admission.here.calls:
            await self.change.wait()

    def _tell_change(self) -> None:
        self.change.set()
        self.change = asyncio.Event()
