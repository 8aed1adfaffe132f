"""A Realtime client in the same process: what it sends, what it gets, on virtual time, with a scripted model behind."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from vivavoce.agent.declaration import Agent
from vivavoce.engine.clock import run
from vivavoce.errors import SetupFault
from vivavoce.model.port import Model
from vivavoce.model.scripted import Script, ScriptedModel, Step, tone
from vivavoce.server.admission import Admission
from vivavoce.server.desk import Desk, ServedAgent
from vivavoce.server.realtime.conversation import Conversation
from vivavoce.server.realtime.line import Line
from vivavoce.timeline.disk import Disk
from vivavoce.timeline.read import read_timeline
from vivavoce.wire.realtime.configuration import AudioOver, Offer
from vivavoce.wire.realtime.front import Front

OPENED = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
SPEECH = tone(0, 24_000, 24_000)
"""A second of it."""


@dataclass(eq=False)
class Client:
    """An :class:`~vivavoce.server.realtime.audience.Outlet`, and what a program would do with it."""

    events: list[dict[str, Any]] = field(default_factory=list)
    closed: tuple[int, str] | None = None
    conversation: Conversation = field(init=False)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, message: str) -> None:
        self.events.append(json.loads(message))
        self._news.set()

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.closed = self.closed or (code, reason)
        self._news.set()

    def says(self, kind: str, **members: Any) -> None:
        self.conversation.receive(json.dumps({"type": kind, **members}))

    def updates(self, **session: Any) -> None:
        self.says("session.update", session={"type": "realtime", **session})

    async def speaks(self, pcm: bytes = SPEECH, *, then_s: float = 0.5) -> None:
        """At real time, and is silent afterwards."""
        for at in range(0, len(pcm), 960):
            self.says("input_audio_buffer.append", audio=base64.b64encode(pcm[at : at + 960]).decode())
            await asyncio.sleep(0.02)
        await asyncio.sleep(then_s)

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    async def gets(self, kind: str, count: int = 1) -> dict[str, Any]:
        """The ``count``-th event of a kind, waited for."""
        async with asyncio.timeout(60):
            while len(self.all(kind)) < count:
                self._news.clear()
                await self._news.wait()
        return self.all(kind)[count - 1]

    @property
    def spoken_ms(self) -> float:
        deltas = self.all("response.output_audio.delta")
        return sum(len(base64.b64decode(delta["delta"])) for delta in deltas) / 48


@dataclass
class Stage:
    """``scripts`` are for the models as they are made: the first for the first call, the next for a revised agent."""

    scripts: Sequence[Script]
    agent: Agent = field(default_factory=lambda: Agent("The desk", "Answer."))
    made: list[Agent] = field(default_factory=list)
    timeline: list[Any] = field(default_factory=list)

    def make_models(self, agent: Agent) -> Sequence[Model]:
        if "impossible" in agent.instructions:
            raise SetupFault("these instructions are too long", hint="shorten them")
        self.made.append(agent)
        return [ScriptedModel(self.scripts[min(len(self.made), len(self.scripts)) - 1])]

    def play(self, calls: Path, script: Callable[[Client], Awaitable[None]], line: Line | None = None) -> Client:
        """Runs ``script`` as the client, who leaves when it is over."""
        with patch("asyncio.to_thread", in_no_time):
            client = run(self._play(calls, script, line or Line("realtime")), virtual=True)
        files = sorted(calls.glob("*/timeline.jsonl"))
        self.timeline = [each.value for file in files for each in read_timeline(file).lines]
        return client

    async def _play(self, calls: Path, script: Callable[[Client], Awaitable[None]], line: Line) -> Client:
        disk = Disk()
        try:
            served = ServedAgent("desk", self.agent, self.make_models, ("scripted",))
            desk = Desk([served], calls=calls, disk=disk, now=lambda: OPENED, admission=Admission(10, 100, {}))
            client = Client()
            counts: dict[str, int] = {}

            def new_id(kind: str) -> str:
                counts[kind] = counts.get(kind, 0) + 1
                return f"{kind}_{counts[kind]}"

            tools = frozenset(tool.name for tool in self.agent.tools)
            policy = self.agent.turns.interruption
            offer = Offer(session="sess_1", model="desk", voice="", server_tools=tools, interruption=policy)
            over = AudioOver.MEDIA if not line.fills else AudioOver.EVENTS
            client.conversation = Conversation(desk, served, Front(offer, new_id, audio_over=over), client, line, "")
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(client.conversation.run())
                await asyncio.sleep(0)
                await script(client)
                client.conversation.hang_up("the client closed the connection")
                await running
        finally:
            disk.stop()
        return client

    def seen(self, kind: type[Any]) -> list[Any]:
        """Of the timeline, once played."""
        return [value for value in self.timeline if isinstance(value, kind)]


async def in_no_time(work: Callable[..., Any], *arguments: Any) -> Any:
    """A thread would be overtaken by virtual time."""
    return work(*arguments)


def script(*steps: Step) -> Script:
    return Script(step=(Step(ready=True), *steps))
