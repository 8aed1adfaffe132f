"""Answering one call of one agent: plan, witnesses and tools put together, and everything closed again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from vivavoce import __version__
from vivavoce.agent.declaration import Agent
from vivavoce.channel.port import Channel
from vivavoce.engine.call import Call, CallResult, ToolOutcome, Tools, Witness
from vivavoce.engine.control import ControlTools, Surroundings, orders_of
from vivavoce.engine.planning import ear_for, plan_of, tool_plans
from vivavoce.engine.spending import spend_plan
from vivavoce.errors import SetupFault
from vivavoce.events import (
    BudgetReached,
    Effect,
    Event,
    HoldChanged,
    Instant,
    ToolApproved,
    ToolCallId,
    ToolDenied,
    ToolRequested,
)
from vivavoce.ledger.book import Book
from vivavoce.ledger.fold import LedgerFold
from vivavoce.ledger.record import CallRecord
from vivavoce.model.local.clips import clips_for
from vivavoce.model.port import Model
from vivavoce.timeline.disk import Disk
from vivavoce.timeline.recording import Recorder
from vivavoce.timeline.schema import VERSION, Header
from vivavoce.timeline.write import TimelineWriter
from vivavoce.tools.runner import ToolRunner
from vivavoce.voice.recogniser import Recogniser

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AnsweredCall:
    """A call that is over. ``folder`` holds its timeline and, if ``recording`` is set, its sound. ``store_failure``
    says what the disk refused to keep, and is empty if all was kept.
    """

    call: str
    folder: Path
    recording: Path | None
    result: CallResult
    store_failure: str
    record: CallRecord


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where a call is kept: in the folder of all ``calls``, by ``disk``, under the id ``call``, a new one if that is
    empty. ``book`` has the prices by which its limits are counted, else it is the one that comes with Vivavoce.
    ``speed`` is that of the clock that the call will run on."""

    calls: Path
    disk: Disk
    call: str = ""
    book: Book | None = None
    speed: float = 1.0


def new_call_id(opened: datetime) -> str:
    """Sorts by time, and two calls of one second do not meet."""
    return f"{opened:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


@dataclass(frozen=True, slots=True)
class Changing:
    """How a call becomes another agent: its models made for that one, always the same ones in the same order, and its
    file read. Both may block, and raise :class:`~vivavoce.errors.SetupFault`.
    """

    make_models: Callable[[Agent], Sequence[Model]]
    load_agent: Callable[[Path], Agent]


class _AllTools:
    """The agent's own tools, those of call control, and beside them those of a client that runs its tools itself."""

    def __init__(self, call: str, agent: Agent, control: ControlTools, client: Tools | None) -> None:
        self._call = call
        self._runners = [_runner(agent, call)]  # the last one is of the agent that speaks now
        self._asked: dict[ToolCallId, ToolRunner] = {}  # those that were called and not run yet
        self._control = control
        self._client = client

    def become(self, agent: Agent) -> None:
        """Tools that run go on; new ones are this agent's."""
        self._control.agent = agent
        self._runners.append(_runner(agent, self._call))

    def requested(self, tool_call: ToolCallId) -> None:
        """It may run much later, when somebody has approved of it: then as a tool of whoever was asked for it."""
        self._asked.setdefault(tool_call, self._runners[-1])

    async def run(self, tool_call: ToolCallId, name: str, arguments: str) -> ToolOutcome:
        own = self._asked.pop(tool_call, self._runners[-1])
        if self._control.knows(name):
            return await self._control.run(tool_call, name, arguments)
        if self._client is not None and not own.knows(name):
            return await self._client.run(tool_call, name, arguments)
        return await own.run(name, arguments, tool_call)

    async def close(self) -> None:
        await asyncio.gather(*(runner.close() for runner in self._runners))


def _runner(agent: Agent, call: str) -> ToolRunner:
    return ToolRunner(agent.tools, result_bytes=agent.limits.result_bytes, call=call)


