"""Callers and a brain that can prove what became of every word: each utterance is a number, spoken as a tone.

The caller's ``n`` is a tone of 300 + 25 n Hz that comes and goes as syllables do. The brain behind the emulator hears
the number and answers "Answer n.", or calls the tool ``look_up`` with it and answers "Result n." once it has the
result. So the timeline of a call shows whether each utterance was answered, and no more than once, whatever happened
to the session that heard it. Its model is simulated: none of its times says anything of a provider.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

import msgspec
import numpy as np

from vivavoce.agent.declaration import Agent, Tool
from vivavoce.audio.arrays import FULL_SCALE, to_pcm
from vivavoce.audio.pcm import samples_for, samples_in
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
    Ignore,
    ModelEffect,
    ModelEvent,
    ModelReady,
    Play,
    ReplayAudio,
    ResponseFinished,
    ResponseId,
    ResponseStarted,
    ReturnToolResult,
    Samples,
    Speak,
    ToolCallId,
    ToolRequested,
    ToolStatus,
)
from vivavoce.model.port import EmitModelEvent, ModelProfile
from vivavoce.model.scripted import LoudnessEar, When, tone
from vivavoce.timeline.schema import Line

RATE_HZ = 16_000
NUMBERS = 100
THINKS_S = 0.6
PACE = 4.0
PIECE_MS = 80
MS_PER_CHARACTER = 60
AMPLITUDE = FULL_SCALE * 0.1
GAVE_UP_S = 45.0
"""A caller who hears nothing for so long after having spoken calls it silence."""
_ANSWER = re.compile(r"(?:Answer|Result) (\d+)\.")
_NUMBER = re.compile(r'number\\?"?:\s*(\d+)')


def spoken(number: int, ms: int) -> bytes:
    """The utterance: syllables of 180 ms with 60 ms between them."""
    at = np.arange(samples_for(ms, RATE_HZ))
    syllables = (at * 1000 // RATE_HZ) % 240 < 180
    return to_pcm(AMPLITUDE * np.sin(2 * np.pi * _frequency_hz(number) * at / RATE_HZ) * syllables)


def _frequency_hz(number: int) -> float:
    return 300.0 + 25.0 * number


def heard_number(pcm: bytes) -> int:
    """The number that most of this sound says."""
    wave = np.frombuffer(pcm, dtype="<i2")[-RATE_HZ * 2 :].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(wave, n=1 << 16))
    peak_hz = float(np.argmax(spectrum)) * RATE_HZ / (1 << 16)
    return round((peak_hz - _frequency_hz(0)) / 25.0)


# -- the brain -----------------------------------------------------------------------------------------------------


class NumberBrain:
    """A speech model that answers numbers. Every ``tool_every``-th number is looked up, if that is not 0."""

    def __init__(self, tool_every: int = 0, words: int = 0) -> None:
        self.profile = ModelProfile("numbers", "Simulated: answers numbers.", RATE_HZ, RATE_HZ, simulated=True)
        self.tool_every = tool_every
        self.words = words

    def why_not_here(self) -> str:
        return ""

    def session(self, connection: ConnectionId) -> _NumberSession:
        return _NumberSession(connection, self)


class _NumberSession:
    def __init__(self, connection: ConnectionId, brain: NumberBrain) -> None:
        self._connection = connection
        self._brain = brain
        self._ear = LoudnessEar(RATE_HZ)
        self._heard = bytearray()
        self._talking = False
        self._facts: asyncio.Queue[ModelEvent] = asyncio.Queue()
        self._jobs: asyncio.Queue[tuple[str, int, ResponseId | None]] = asyncio.Queue()
        self._making: ResponseId | None = None
        self._made = 0

    async def run(self, emit: EmitModelEvent) -> None:
        await emit(ModelReady(self._connection))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell(emit))
            tasks.create_task(self._think(emit))

    def perform(self, effect: ModelEffect) -> None:
        match effect:
            case ForwardAudio(_, audio):
                self._hear(audio.pcm)
            case ReturnToolResult(_, _, _, result):
                self._jobs.put_nowait(("Result", _number_in(result), None))
            case ForwardText(_, text):
                number = _number_in(text)
                self._jobs.put_nowait(("Result", number, None) if number >= 0 else ("Going on", -1, None))
            case Speak(_, response, text):
                self._jobs.put_nowait((text, -1, response))
            case CancelResponse(_, response) if response == self._making:
                self._making = None
            case _:
                pass

    def _hear(self, pcm: bytes) -> None:
        for when, at in self._ear.hear(pcm):
            self._talking = when is When.CALLER_STARTS
            kind = CallerSpeechStarted if self._talking else CallerSpeechStopped
            self._facts.put_nowait(kind(self._connection, Samples(at)))
            if not self._talking:
                self._jobs.put_nowait(("Answer", heard_number(bytes(self._heard)), None))
                self._heard.clear()
        if self._talking:
            self._heard += pcm

    async def _tell(self, emit: EmitModelEvent) -> None:
        while True:
            await emit(await self._facts.get())

    async def _think(self, emit: EmitModelEvent) -> None:
        while True:
            what, number, response = await self._jobs.get()
            await asyncio.sleep(THINKS_S)
            if what == "Answer":
                await emit(CallerTranscribed(self._connection, f"number {number}", final=True))
                if self._brain.tool_every and number % self._brain.tool_every == self._brain.tool_every - 1:
                    self._made += 1
                    call = ToolCallId(f"call-{self._made}")
                    await emit(ToolRequested(self._connection, call, "look_up", f'{{"number": {number}}}'))
                    continue
            text = what if number < 0 else f"{what} {number}."
            await self._say(text + " And so on and on." * (number % 3 + self._brain.words), response, emit)

    async def _say(self, text: str, response: ResponseId | None, emit: EmitModelEvent) -> None:
        self._made += 1
        self._making = making = response or ResponseId(f"response-{self._made}")
        await emit(ResponseStarted(self._connection, making))
        await emit(AgentText(self._connection, making, text, Samples(0)))
        piece = samples_for(PIECE_MS, RATE_HZ)
        for at in range(0, samples_for(MS_PER_CHARACTER * len(text), RATE_HZ), piece):
            await emit(AgentAudio(self._connection, making, Audio(tone(at, at + piece, RATE_HZ))))
            await asyncio.sleep(PIECE_MS / 1000 / PACE)
            if self._making != making:
                return
        await emit(ResponseFinished(self._connection, making))


def _number_in(text: str) -> int:
    found = _NUMBER.search(text)
    return int(found[1]) if found else -1


# -- the caller ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Utterance:
    """Said ``pause_ms`` after the agent fell silent, or ``barge_in_ms`` after it began, where that is not None."""

    number: int
    ms: int
    pause_ms: int = 500
    barge_in_ms: int | None = None


def chatter(random: Random, *, longest_ms: int = 3_000, monologue_ms: int = 0) -> Iterator[Utterance]:
    """Talk without end: short and long pauses, barge-ins, and, if ``monologue_ms``, one such in fifteen."""
    number = random.randrange(NUMBERS)
    while True:
        number = (number + 1) % NUMBERS
        ms = random.randrange(600, longest_ms)
        pause_ms = random.choice([300, 500, 700, 1_500, 6_000])
        barge_in_ms = random.randrange(300, 900) if random.random() < 0.15 else None
        if monologue_ms and random.random() < 1 / 15:
            ms, barge_in_ms = monologue_ms, None
        yield Utterance(number, ms, pause_ms, barge_in_ms)


class NumberCaller:
    """Says one utterance after the other, each when the last was answered, for about ``talk_s`` seconds, or until the
    number ``last`` was said and answered. ``longest_wait`` is the most samples it heard nothing after having spoken.
    """

    def __init__(self, utterances: Iterator[Utterance], talk_s: float, *, last: int | None = None) -> None:
        self.said: list[int] = []
        self.spans: list[tuple[int, int, int]] = []  # of each that was said: its number, first sample, and end
        self.longest_wait = 0
        self._last = last
        self._utterances = utterances
        self._last_sample = int(talk_s * RATE_HZ)
        self._next = next(utterances)
        self._saying = b""
        self._at = 0
        self._quiet = 0  # samples since the agent was heard
        self._agent = 0  # samples of the agent heard since the caller spoke
        self._waiting = 0  # samples since the caller spoke

    def speak(self, samples: int, heard: bytes) -> bytes | None:
        self._at += samples
        self._waiting += samples
        if self._saying:  # whoever speaks does not count what they hear
            said, self._saying = self._saying[: 2 * samples], self._saying[2 * samples :]
            return said
        if heard and not self._agent:
            self.longest_wait = max(self.longest_wait, self._waiting)
        self._agent += samples_in(heard)
        self._quiet = 0 if heard else self._quiet + samples
        if self._waiting > GAVE_UP_S * RATE_HZ and not self._agent:
            return None
        if not self._is_my_turn():
            return b""
        if self._at > self._last_sample or (self._last is not None and self._last in self.said):
            return None
        self._begin()
        return self.speak(0, b"") or b""

    def _is_my_turn(self) -> bool:
        if not self._agent > 0:  # they were not answered, or at first not greeted, yet
            return False
        barge_in_ms = self._next.barge_in_ms
        if self._quiet == 0 and barge_in_ms is not None and self._at <= self._last_sample:
            return self._agent >= samples_for(barge_in_ms, RATE_HZ)
        return self._quiet >= samples_for(max(self._next.pause_ms, 300), RATE_HZ)

    def _begin(self) -> None:
        self._saying = spoken(self._next.number, self._next.ms)
        self.said.append(self._next.number)
        self.spans.append((self._next.number, self._at, self._at + len(self._saying) // 2))
        self._next = next(self._utterances)
        self._agent = 0
        self._waiting = -(len(self._saying) // 2)


def look_up(number: int) -> dict[str, int]:
    """Look a number up."""
    return {"number": number}


def number_agent() -> Agent:
    """An agent with the one tool."""
    schema = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
    tool = Tool(name="look_up", description="Look a number up.", parameters=schema, function=look_up)
    return Agent(name="numbers", instructions="Answer numbers.", tools=(tool,))


# -- the proof -----------------------------------------------------------------------------------------------------


@dataclass
class Book:
    """What one call's timeline says of its answers. One of which the caller heard nothing is none."""

    answers: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, lines: Sequence[Line]) -> Book:
        heard = {line.value.response for line in lines if isinstance(line.value, Play)}
        said = [line.value for line in lines if isinstance(line.value, AgentText)]
        texts = [text.text for text in said if not text.final and text.response in heard]
        return cls([int(number) for text in texts for number in _ANSWER.findall(text)])


