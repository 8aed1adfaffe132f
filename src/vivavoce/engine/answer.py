"""Answering one call of one agent: plan, witnesses and tools put together, and everything closed again."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from vivavoce import __version__
from vivavoce.agent.declaration import Agent
from vivavoce.channel.port import Channel
from vivavoce.engine.call import Call, CallResult, Witness
from vivavoce.events import CallPlan
from vivavoce.model.port import Model
from vivavoce.timeline.disk import Disk
from vivavoce.timeline.recording import Recorder
from vivavoce.timeline.schema import VERSION, Header
from vivavoce.timeline.write import TimelineWriter
from vivavoce.tools.runner import ToolRunner


@dataclass(frozen=True, slots=True)
class AnsweredCall:
    """A call that is over. ``folder`` holds its timeline and, if ``recording`` is set, its sound. ``store_failure``
    says
    what the disk refused to keep, and is empty if all was kept."""

    call: str
    folder: Path
    recording: Path | None
    result: CallResult
    store_failure: str


def plan_of(agent: Agent, models: Sequence[Model]) -> CallPlan:
    """What the core must know of an agent."""
    return CallPlan(
        agent=agent.name,
        models=tuple(model.profile.name for model in models),
        greeting=agent.greeting,
        farewell=agent.farewell,
        interruption=agent.turns.interruption,
        protect_greeting=agent.turns.protect_greeting,
        silence_limit_us=agent.limits.silence_ms * 1000,
        call_limit_us=agent.limits.call_ms * 1000,
    )


def new_call_id(opened: datetime) -> str:
    """Sorts by time, and two calls of one second do not meet."""
    return f"{opened:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


class Answering:
    """One call about to be run. Made first, so that whoever watches it can also stop it."""

    def __init__(
        self,
        agent: Agent,
        channel: Channel,
        models: Sequence[Model],
        *,
        calls: Path,
        opened: datetime,
        disk: Disk,
        witnesses: Sequence[Witness] = (),
    ) -> None:
        """``calls`` is the folder of all calls. Raises :class:`~vivavoce.errors.StoreFault` if nothing can be kept
        there.
        """
        self.call = new_call_id(opened)
        self.folder = calls / self.call
        header = Header(
            vivavoce_timeline=VERSION,
            call=self.call,
            opened=opened.isoformat(),
            agent=agent.name,
            vivavoce=__version__,
            simulated=any(model.profile.simulated for model in models),
        )
        self._loop = asyncio.get_running_loop()
        self._timeline = TimelineWriter(disk, self.folder, header, self._store_failed)
        self._recorder = Recorder(disk, self.folder, self._store_failed) if agent.record else None
        keeping: list[Witness] = [self._timeline.write]
        if self._recorder is not None:
            keeping.append(self._recorder.observe)
        tools = ToolRunner(agent.tools, result_bytes=agent.limits.result_bytes)
        self._call = Call(plan_of(agent, models), channel, models, tools, (*keeping, *witnesses))
        self._store_failure = ""

    async def run(self) -> AnsweredCall:
        """Returns when the call is over and on disk."""
        try:
            result = await self._call.run()
        finally:
            await asyncio.shield(asyncio.to_thread(self._close))
        recording = self._recorder.path if self._recorder is not None else None
        if recording is not None and not recording.exists():
            recording = None  # the caller was never connected
        return AnsweredCall(self.call, self.folder, recording, result, self._store_failure)

    def stop(self, reason: str) -> None:
        """End the call now. From the call's own loop."""
        self._call.stop(reason)

    def _close(self) -> None:
        if self._recorder is not None:
            self._recorder.close()
        self._timeline.close()

    def _store_failed(self, message: str) -> None:
        """Called by the disk's thread."""
        self._store_failure = self._store_failure or message
        with contextlib.suppress(RuntimeError):  # the loop is closed: the call is over, and the message is kept
            self._loop.call_soon_threadsafe(self._call.store_failed, message)
