"""The brain that keeps published times: its figures, its tools, its manners."""

from __future__ import annotations

import asyncio
import json
from statistics import median

import pytest

from vivavoce.emulator.profile import FIRST_AUDIO_S, SLOWEST_S, PublishedProfile, sample_arguments
from vivavoce.engine.clock import run
from vivavoce.events import (
    AgentAudio,
    Audio,
    CallerSpeechStarted,
    CancelResponse,
    ConnectionId,
    ForwardAudio,
    ForwardText,
    ModelEvent,
    ModelReady,
    ResponseFinished,
    ResponseId,
    ResponseStarted,
    ReturnToolResult,
    Speak,
    ToolCallId,
    ToolRequested,
    ToolStatus,
)
from vivavoce.model.scripted import tone
from vivavoce.wire.nova_input import PromptStart, ToolSpec

C = ConnectionId(1)
TOOL = ToolSpec(
    name="find",
    description="",
    input_schema=json.dumps({"properties": {"city": {"type": "string"}}, "required": ["city"]}),
)
LOUD = ForwardAudio(C, Audio(tone(0, 2400, 24_000)))
QUIET = ForwardAudio(C, Audio(bytes(4800)))


class Session:
    """One session and what it said, with the second at which it did."""

    def __init__(self, *tools: ToolSpec, seed: int = 1) -> None:
        self.session = PublishedProfile(PromptStart(prompt="p", tools=tools), seed).session(C)
        self.said: list[tuple[float, ModelEvent]] = []
        self.task = asyncio.create_task(self.session.run(self.emit))

    async def emit(self, event: ModelEvent) -> None:
        self.said.append((asyncio.get_running_loop().time(), event))

    async def turn(self, wait_s: float = 30) -> float:
        """Speech, then silence; from the end of the speech to what came first."""
        for _ in range(5):
            self.session.perform(LOUD)
            await asyncio.sleep(0.1)
        ended, before = asyncio.get_running_loop().time(), len(self.said)
        for _ in range(5):
            self.session.perform(QUIET)
            await asyncio.sleep(0.1)
        await asyncio.sleep(wait_s)
        answers = (at for at, event in self.said[before:] if isinstance(event, AgentAudio | ToolRequested))
        return next(answers, float("inf")) - ended

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])

    def kinds(self) -> list[type[ModelEvent]]:
        return [type(event) for _, event in self.said]


def test_waits_are_spread_around_the_published_median() -> None:
    async def main() -> list[float]:
        session = Session()
        waits = [await session.turn() for _ in range(100)]
        await session.close()
        return waits

    waits = run(main(), virtual=True)
    assert median(waits) == pytest.approx(FIRST_AUDIO_S, rel=0.1)
    assert max(waits) <= SLOWEST_S + 0.11
    assert min(waits) > 0.3


def test_every_second_turn_uses_a_tool_that_was_declared() -> None:
    async def main() -> Session:
        session = Session(TOOL)
        for _ in range(2):
            await session.turn()
        before = len(session.said)
        session.session.perform(ReturnToolResult(C, ToolCallId("tool-1"), ToolStatus.OK, "{}"))
        await asyncio.sleep(20)
        assert ResponseFinished in session.kinds()[before:]
        await session.close()
        return session

    session = run(main(), virtual=True)
    (asked,) = [event for _, event in session.said if isinstance(event, ToolRequested)]
    assert (asked.name, json.loads(asked.arguments)) == ("find", {"city": "example"})


def test_a_caller_who_goes_on_gets_no_answer_to_the_half() -> None:
    async def main() -> Session:
        session = Session()
        await session.turn(wait_s=0)
        session.session.perform(LOUD)
        await asyncio.sleep(20)
        await session.close()
        return session

    kinds = run(main(), virtual=True).kinds()
    assert kinds[0] is ModelReady
    assert ResponseStarted not in kinds


def test_what_it_is_asked_to_say_has_the_id_it_was_given_and_can_be_cancelled() -> None:
    async def main() -> list[ModelEvent]:
        session = Session()
        session.session.perform(Speak(C, ResponseId("greeting"), "Thank you for calling." * 10))
        await asyncio.sleep(3)
        session.session.perform(CancelResponse(C, ResponseId("greeting")))
        session.session.perform(ForwardText(C, "Hello?"))
        await asyncio.sleep(20)
        await session.close()
        return [event for _, event in session.said]

    said = run(main(), virtual=True)
    assert said[1] == ResponseStarted(C, ResponseId("greeting"))
    finished = [event.response for event in said if isinstance(event, ResponseFinished)]
    assert finished
    assert not any(isinstance(event, CallerSpeechStarted) for event in said)


def test_arguments_fit_the_schema() -> None:
    schema = {
        "properties": {
            "kind": {"type": "string", "enum": ["suv", "van"]},
            "day": {"type": "string", "format": "date"},
            "count": {"type": "integer"},
            "open": {"type": "boolean"},
            "left_out": {"type": "string"},
            "odd": {},
        },
        "required": ["kind", "day", "count", "open", "odd", "not_described"],
    }
    assert sample_arguments(json.dumps(schema)) == {
        "kind": "suv",
        "day": "2026-03-13",
        "count": 1,
        "open": True,
        "odd": "example",
    }
    assert sample_arguments("{}") == {}
    assert sample_arguments("nonsense") == {}
