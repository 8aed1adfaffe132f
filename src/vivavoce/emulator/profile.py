"""A brain that keeps time as published figures of Nova 2 Sonic have it, and understands nothing.

It hears only whether somebody speaks, and answers with sentences from a list, in tones. Every second turn it calls a
tool, if the client declared any. What is measured with it is this table, never the service.

================================================  =========  ==================================================
end of the question to first audio                p50 1.1 s  a live probe; a benchmark of 30 turns had 1.28 s
the same where a tool answers at once             1.5 s      the same probe
tool result to first audio                        650 ms     the same probe
slowest of a turn                                 3.2-4.5 s  the benchmark
audio                                             80 ms a    faster than real time, with gaps of up to 0.4 s
                                                  piece
================================================  =========  ==================================================
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import log
from typing import Any

import msgspec
import numpy as np

from vivavoce.audio.pcm import samples_for
from vivavoce.emulator.hearing import NoiseProofEar
from vivavoce.events import (
    AgentAudio,
    AgentText,
    Audio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTranscribed,
    CancelResponse,
    ConnectionId,
    ForwardAudio,
    ForwardText,
    ModelEffect,
    ModelReady,
    RequestReply,
    ResponseFinished,
    ResponseId,
    ResponseStarted,
    ReturnToolResult,
    Samples,
    Speak,
    ToolCallId,
    ToolRequested,
)
from vivavoce.model.port import EmitModelEvent, ModelProfile
from vivavoce.model.scripted import HANGOVER_MS, MS_PER_CHARACTER, LoudnessEar, When, tone
from vivavoce.wire.nova_input import PromptStart, ToolSpec

RATE_HZ = 24_000
FIRST_AUDIO_S = 1.1
TOOL_USE_S = 0.85
AFTER_RESULT_S = 0.65
SPREAD = 0.25
"""Of the logarithm: one turn in twenty takes half as long again, one in ten thousand three times."""
SLOWEST_S = 4.5
PIECE_MS = 80
PACE = 5.0
LONGEST_GAP_S = 0.4
HEARD = "(what the caller said)"
SENTENCES = (
    "Yes, I can help you with that.",
    "Let me see what I have for you.",
    "There are two of them at the moment.",
    "The first one is free on Friday morning at ten.",
    "Would you like me to book it for you?",
    "Is there anything else that I can do?",
)

DESCRIPTION = "Simulated: keeps the times that were published for Nova 2 Sonic, understands nothing, speaks in tones."


class PublishedProfile:
    """The model. ``prompt`` says which tools there are; the same seed gives the same times. A reply has so many
    ``sentences``, at least and at most. ``noise_proof``: it hears speech in noise too, and no tone."""

    def __init__(
        self, prompt: PromptStart, seed: int, sentences: tuple[int, int] = (1, 3), *, noise_proof: bool = False
    ) -> None:
        self.profile = ModelProfile("published", DESCRIPTION, RATE_HZ, RATE_HZ, simulated=True)
        self._tools = prompt.tools or ()
        self._seed = seed
        self._sentences = sentences
        self._make_ear = NoiseProofEar if noise_proof else LoudnessEar

    def why_not_here(self) -> str:
        return ""

    def session(self, connection: ConnectionId) -> _ProfileSession:
        return _ProfileSession(connection, self._tools, self._seed, self._sentences, self._make_ear(RATE_HZ))


_Job = CallerSpeechStopped | ForwardText | RequestReply | Speak | ReturnToolResult


class _ProfileSession:
    """One answer is in the making at a time; a caller who speaks meanwhile ends it."""

    def __init__(
        self,
        connection: ConnectionId,
        tools: Sequence[ToolSpec],
        seed: int,
        sentences: tuple[int, int],
        ear: LoudnessEar | NoiseProofEar,
    ) -> None:
        self._connection = connection
        self._fewest, self._most = sentences
        self._tools = tools
        self._random = np.random.default_rng(seed)
        self._heard: asyncio.Queue[CallerSpeechStarted | CallerSpeechStopped] = asyncio.Queue()
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()
        self._ear = ear
        self._answering: asyncio.Task[None] | None = None
        self._making: ResponseId | None = None
        self._turns = 0
        self._made = 0

    async def run(self, emit: EmitModelEvent) -> None:
        await emit(ModelReady(self._connection))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(emit))
            tasks.create_task(self._think(emit))

    def perform(self, effect: ModelEffect) -> None:
        match effect:
            case ForwardAudio(_, audio):
                for when, at in self._ear.hear(audio.pcm):
                    kind = CallerSpeechStarted if when is When.CALLER_STARTS else CallerSpeechStopped
                    self._heard.put_nowait(kind(self._connection, Samples(at)))
            case ForwardText() | RequestReply() | Speak() | ReturnToolResult():
                self._jobs.put_nowait(effect)
            case CancelResponse(_, response):
                if response == self._making:
                    self._making = None
            case _:
                pass  # it remembers nothing

    async def _listen(self, emit: EmitModelEvent) -> None:
        while True:
            heard = await self._heard.get()
            await emit(heard)
            if isinstance(heard, CallerSpeechStopped):
                self._jobs.put_nowait(heard)
            elif self._answering is not None:  # what is in the making answers only half of what is said
                self._answering.cancel()

    async def _think(self, emit: EmitModelEvent) -> None:
        while True:
            job = await self._jobs.get()
            self._answering = asyncio.create_task(self._answer(job, emit))
            try:
                await asyncio.wait({self._answering})
            finally:
                self._answering.cancel()
            if not self._answering.cancelled():
                self._answering.result()
            self._answering = None

    async def _answer(self, job: _Job, emit: EmitModelEvent) -> None:
        match job:
            case CallerSpeechStopped():
                self._turns += 1
                uses_tool = bool(self._tools) and self._turns % 2 == 0
                await asyncio.sleep(self._draw(TOOL_USE_S if uses_tool else FIRST_AUDIO_S) - HANGOVER_MS / 1000)
                await emit(CallerTranscribed(self._connection, HEARD, final=True))
                if uses_tool:
                    await self._call_tool(emit)
                else:
                    await self._say(self._sentences(), None, emit)
            case ForwardText():
                await asyncio.sleep(self._draw(FIRST_AUDIO_S))
                await self._say(self._sentences(), None, emit)
            case ReturnToolResult():
                await asyncio.sleep(self._draw(AFTER_RESULT_S))
                await self._say(self._sentences(), None, emit)
            case Speak(_, response, text):
                await asyncio.sleep(self._draw(AFTER_RESULT_S))
                await self._say([text], response, emit)

    def _draw(self, median_s: float) -> float:
        """A waiting time: long ones are rarer than short ones, and none is longer than was ever seen."""
        return min(SLOWEST_S, max(HANGOVER_MS / 1000, float(self._random.lognormal(log(median_s), SPREAD))))

    def _sentences(self) -> list[str]:
        count = int(self._random.integers(self._fewest, self._most + 1))
        begin = int(self._random.integers(0, len(SENTENCES)))
        return [SENTENCES[(begin + index) % len(SENTENCES)] for index in range(count)]

    async def _call_tool(self, emit: EmitModelEvent) -> None:
        tool = self._tools[int(self._random.integers(0, len(self._tools)))]
        self._made += 1
        tool_call = ToolCallId(f"tool-{self._made}")
        arguments = msgspec.json.encode(sample_arguments(tool.input_schema)).decode()
        await emit(ToolRequested(self._connection, tool_call, tool.name, arguments))

    async def _say(self, sentences: Sequence[str], response: ResponseId | None, emit: EmitModelEvent) -> None:
        self._made += 1
        self._making = making = response or ResponseId(f"response-{self._made}")
        await emit(ResponseStarted(self._connection, making))
        at = 0
        for sentence in sentences:
            await emit(AgentText(self._connection, making, sentence, Samples(at)))
            until = at + samples_for(MS_PER_CHARACTER * len(sentence), RATE_HZ)
            while at < until:
                end = min(at + samples_for(PIECE_MS, RATE_HZ), until)
                await emit(AgentAudio(self._connection, making, Audio(tone(at, end, RATE_HZ))))
                at = end
                await asyncio.sleep(PIECE_MS / 1000 / PACE)
                if self._making != making:
                    return
            await asyncio.sleep(float(self._random.uniform(0, LONGEST_GAP_S)))
        await emit(ResponseFinished(self._connection, making))


def sample_arguments(schema: str) -> dict[str, Any]:
    """Arguments that fit a tool's schema: what is required, with the first value that will do."""
    try:
        read = msgspec.json.decode(schema)
    except msgspec.DecodeError:
        return {}
    properties = read.get("properties", {})
    required = read.get("required", ())
    return {name: _sample(properties[name]) for name in required if isinstance(properties.get(name), dict)}


def _sample(schema: dict[str, Any]) -> Any:
    if schema.get("enum"):
        return schema["enum"][0]
    by_type: dict[str, Any] = {"integer": 1, "number": 1.5, "boolean": True, "array": [], "object": {}}
    by_format = {"date": "2026-03-13", "time": "10:30", "date-time": "2026-03-13T10:30"}
    kind = schema.get("type")
    return (
        by_type.get(kind, by_format.get(str(schema.get("format")), "example")) if isinstance(kind, str) else "example"
    )