class Answering:
    """One call about to be run. Made first, so that whoever watches it can also stop it.

    Making it begins the timeline, which blocks for a moment and needs no loop: where other calls are running, make it
    in a thread.
    """

    def __init__(  # noqa: PLR0913  # what a call is made of
        self,
        agent: Agent,
        channel: Channel,
        models: Sequence[Model],
        *,
        opened: datetime,
        keeping: Keeping,
        witnesses: Sequence[Witness] = (),
        client_tools: Tools | None = None,
        changing: Changing | None = None,
        outbound: bool = False,
        recogniser: Recogniser | None = None,
    ) -> None:
        """``client_tools`` runs what the agent has no function for. ``outbound``: we called, and a machine may answer.
        ``recogniser`` hears words in the place of the one that calls share: one that answers at once, for virtual time.
        Raises :class:`~vivavoce.errors.StoreFault` if nothing can be kept where the call is to be, and
        :class:`~vivavoce.errors.NotAvailable` if the agent's policy of turns needs a package that is not here.
        """
        ear = ear_for(agent, channel.rate_hz, outbound=outbound, recogniser=recogniser)
        self.models = [model.profile.name for model in models]
        """Their names, as in the plan."""
        self.header = _header(agent, models, opened, keeping, outbound=outbound)
        self.call = self.header.call
        self.folder = keeping.calls / self.call
        self._agent = agent
        self._changing = changing
        self._rate_hz = channel.rate_hz
        around = Surroundings(self.call, lambda: orders_of(channel), self._become, self._load)
        self._tools = _AllTools(self.call, agent, ControlTools(agent, around), client_tools)
        plan = plan_of(agent, models, spend_plan(agent, self.models, keeping.book))
        speaks = all(model.profile.speaks for model in models)
        clips = None if speaks else clips_for(agent.language)
        # Next to last, since from here on there is something to close.
        self._kept = _Kept(keeping.disk, self.folder, self.header, self._store_failed, record=agent.record)
        watching = (self._keep, *witnesses)
        self._call = Call(plan, channel, models, self._tools, watching, ear=ear, clips=clips)
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self) -> AnsweredCall:
        """Returns when the call is over and on disk. Cancelled, it closes both first."""
        self._loop = asyncio.get_running_loop()
        if self._kept.failure:
            self._call.store_failed(self._kept.failure)
        try:
            result = await self._call.run()
        finally:
            # Handed to the executor here and now, so that no later cancellation can get ahead of it.
            closed = self._loop.run_in_executor(None, self._kept.close)
            try:
                await self._tools.close()
            finally:
                recording, record = await asyncio.shield(closed)
        return AnsweredCall(self.call, self.folder, recording, result, self._kept.failure, record)

    def stop(self, reason: str) -> None:
        """End the call now. From the call's own loop."""
        self._call.stop(reason)

    def revise(self, agent: Agent, models: Sequence[Model]) -> None:
        """The agent is another from now on, with ``models`` made for it: :meth:`vivavoce.engine.call.Call.revise`.
        Raises :class:`~vivavoce.errors.SetupFault` if its policy of turns cannot be had here; then nothing has changed.
        """
        ear = None if self._call.hears else ear_for(agent, self._rate_hz)
        self._agent = agent
        self._tools.become(agent)
        self._call.revise(models, agent.turns.interruption, tool_plans(agent), ear)

    def approve(self, tool_call: str, by: str) -> None:
        """Somebody says that this tool may run."""
        self._call.tell(ToolApproved(ToolCallId(tool_call), by))

    def deny(self, tool_call: str, by: str, reason: str) -> None:
        """Somebody says that it must not."""
        self._call.tell(ToolDenied(ToolCallId(tool_call), by, reason))

    def hold(self, held: bool, by: str) -> None:  # as the fact has it
        """Let the caller wait, or talk again."""
        self._call.tell(HoldChanged(held, by))

    def budget(self, news: BudgetReached) -> None:
        """A budget that the call shares is used up to a step of it."""
        self._call.tell(news)

    async def _become(self, agent: Agent) -> None:
        """The call goes on as this agent, with the models that it began with. Raises
        :class:`~vivavoce.errors.SetupFault`; then nothing has changed.
        """
        if self._changing is None:
            raise SetupFault("this call cannot become another agent", hint="serve the agent with vivavoce serve")
        agent = replace(agent, models=self._agent.models)
        models = await asyncio.to_thread(self._changing.make_models, agent)
        if [model.profile.name for model in models] != self.models:
            raise SetupFault(f"not all models of this call can be {agent.name}", hint="see its voice, tools and length")
        self.revise(agent, models)

    def _load(self, path: Path) -> Agent:
        if self._changing is None:
            raise SetupFault("this call cannot become another agent", hint="serve the agent with vivavoce serve")
        return self._changing.load_agent(path)

    def _keep(self, at: Instant, value: Event | Effect) -> None:
        """The first witness."""
        self._kept.write(at, value)
        if isinstance(value, ToolRequested):
            self._tools.requested(value.tool_call)

    def _store_failed(self, message: str) -> None:
        """Called by the disk's thread."""
        _log.error("a call cannot be kept and ends: %s", message)  # which names the file and what the system says
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the call is over, and the message is kept
                self._loop.call_soon_threadsafe(self._call.store_failed, message)


class _Kept:
    """What is kept of a call while it goes on: its timeline, its sound, its account. ``failure`` says what the disk
    refused, and is empty while it takes everything."""

    def __init__(
        self, disk: Disk, folder: Path, header: Header, failed: Callable[[str], None], *, record: bool
    ) -> None:
        """Begins the file. Raises :class:`~vivavoce.errors.StoreFault`."""
        self.failure = ""
        self._failed = failed
        self._recorder = Recorder(disk, folder, self.fail) if record else None
        self._ledger = LedgerFold(header)
        self._timeline = TimelineWriter(disk, folder, header, self.fail)

    def write(self, at: Instant, value: Event | Effect) -> None:
        self._timeline.write(at, value)
        self._ledger.add(at, value)
        if self._recorder is not None:
            self._recorder.observe(at, value)

    def close(self) -> tuple[Path | None, CallRecord]:
        """Returns where the sound is, if there is any, and what the ledger knows of the call. Blocks."""
        if self._recorder is not None:
            self._recorder.close()
        self._timeline.close()  # last: whoever sees that it is not locked any more takes the sound for complete
        record = self._ledger.finish()
        path = self._recorder.path if self._recorder is not None else None
        return path if path is not None and path.exists() else None, record  # none if the caller never connected

    def fail(self, message: str) -> None:
        """Called by the disk's thread."""
        self.failure = self.failure or message
        self._failed(message)


def _header(agent: Agent, models: Sequence[Model], opened: datetime, keeping: Keeping, *, outbound: bool) -> Header:
    return Header(
        vivavoce_timeline=VERSION,
        call=keeping.call or new_call_id(opened),
        opened=opened.isoformat(),
        agent=agent.name,
        vivavoce=__version__,
        simulated=any(model.profile.simulated for model in models),
        tenant=agent.tenant,
        outbound=outbound,
        speed=keeping.speed,
    )
