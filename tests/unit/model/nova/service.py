"""The service as a session sees it, in memory: what it was sent, and what it says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar

from vivavoce.agent.declaration import Agent
from vivavoce.engine.clock import run
from vivavoce.events import AgentAudio, ConnectionId, ModelEffect, ModelEvent
from vivavoce.model.nova.model import NovaModel
from vivavoce.model.nova.session import NovaSession
from vivavoce.wire import nova_input, nova_output
from vivavoce.wire.nova_output import (
    AudioOutput,
    ContentEnd,
    ContentStart,
    OutputEvent,
    TextOutput,
    ToolUse,
)

C = ConnectionId(4)
NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
AGENT = Agent("desk", "You help at the desk.")
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "made-up", "AWS_REGION": "us-east-1"}
_Kind = TypeVar("_Kind")


class FakeStream:
    """Implements the stream's port. ``said`` are the client's events with their instants in milliseconds."""

    def __init__(self) -> None:
        self.credentials_expire: datetime | None = None
        self.unsent_bytes = 0
        self.stalled = False  # the peer takes nothing more
        self.sent: list[tuple[float, nova_input.InputEvent]] = []
        self.finished = False
        self.aborted = False
        self.finish_s = 0.0
        self.reads = 0
        self._incoming: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()

    def send(self, event: bytes) -> None:
        assert not self.finished
        if self.stalled:
            self.unsent_bytes += len(event) * 2
        self.sent.append((round(asyncio.get_running_loop().time() * 1000, 3), nova_input.decode(event)))

    async def receive(self) -> bytes | None:
        said = await self._incoming.get()
        self.reads += 1
        if isinstance(said, Exception):
            raise said
        return said

    async def finish(self) -> None:
        self.finished = True
        await asyncio.sleep(self.finish_s)

    def abort(self) -> None:
        self.aborted = True

    def say(self, *events: OutputEvent | Exception | bytes | None) -> None:
        for event in events:
            raw = event if event is None or isinstance(event, Exception | bytes) else nova_output.encode(event)
            self._incoming.put_nowait(raw)

    def heard(self, kind: type[_Kind]) -> list[_Kind]:
        return [event for _, event in self.sent if isinstance(event, kind)]

    def blocks(self) -> list[tuple[str | None, str]]:
        """The texts that it was told, as (role, text), with ``!`` after the role of one that wants an answer."""
        roles = {
            start.content: f"{start.role}{'!' if start.interactive else ''}"
            for start in self.heard(nova_input.ContentStart)
            if start.type == "TEXT"
        }
        texts = dict.fromkeys(roles, "")
        for text in self.heard(nova_input.TextInput):
            texts[text.content] += text.text
        return [(role, texts[content]) for content, role in roles.items()]


class FakeBedrock:
    """Opens one stream after another."""

    def __init__(self, make: Callable[[], FakeStream] = FakeStream) -> None:
        self.streams: list[FakeStream] = []
        self.closed = 0
        self.fault: Exception | None = None
        self._make = make

    async def open(self, model_id: str, opening: Sequence[bytes] = ()) -> FakeStream:
        if self.fault is not None:
            raise self.fault
        stream = self._make()
        self.streams.append(stream)
        for event in opening:
            stream.send(event)
        return stream

    async def close(self) -> None:
        self.closed += 1


@dataclass
class Played:
    """What came of a session that was run."""

    stream: FakeStream
    emitted: list[tuple[float, ModelEvent]] = field(default_factory=list)
    error: BaseException | None = None

    @property
    def facts(self) -> list[ModelEvent]:
        return [fact for _, fact in self.emitted]

    def all(self, kind: type[_Kind]) -> list[_Kind]:
        return [fact for _, fact in self.emitted if isinstance(fact, kind)]


Step = ModelEffect | OutputEvent | Exception | None | bytes | Callable[[FakeStream], Any]


def nova(
    agent: Agent = AGENT, settings: Mapping[str, Any] | None = None, bedrock: FakeBedrock | None = None
) -> NovaModel:
    return NovaModel(agent, settings or {}, now=lambda: NOW, environment=ENVIRONMENT, bedrock=bedrock or FakeBedrock())


def play(
    steps: Mapping[int, Iterable[Step]],
    *,
    agent: Agent = AGENT,
    settings: Mapping[str, Any] | None = None,
    make: Callable[[], FakeStream] = FakeStream,
    hold_audio: Callable[[AgentAudio], float] = lambda _: 0.0,
    for_ms: int = 5000,
) -> Played:
    """One session on virtual time: wishes, and what the service says, at their milliseconds; then it is cancelled."""

    async def main() -> Played:
        loop = asyncio.get_running_loop()
        bedrock = FakeBedrock(make)
        session = nova(agent, settings, bedrock).session(C)
        emitted: list[tuple[float, ModelEvent]] = []

        async def emit(event: ModelEvent) -> None:
            if isinstance(event, AgentAudio) and (wait_s := hold_audio(event)):
                await asyncio.sleep(wait_s)
            emitted.append((round(loop.time() * 1000, 3), event))

        for ms, due in steps.items():
            loop.call_at(ms / 1000, _perform, session, bedrock, tuple(due))
        task = loop.create_task(session.run(emit))
        await asyncio.wait([task], timeout=for_ms / 1000)
        if not task.done():
            task.cancel()
        await asyncio.wait([task])
        error = None if task.cancelled() else task.exception()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return Played(bedrock.streams[0], emitted, error)

    return run(main(), virtual=True)


def _perform(session: NovaSession, bedrock: FakeBedrock, steps: tuple[Step, ...]) -> None:
    for step in steps:
        if isinstance(step, ModelEffect):
            session.perform(step)
        elif callable(step):
            step(bedrock.streams[0])
        else:
            bedrock.streams[0].say(step)


_ids = count(1)


def speculative(text: str) -> tuple[OutputEvent, ...]:
    return _text("ASSISTANT", "SPECULATIVE", text)


def final(text: str, stop: str = "PARTIAL_TURN") -> tuple[OutputEvent, ...]:
    return _text("ASSISTANT", "FINAL", text, stop)


def caller_said(text: str) -> tuple[OutputEvent, ...]:
    return _text("USER", "FINAL", text)


def audio(samples: int, stop: str = "PARTIAL_TURN", pieces: int = 1) -> tuple[OutputEvent, ...]:
    content = f"b{next(_ids)}"
    piece = AudioOutput(content=content, pcm=bytes(2 * (samples // pieces)))
    return (
        ContentStart(content=content, type="AUDIO", role="ASSISTANT", rate_hz=24_000),
        *([piece] * pieces),
        ContentEnd(content=content, type="AUDIO", stop_reason=stop),
    )


def tool(name: str, arguments: str = "{}", tool_use: str = "t1") -> tuple[OutputEvent, ...]:
    content = f"b{next(_ids)}"
    return (
        ContentStart(content=content, type="TOOL", role="TOOL"),
        ToolUse(content=content, tool_use=tool_use, name=name, arguments=arguments),
        ContentEnd(content=content, type="TOOL", stop_reason="TOOL_USE"),
    )


def interrupted() -> tuple[OutputEvent, ...]:
    return final(nova_output.INTERRUPTED_MARK, "INTERRUPTED")


def reply(text: str, samples: int = 2400) -> tuple[OutputEvent, ...]:
    """A whole reply of one segment."""
    return (*speculative(text), *audio(samples, "END_TURN"))


def _text(role: str, stage: str, text: str, stop: str = "PARTIAL_TURN") -> tuple[OutputEvent, ...]:
    content = f"b{next(_ids)}"
    return (
        ContentStart(content=content, type="TEXT", role=role, stage=stage),
        TextOutput(content=content, role=role, text=text),
        ContentEnd(content=content, type="TEXT", stop_reason=stop),
    )
