"""The embedded model as a model session: ear, dialogue and mouth joined.

Three tasks. One listens: what the ear heard becomes facts, and utterances become jobs. One thinks: a job (an
utterance, a tool's result, a text to be spoken as it stands) becomes a response, and the next job waits until that
response is wholly made or cut. One speaks: what the mouth made becomes the audio of that response.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from vivavoce.errors import ModelFault
from vivavoce.events import (
    END_CALL,
    AgentAudio,
    AgentText,
    Audio,
    AudioLost,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTranscribed,
    CancelResponse,
    ConnectionId,
    ForwardAudio,
    ForwardText,
    ModelEffect,
    ModelReady,
    Recall,
    ReplayAudio,
    RequestReply,
    ResponseFinished,
    ResponseId,
    ResponseStarted,
    ReturnToolResult,
    Samples,
    Speak,
    ToolCallId,
    ToolRequested,
    ToolStatus,
    Truncate,
)
from vivavoce.model.local.dialogue.port import Act, CallTool, Dialogue, EndCall, Heard, Say
from vivavoce.model.local.ear import Ear, EarEvent, EarFailed, PartialText, SpeechStarted, SpeechStopped, Utterance
from vivavoce.model.local.mouth import Mouth, MouthFailed, SpokenAudio, SpokenEnd
from vivavoce.model.port import EmitModelEvent

MUMBLE_SAMPLES = 9_600
"""Speech this long (600 ms) without one recognised word deserves a "sorry?"; what is shorter was a noise."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a session is made of. The workers belong to the session that opened them."""

    ear: Ear
    mouth: Mouth
    dialogue: Dialogue

    async def close(self) -> None:
        await asyncio.gather(self.ear.close(), self.mouth.close(), self.dialogue.aclose())


@dataclass(slots=True)
class _Response:
    """One response in the making. ``utterances`` were given to the mouth and have not ended; ``complete`` says that no
    more will be given."""

    response: ResponseId
    utterances: dict[int, str] = field(default_factory=dict)
    samples: int = 0
    complete: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class _Job:
    """``acts`` starts the work. ``response`` is the id the core chose, or None. A job that is ``withdrawable`` is given
    up when the caller goes on talking before anything was said."""

    acts: Callable[[], AsyncGenerator[Act, None]]
    response: ResponseId | None = None
    withdrawable: bool = False


class _Loudspeaker:
    """When the caller hears the agent, by our reckoning: what is said is played at once, on the clock of the caller's
    own samples. The ear listens less eagerly meanwhile."""

    def __init__(self) -> None:
        self.heard_samples = 0  # of the caller, so far
        self._until = 0
        self._response: ResponseId | None = None

    def say(self, response: ResponseId, samples: int) -> bool:
        """More of ``response`` is on its way; True if the agent was silent before."""
        begins = self._until <= self.heard_samples
        self._until = max(self._until, self.heard_samples) + samples
        self._response = response
        return begins

    def hear(self, samples: int) -> bool:
        """So much more came from the caller; True if the agent fell silent with it."""
        before, self.heard_samples = self.heard_samples, self.heard_samples + samples
        return before < self._until <= self.heard_samples

    def cut(self, response: ResponseId) -> bool:
        """``response`` is not played any further; True if that made the agent silent."""
        audible = response == self._response and self._until > self.heard_samples
        if audible:
            self._until = self.heard_samples
        return audible