def understood_in_part(lines: Sequence[Line], spans: Sequence[tuple[int, int, int]]) -> int:
    """How many times a session took up a number without having been given all of an utterance of it: an account of
    samples that owes nothing to what the core says of itself.

    A session is given an unbroken stretch of the caller's samples, from what is replayed to it on.
    """
    stretches: dict[ConnectionId, tuple[int, int]] = {}
    passed = in_part = 0  # of the caller's samples: forwarded, or dropped before
    for line in lines:
        match line.value:
            case ForwardAudio(connection, audio):
                stretches[connection] = (stretches.get(connection, (passed, 0))[0], passed + audio.samples)
                passed += audio.samples
            case Ignore("CallerAudio", _, samples):
                passed += samples
            case ReplayAudio(connection, audio):
                begin, _ = stretches.get(connection, (passed, passed))
                stretches[connection] = (begin - audio.samples, passed)
            case AgentText(connection, _, text, _, False) if found := re.match(r"Answer (\d+)\.", text):
                in_part += not _whole(int(found[1]), stretches.get(connection, (0, 0)), spans)
            case ToolRequested(connection, _, _, arguments):
                in_part += not _whole(_number_in(arguments), stretches.get(connection, (0, 0)), spans)
    return in_part


def _whole(number: int, stretch: tuple[int, int], spans: Sequence[tuple[int, int, int]]) -> bool:
    return any(said == number and stretch[0] <= begin and end <= stretch[1] for said, begin, end in spans)


@dataclass(frozen=True)
class ToolOutcome:
    """Implements :class:`vivavoce.engine.call.ToolOutcome`."""

    status: ToolStatus
    result: str


class NumberTools:
    """Implements :class:`vivavoce.engine.call.Tools`, and counts."""

    def __init__(self, takes_s: Callable[[], float]) -> None:
        self.calls: list[int] = []
        self._takes_s = takes_s

    async def run(self, _tool_call: str, name: str, arguments: str) -> ToolOutcome:
        number = int(msgspec.json.decode(arguments)["number"])
        self.calls.append(number)
        await asyncio.sleep(self._takes_s())
        return ToolOutcome(ToolStatus.OK, f'{{"tool": "{name}", "number": {number}}}')
