"""A client in memory for the emulator's tests: our own Bedrock client, on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TypeVar

from vivavoce.audio.pcm import silence
from vivavoce.emulator.admission import Access
from vivavoce.emulator.brain import MakeBrain
from vivavoce.emulator.faults import Fault
from vivavoce.emulator.rules import Rules
from vivavoce.emulator.service import Emulator, EmulatorSettings, fixed
from vivavoce.engine.clock import run
from vivavoce.model.bedrock.client import BedrockClient
from vivavoce.model.bedrock.identity import FixedIdentity, Identity
from vivavoce.model.bedrock.memory import MemoryNetwork
from vivavoce.model.bedrock.settings import Backoff, BedrockSettings, Timeouts
from vivavoce.model.bedrock.stream import BedrockStream
from vivavoce.model.scripted import Script, ScriptedModel, Step, tone
from vivavoce.wire import nova_output
from vivavoce.wire.nova_input import (
    AudioInput,
    ContentEnd,
    ContentStart,
    InputEvent,
    PromptEnd,
    PromptStart,
    SessionEnd,
    SessionStart,
    TextInput,
    ToolResult,
    ToolSpec,
    encode,
)
from vivavoce.wire.nova_output import OutputEvent
from vivavoce.wire.sigv4 import Keys

V2 = "amazon.nova-2-sonic-v1:0"
KEYS = Keys("AKIDEXAMPLE", "a-made-up-secret")
BEGAN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TOOL = ToolSpec(name="balance", description="what is owed", input_schema='{"type":"object","properties":{}}')
RATE_HZ = 16_000
FRAME_MS = 20
LOUD = tone(0, RATE_HZ * FRAME_MS // 1000, RATE_HZ)
QUIET = silence(RATE_HZ * FRAME_MS // 1000)

T = TypeVar("T")


def virtual_now() -> datetime:
    """The time of day on the loop's clock."""
    return BEGAN + timedelta(seconds=asyncio.get_running_loop().time())


