"""Answering one call of one agent: plan, witnesses and tools put together, and everything closed again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from vivavoce import __version__
from vivavoce.agent.declaration import Agent
from vivavoce.channel.port import Channel
from vivavoce.engine.call import Call, CallResult, ToolOutcome, Tools, Witness
from vivavoce.events import CallPlan, Effect, Event, Instant, ToolCallId
from vivavoce.model.port import Model
from vivavoce.timeline.disk import Disk
from vivavoce.timeline.recording import Recorder
from vivavoce.timeline.schema import VERSION, Header
from vivavoce.timeline.write import TimelineWriter
from vivavoce.tools.runner import ToolRunner

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


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where a call is kept: in the folder of all ``calls``, by ``disk``, under the id ``call``, a new one if that is
    empty."""

    calls: Path
    disk: Disk
    call: str = ""


def plan_of(agent: Agent, models: Sequence[Model]) -> CallPlan:
    """What the core must know of an agent."""
    return CallPlan(
        agent=agent.name,
        models=tuple(model.profile.name for model in models),
        greeting=agent.greeting,
        farewell=agent.farewell,
        apology=agent.apology,
        interruption=agent.turns.interruption,
        protect_greeting=agent.turns.protect_greeting,
        silence_limit_us=agent.limits.silence_ms * 1000,
        call_limit_us=agent.limits.call_ms * 1000,
    )


def new_call_id(opened: datetime) -> str:
    """Sorts by time, and two calls of one second do not meet."""
    return f"{opened:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


class _AllTools:
    """The agent's own functions, and beside them those of a client that runs its tools itself."""

    def __init__(self, own: ToolRunner, client: Tools | None) -> None:
        self._own = own
        self._client = client

    async def run(self, tool_call: ToolCallId, name: str, arguments: str) -> ToolOutcome:
        if self._client is not None and not self._own.knows(name):
            return await self._client.run(tool_call, name, arguments)
        return await self._own.run(name, arguments)


class Answering:
    """One call about to be run. Made first, so that whoever watches it can also stop it.

    Making it begins the timeline, which blocks for a moment and needs no loop: where other calls are running, make it
    in a thread.
    """

    def __init__(
        self,
        agent: Agent,
        channel: Channel,
        models: Sequence[Model],
        *,
        opened: datetime,
        keeping: Keeping,
        witnesses: Sequence[Witness] = (),
        client_tools: Tools | None = None,
    ) -> None:
        """``client_tools`` runs what the agent has no function for. Raises :class:`~vivavoce.errors.StoreFault` if
        nothing can be kept where the call is to be.
        """
        disk = keeping.disk
        self.call = keeping.call or new_call_id(opened)
        self.folder = keeping.calls / self.call
        self._loop: asyncio.AbstractEventLoop | None = None
        self._store_failure = ""
        self._recorder = Recorder(disk, self.folder, self._store_failed) if agent.record else None
        self._tools = ToolRunner(agent.tools, result_bytes=agent.limits.result_bytes)
        tools = _AllTools(self._tools, client_tools)
        self._call = Call(plan_of(agent, models), channel, models, tools, (self._keep, *witnesses))
        header = Header(
            vivavoce_timeline=VERSION,
            call=self.call,
            opened=opened.isoformat(),
            agent=agent.name,
            vivavoce=__version__,
            simulated=any(model.profile.simulated for model in models),
        )
        # Last, since from here on there is something to close.
        self._timeline = TimelineWriter(disk, self.folder, header, self._store_failed)

    async def run(self) -> AnsweredCall:
        """Returns when the call is over and on disk. Cancelled, it closes both first."""
        self._loop = asyncio.get_running_loop()
        if self._store_failure:
            self._call.store_failed(self._store_failure)
        try:
            result = await self._call.run()
        finally:
            await self._tools.close()
            # Handed to the executor here and now, so that no later cancellation can get ahead of it.
            recording = await asyncio.shield(self._loop.run_in_executor(None, self._close))
        return AnsweredCall(self.call, self.folder, recording, result, self._store_failure)

    def stop(self, reason: str) -> None:
        """End the call now. From the call's own loop."""
        self._call.stop(reason)

    def revise(self, models: Sequence[Model], interruption: str) -> None:
        """The agent is another from now on: :meth:`vivavoce.engine.call.Call.revise`."""
        self._call.revise(models, interruption)

    def _keep(self, at: Instant, value: Event | Effect) -> None:
        """The first witness."""
        self._timeline.write(at, value)
        if self._recorder is not None:
            self._recorder.observe(at, value)

    def _close(self) -> Path | None:
        """Returns where the sound is, if there is any. Blocks."""
        self._timeline.close()
        if self._recorder is None:
            return None
        self._recorder.close()
        return self._recorder.path if self._recorder.path.exists() else None  # none if the caller never connected

    def _store_failed(self, message: str) -> None:
        """Called by the disk's thread."""
        _log.error("a call cannot be kept and ends: %s", message)  # which names the file and what the system says
        self._store_failure = self._store_failure or message
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the call is over, and the message is kept
                self._loop.call_soon_threadsafe(self._call.store_failed, message)