class LocalSession:
    """One connection to the embedded model. ``open_parts`` starts its workers and makes its dialogue."""

    def __init__(self, connection: ConnectionId, open_parts: Callable[[], Awaitable[Parts]]) -> None:
        self._connection = connection
        self._own = f"s{connection}_"  # before the dialogue's names of tool calls: each dialogue counts from one
        self._open_parts = open_parts
        self._parts: Parts | None = None
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()
        self._job: _Job | None = None
        self._answering: asyncio.Task[None] | None = None
        self._response: _Response | None = None
        self._responses = 0
        self._utterances = 0
        self._lost = asyncio.Event()
        self._loudspeaker = _Loudspeaker()

    async def run(self, emit: EmitModelEvent) -> None:
        parts = self._parts = await self._open_parts()
        try:
            await emit(ModelReady(self._connection))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(parts, emit))
                tasks.create_task(self._think(parts, emit))
                tasks.create_task(self._speak(parts, emit))
                tasks.create_task(self._admit(parts, emit))
        except ExceptionGroup as group:
            raise _first(group) from None
        finally:
            await parts.close()

    def perform(self, effect: ModelEffect) -> None:  # noqa: C901 (only dispatches)
        if self._parts is None:
            return
        dialogue = self._parts.dialogue
        match effect:
            case ForwardAudio(_, audio) | ReplayAudio(_, audio):
                self._hear(self._parts, audio)
            case ForwardText(_, text):
                self._jobs.put_nowait(_Job(lambda: dialogue.reply(Heard(text)), withdrawable=True))
            case RequestReply(_, instructions):
                self._jobs.put_nowait(_Job(lambda: dialogue.prompted(instructions), withdrawable=True))
            case Speak(_, response, text):
                self._jobs.put_nowait(_Job(lambda: _verbatim(text), response))
            case CancelResponse(_, response):
                self._cancel(self._parts, response)
            case Truncate(_, response, _, heard_text):
                if self._loudspeaker.cut(response):
                    self._parts.ear.agent_speaking(False)
                # In its turn, as everything that changes what the dialogue knows.
                self._jobs.put_nowait(_Job(lambda: _wordlessly(_told(dialogue, heard_text))))
            case Recall():
                self._recall(dialogue, effect)
            case ReturnToolResult(_, tool_call, status, result):
                ok = status is ToolStatus.OK
                known_as = tool_call.removeprefix(self._own)
                self._jobs.put_nowait(_Job(lambda: dialogue.tool_result(known_as, result, ok=ok)))

    def _hear(self, parts: Parts, audio: Audio) -> None:
        dropped = parts.ear.dropped_samples
        parts.ear.hear(audio.pcm)
        if parts.ear.dropped_samples != dropped:
            self._lost.set()
        if self._loudspeaker.hear(audio.samples):
            parts.ear.agent_speaking(False)

    def _recall(self, dialogue: Dialogue, recall: Recall) -> None:
        self._jobs.put_nowait(_Job(lambda: _wordlessly(dialogue.recall(recall.turns, recall.tools))))
        if recall.carry_on:
            self._jobs.put_nowait(_Job(dialogue.carry_on, withdrawable=True))

    def _cancel(self, parts: Parts, response: ResponseId) -> None:
        making = self._response
        if making is None or making.response != response:
            return
        self._response = None
        parts.mouth.stop()
        if self._loudspeaker.cut(response):
            parts.ear.agent_speaking(False)
        making.over.set()
        if self._answering is not None:
            self._answering.cancel()

    # -- listening -----------------------------------------------------------------------------------------------------

    async def _listen(self, parts: Parts, emit: EmitModelEvent) -> None:
        async for heard in parts.ear.events():
            await self._heard(parts, heard, emit)
        raise ModelFault("the recogniser ended by itself")

    async def _heard(self, parts: Parts, heard: EarEvent, emit: EmitModelEvent) -> None:
        match heard:
            case SpeechStarted(at):
                self._withdraw()
                await emit(CallerSpeechStarted(self._connection, Samples(at)))
            case PartialText(text):
                await emit(CallerTranscribed(self._connection, text, final=False))
            case SpeechStopped(at):
                await emit(CallerSpeechStopped(self._connection, Samples(at)))
            case Utterance(words, starts_at, ends_at):
                await emit(CallerTranscribed(self._connection, words.text, final=True))
                if words.text or ends_at - starts_at >= MUMBLE_SAMPLES:
                    self._jobs.put_nowait(_Job(lambda: parts.dialogue.reply(words), withdrawable=True))
            case EarFailed(message):
                raise ModelFault(message)

    def _withdraw(self) -> None:
        """The caller goes on talking: an answer of which nothing was said yet answers only half of it."""
        thinking = self._answering is not None and self._response is None
        if thinking and self._job is not None and self._job.withdrawable and self._answering is not None:
            self._answering.cancel()

    async def _admit(self, parts: Parts, emit: EmitModelEvent) -> None:
        """Say what the ear had to drop because its worker fell behind."""
        told = 0
        while True:
            await self._lost.wait()
            self._lost.clear()
            dropped, told = parts.ear.dropped_samples - told, parts.ear.dropped_samples
            await emit(AudioLost(self._connection, Samples(dropped)))

    # -- thinking ------------------------------------------------------------------------------------------------------

    async def _think(self, parts: Parts, emit: EmitModelEvent) -> None:
        while True:
            self._job = await self._jobs.get()
            self._answering = asyncio.create_task(self._answer(parts, self._job, emit))
            try:
                await asyncio.wait({self._answering})
            finally:
                self._answering.cancel()
            if not self._answering.cancelled():
                self._answering.result()  # raises what the dialogue raised
            self._answering = None
            if self._response is not None:
                await self._response.over.wait()
            parts.ear.expect(parts.dialogue.expecting, parts.dialogue.whole_answers)

    async def _answer(self, parts: Parts, job: _Job, emit: EmitModelEvent) -> None:
        async with aclosing(job.acts()) as acts:
            async for act in acts:
                match act:
                    case Say(text):
                        await self._say(parts, job, text, emit)
                    case CallTool(tool_call, name, arguments):
                        written = json.dumps(arguments)
                        await emit(ToolRequested(self._connection, ToolCallId(self._own + tool_call), name, written))
                    case EndCall(reason):
                        written = json.dumps({"reason": reason})
                        tool_call = f"end-{self._connection}"
                        await emit(ToolRequested(self._connection, ToolCallId(tool_call), END_CALL, written))
        if self._response is not None:
            self._response.complete = True
            await self._finish(self._response, emit)

    async def _say(self, parts: Parts, job: _Job, text: str, emit: EmitModelEvent) -> None:
        if self._response is None:
            self._responses += 1
            self._response = _Response(job.response or ResponseId(f"r{self._connection}.{self._responses}"))
            await emit(ResponseStarted(self._connection, self._response.response))
        self._utterances += 1
        self._response.utterances[self._utterances] = text
        parts.mouth.speak(self._utterances, text)

    # -- speaking ------------------------------------------------------------------------------------------------------

    async def _speak(self, parts: Parts, emit: EmitModelEvent) -> None:
        async for spoken in parts.mouth.audio():
            making = self._response
            match spoken:
                case MouthFailed(message):
                    raise ModelFault(message)
                case SpokenAudio(utterance, pcm) if making is not None and utterance in making.utterances:
                    await self._spoken(parts, making, utterance, Audio(pcm), emit)
                case SpokenEnd(utterance) if making is not None and utterance in making.utterances:
                    del making.utterances[utterance]
                    await self._finish(making, emit)
        raise ModelFault("the voice ended by itself")

    async def _spoken(
        self, parts: Parts, making: _Response, utterance: int, audio: Audio, emit: EmitModelEvent
    ) -> None:
        text, making.utterances[utterance] = making.utterances[utterance], ""
        if text:  # its first audio: the words begin here
            await emit(AgentText(self._connection, making.response, text, Samples(making.samples)))
        making.samples += audio.samples
        if self._loudspeaker.say(making.response, audio.samples):
            parts.ear.agent_speaking(True)
        await emit(AgentAudio(self._connection, making.response, audio))

    async def _finish(self, making: _Response, emit: EmitModelEvent) -> None:
        if making.complete and not making.utterances and self._response is making:
            self._response = None
            making.over.set()
            await emit(ResponseFinished(self._connection, making.response))


async def _verbatim(text: str) -> AsyncGenerator[Act, None]:
    yield Say(text)


async def _told(dialogue: Dialogue, heard_text: str) -> None:
    dialogue.interrupted(heard_text)


async def _wordlessly(work: Awaitable[None]) -> AsyncGenerator[Act, None]:
    await work
    acts: tuple[Act, ...] = ()
    for act in acts:
        yield act


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    """The first fault in it, however deep."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