class Client:
    """One session, spoken event by event. ``heard`` keeps what came, with the millisecond at which it did."""

    def __init__(self, stream: BedrockStream) -> None:
        self.stream = stream
        self.heard: list[tuple[float, OutputEvent]] = []
        self.fault: Exception | None = None
        self.ended = False
        self._came = asyncio.Event()
        self.reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            while (raw := await self.stream.receive()) is not None:
                self.heard.append((round(asyncio.get_running_loop().time() * 1000, 3), nova_output.decode(raw)))
                self._came.set()
        except Exception as fault:  # noqa: BLE001  # for the test to look at
            self.fault = fault
        self.ended = True
        self._came.set()

    @property
    def events(self) -> list[OutputEvent]:
        return [event for _, event in self.heard]

    def texts(self, role: str, stage: str) -> list[str]:
        blocks = {e.content for e in self.events if isinstance(e, nova_output.ContentStart) and e.stage == stage}
        return [
            e.text
            for e in self.events
            if isinstance(e, nova_output.TextOutput) and e.role == role and e.content in blocks
        ]

    def shape(self) -> list[str]:
        """What came, briefly, without usage and with runs of audio as one."""
        names: list[str] = []
        for event in self.events:
            match event:
                case nova_output.Usage() | nova_output.ContentStart(type="TEXT" | "TOOL"):
                    continue
                case nova_output.TextOutput(role=role, text=text):
                    name = f"{role}: {text}"
                case nova_output.ContentEnd(type="TEXT" | "TOOL", stop_reason=stop):
                    names[-1] += f" [{stop}]"
                    continue
                case nova_output.ContentEnd(type=type_, stop_reason=stop):
                    name = f"end {type_} [{stop}]"
                case nova_output.ToolUse(name=tool, arguments=arguments):
                    name = f"tool {tool} {arguments}"
                case nova_output.ContentStart(type=type_):
                    name = f"start {type_}"
                case _:
                    name = type(event).__name__
            if not names or names[-1] != name:
                names.append(name)
        return names

    def send(self, *events: InputEvent) -> None:
        for event in events:
            self.stream.send(encode(event))

    def text(self, role: str, text: str, *, interactive: bool = False, name: str = "t") -> None:
        self.send(
            ContentStart(prompt="p", content=name, type="TEXT", role=role, interactive=interactive),
            TextInput(prompt="p", content=name, text=text),
            ContentEnd(prompt="p", content=name),
        )

    def begin(self, *, tools: Sequence[ToolSpec] = (TOOL,), rate_hz: int = 24_000, audio: bool = True) -> None:
        self.send(SessionStart(max_tokens=1024, top_p=0.9, temperature=0.7))
        self.send(PromptStart(prompt="p", voice="matthew", output_rate_hz=rate_hz, tools=tuple(tools)))
        self.text("SYSTEM", "You are a test.", name="s")
        if audio:
            self.open_audio()

    def open_audio(self) -> None:
        self.send(ContentStart(prompt="p", content="a", type="AUDIO", role="USER", interactive=True, rate_hz=RATE_HZ))

    async def say(self, ms: int, pcm: bytes = LOUD) -> None:
        """So long of sound, at the pace of a microphone."""
        for _ in range(ms // FRAME_MS):
            self.send(AudioInput(prompt="p", content="a", pcm=pcm))
            await asyncio.sleep(FRAME_MS / 1000)

    async def hush(self, ms: int) -> None:
        await self.say(ms, QUIET)

    def answer_tool(self, result: str, tool_use: str = "") -> None:
        asked = tool_use or [e.tool_use for e in self.events if isinstance(e, nova_output.ToolUse)][-1]
        self.send(
            ContentStart(prompt="p", content=f"r-{asked}", type="TOOL", role="TOOL", interactive=False, tool_use=asked),
            ToolResult(prompt="p", content=f"r-{asked}", result=result),
            ContentEnd(prompt="p", content=f"r-{asked}"),
        )

    async def close(self) -> None:
        self.send(ContentEnd(prompt="p", content="a"), PromptEnd(prompt="p"), SessionEnd())
        await self.stream.finish()
        await self.reader


class Bench:
    """An emulator and clients for it."""

    def __init__(self, brain: MakeBrain, rules: Rules, faults: Sequence[Fault], seed: int) -> None:
        self.notices: list[str] = []
        settings = EmulatorSettings(
            brain, Access(virtual_now, {KEYS.access_key: KEYS}), rules, seed, self.notices.append
        )
        self.emulator = Emulator(settings, faults)
        self.network = MemoryNetwork(self.emulator.protocol)
        self.clients: list[BedrockClient] = []

    def client(self, **settings: object) -> BedrockClient:
        fixed_settings = {"region": "us-east-1", "timeouts": Timeouts(), "backoff": Backoff(attempts=1)} | settings
        client = BedrockClient(
            BedrockSettings(**fixed_settings),  # type: ignore[arg-type]  # by name
            now=virtual_now,
            environment={},
            random=Random(1),
            identities=FixedIdentity(Identity(KEYS)),
            connect=self.network.connect,
        )
        self.clients.append(client)
        return client

    async def open(self, model_id: str = V2) -> Client:
        return Client(await self.client().open(model_id))


def with_emulator(
    talk: Callable[[Bench], Awaitable[T]],
    *steps: Step,
    brain: MakeBrain | None = None,
    rules: Rules | None = None,
    faults: Sequence[Fault] = (),
    seed: int = 7,
) -> T:
    """Run ``talk`` against an emulator on virtual time; nothing may be left over."""

    async def main() -> T:
        script = fixed(ScriptedModel(Script(step=steps)))
        async with _bench(brain or script, rules or Rules(), faults, seed) as bench:
            return await talk(bench)

    return run(main(), virtual=True)


@asynccontextmanager
async def _bench(brain: MakeBrain, rules: Rules, faults: Sequence[Fault], seed: int) -> AsyncIterator[Bench]:
    bench = Bench(brain, rules, faults, seed)
    yield bench
    for client in bench.clients:
        await client.close()
    bench.emulator.close()
    await asyncio.sleep(1)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert bench.emulator.open_streams == 0
