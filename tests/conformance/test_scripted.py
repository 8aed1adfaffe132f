"""The scripted model passes the suite for models, and the suite notices each rule that is broken."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import msgspec
import pytest

from vivavoce.conformance import ConformanceFailure, ModelLimits, check_model
from vivavoce.engine.clock import run
from vivavoce.events import (
    AgentAudio,
    AgentText,
    Audio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CancelResponse,
    ConnectionId,
    ModelEffect,
    ModelEvent,
    ModelReady,
    ResponseFinished,
    ResponseStarted,
    Speak,
    ToolCallId,
    ToolRequested,
)
from vivavoce.model.port import EmitModelEvent, Model, ModelSession
from vivavoce.model.scripted import Say, Script, ScriptedModel, Step, UseTool, When, tone

pytestmark = pytest.mark.timeout(30)

SPEECH = tone(0, 16_000, 16_000)
ANSWER = Step(when=When.CALLER_STOPS, wait_ms=100, say=Say(text="So it is.", ms=500))


def check(make: Callable[[], Model], limits: ModelLimits | None = None) -> None:
    run(check_model(make, speech=SPEECH, limits=limits), virtual=True)


@pytest.mark.parametrize("input_rate_hz", [8000, 16_000])
def test_scripted(input_rate_hz: int) -> None:
    check(lambda: ScriptedModel(Script(input_rate_hz=input_rate_hz, output_rate_hz=24_000, step=(ANSWER,))))


def test_scripted_with_a_tool() -> None:
    steps = (
        Step(wait_ms=700, ready=True),
        Step(when=When.CALLER_STOPS, tool=UseTool(name="look")),
        Step(when=When.TOOL_RESULT, say=Say(text="It does not work.", ms=500)),
    )
    check(lambda: ScriptedModel(Script(step=steps)))


class Wrong:
    """A sound model with one thing wrong: ``spoil`` may change what is emitted."""

    def __init__(self, **script: object) -> None:
        self._model = ScriptedModel(Script(step=(ANSWER,), **script))  # type: ignore[arg-type]
        self.profile = self._model.profile

    def why_not_here(self) -> str:
        return ""

    def session(self, connection: ConnectionId) -> ModelSession:
        return _WrongSession(self, self._model.session(connection))

    def spoil(self, event: ModelEvent) -> list[ModelEvent]:
        return [event]

    async def around(self, running: asyncio.Task[None]) -> None:
        await running

    def pass_on(self, perform: Callable[[ModelEffect], None], effect: ModelEffect) -> None:
        perform(effect)


class _WrongSession:
    def __init__(self, model: Wrong, session: ModelSession) -> None:
        self._model = model
        self._session = session

    async def run(self, emit: EmitModelEvent) -> None:
        async def spoiled(event: ModelEvent) -> None:
            for changed in self._model.spoil(event):
                await emit(changed)

        running = asyncio.create_task(self._session.run(spoiled))
        try:
            await self._model.around(running)
        finally:
            running.cancel()
            await asyncio.wait([running])

    def perform(self, effect: ModelEffect) -> None:
        self._model.pass_on(self._session.perform, effect)


class HasNoDescription(Wrong):
    def __init__(self) -> None:
        super().__init__(description="")


class CannotBeUsedHere(Wrong):
    def why_not_here(self) -> str:
        return "no key"


class NeverOpens(Wrong):
    def spoil(self, event: ModelEvent) -> list[ModelEvent]:
        return []


class TalksBeforeItIsReady(Wrong):
    def spoil(self, event: ModelEvent) -> list[ModelEvent]:
        early = CallerSpeechStarted(event.connection, 0)  # type: ignore[arg-type]
        return [early, event] if isinstance(event, ModelReady) else [event]


class NamesAnotherConnection(Wrong):
    def spoil(self, event: ModelEvent) -> list[ModelEvent]:
        if isinstance(event, ResponseStarted):
            return [ResponseStarted(ConnectionId(99), event.response)]
        return [event]


class NamesAnotherResponse(Wrong):
    def spoil(self, event: ModelEvent) -> list[ModelEvent]:
        if isinstance(event, ResponseStarted | AgentAudio | AgentText | ResponseFinished):
            return [msgspec.structs.replace(event, response="mine")]
        return [event]


class NeverBegins(Wrong):
    def spoil(self, event: ModelEvent) -> list[ModelEvent]:
        return [] if isinstance(event, ResponseStarted) else [event]


class TellsNoWords(Wrong):
    def spoil(self, event: ModelEvent) -> list[ModelEvent]:
        return [] if isinstance(event, AgentText) else [event]


class SaysNothing(Wrong):
    def spoil(self, event: ModelEvent) -> list[ModelEvent]:
        return [] if isinstance(event, AgentAudio) else [event]


class SendsEmptyAudio(Wrong):
    def spoil(self, event: ModelEvent) -> list[ModelEvent]:
        if isinstance(event, AgentAudio):
            return [event, AgentAudio(event.connection, event.response, Audio(b""))]
        return [event]


class TalksAfterTheEnd(Wrong):
    def spoil(self, event: ModelEvent) -> list[ModelEvent]:
        if isinstance(event, ResponseFinished):
            return [event, AgentText(event.connection, event.response, "and", 0)]  # type: ignore[arg-type]
        return [event]


class HearsTheFuture(Wrong):
    def spoil(self, event: ModelEvent) -> list[ModelEvent]:
        if isinstance(event, CallerSpeechStarted | CallerSpeechStopped):
            return [msgspec.structs.replace(event, at=event.at + 10_000_000)]
        return [event]


class HearsTwoStarts(Wrong):
    def spoil(self, event: ModelEvent) -> list[ModelEvent]:
        return [event, event] if isinstance(event, CallerSpeechStarted) else [event]


class WritesBadArguments(Wrong):
    def spoil(self, event: ModelEvent) -> list[ModelEvent]:
        if isinstance(event, CallerSpeechStarted):
            return [event, ToolRequested(event.connection, ToolCallId("t"), "look", "[]")]
        return [event]


class DoesNotHush(Wrong):
    def pass_on(self, perform: Callable[[ModelEffect], None], effect: ModelEffect) -> None:
        if not isinstance(effect, CancelResponse):
            perform(effect)


class IsDeaf(Wrong):
    def pass_on(self, perform: Callable[[ModelEffect], None], effect: ModelEffect) -> None:
        if isinstance(effect, Speak | CancelResponse):
            perform(effect)


class RaisesInPerform(Wrong):
    def pass_on(self, perform: Callable[[ModelEffect], None], effect: ModelEffect) -> None:
        if isinstance(effect, CancelResponse) and effect.response == "nothing":
            raise KeyError(effect.response)
        perform(effect)


class SwallowsCancellation(Wrong):
    async def around(self, running: asyncio.Task[None]) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await running


class LeavesATaskBehind(Wrong):
    async def around(self, running: asyncio.Task[None]) -> None:
        self.left = asyncio.create_task(asyncio.sleep(100_000), name="left")
        await running


class _OneAtATime(_WrongSession):
    """Hands over its facts in one queue, so that all wait behind audio."""

    async def run(self, emit: EmitModelEvent) -> None:
        queue: asyncio.Queue[ModelEvent] = asyncio.Queue()
        running = asyncio.create_task(self._session.run(queue.put))
        try:
            while True:
                await emit(await queue.get())
        finally:
            running.cancel()
            await asyncio.wait([running])


class WaitsBehindAudio(Wrong):
    def session(self, connection: ConnectionId) -> ModelSession:
        return _OneAtATime(self, self._model.session(connection))


@pytest.mark.parametrize(
    ("model", "rule"),
    [
        (HasNoDescription, "a name and a description"),
        (CannotBeUsedHere, "can be used here; no key"),
        (NeverOpens, "opens and says ModelReady"),
        (TalksBeforeItIsReady, "the first fact is ModelReady"),
        (NamesAnotherConnection, "carry the connection"),
        (NamesAnotherResponse, "a response with the id it names"),
        (NeverBegins, "begun before anything of it"),
        (TellsNoWords, "a response tells its words"),
        (SaysNothing, "spoken words take time"),
        (SendsEmptyAudio, "audio has the samples"),
        (TalksAfterTheEnd, "nothing of a response comes after its end"),
        (HearsTheFuture, "speech lies in the caller's audio"),
        (HearsTwoStarts, "starts and stops by turns"),
        (WritesBadArguments, "the JSON text of an object"),
        (DoesNotHush, "no more than what is on its way"),
        (IsDeaf, "speech is answered"),
        (RaisesInPerform, "perform does not raise"),
        (SwallowsCancellation, "cancelling run while it opens ends it"),
        (LeavesATaskBehind, "left behind: task left"),
        (WaitsBehindAudio, "other facts do not wait behind audio"),
    ],
)
def test_a_broken_rule_is_named(model: Callable[[], Wrong], rule: str) -> None:
    with pytest.raises(ConformanceFailure, match=rule):
        check(model)


def test_limits_are_the_callers_choice() -> None:
    slow = Script(step=(Step(wait_ms=2000, ready=True),))
    with pytest.raises(ConformanceFailure, match="not within 1 s"):
        check(lambda: ScriptedModel(slow), ModelLimits(open_s=1))
