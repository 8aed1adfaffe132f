"""What any :class:`~vivavoce.model.port.Model` must do, checked rule by rule.

::

    async def test_mine() -> None:
        await check_model(lambda: MyModel(...), speech=pcm_of_a_spoken_request)

Time is the running loop's. A model that lives on the loop alone is checked in no time on a virtual one; one with
processes or a network needs a real loop, and about half a minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from vivavoce.audio.framing import Framer
from vivavoce.audio.pcm import samples_for, silence
from vivavoce.audio.resample import resample
from vivavoce.conformance.facts import require_in_order
from vivavoce.conformance.watching import Surroundings, Watch, performed, require
from vivavoce.events import (
    AgentAudio,
    AgentText,
    Audio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CancelResponse,
    ConnectionId,
    ForwardAudio,
    ForwardText,
    ModelEffect,
    ModelEvent,
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
    ToolStatus,
    Truncate,
)
from vivavoce.model.port import Model

_FRAME_MS = 20
_SHORT = "Good morning, how can I help you?"
_LONG = (
    "Let me read you all of it. We are open from Monday to Friday, from eight in the morning until half past six in "
    "the evening, on Saturday from nine until five, and on Sunday we are closed, but you can always leave a message "
    "with your name and your number, and somebody will call you back on the next working day before noon."
)


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """How long a model may take, in seconds of the loop's time.

    ``open_s``: until it is ready. ``say_s``: from a text of two sentences to the last of its audio. ``reply_s``: from
    the end of the caller's speech to a response or a tool call. ``hush_s``: from a cancellation to the last audio that
    was on its way. ``close_s``: from being cancelled to being gone.
    """

    open_s: float = 30.0
    say_s: float = 30.0
    reply_s: float = 30.0
    hush_s: float = 1.0
    close_s: float = 5.0


async def check_model(
    make: Callable[[], Model], *, speech: bytes, speech_hz: int = 16_000, limits: ModelLimits | None = None
) -> None:
    """Raises :class:`~vivavoce.conformance.watching.ConformanceFailure` at the first broken rule.

    ``speech`` is a request that the model answers, by a response or by a tool call; tools answer that they do not work.
    """
    model = make()
    _describes_itself(model)
    spoken = resample(speech, speech_hz, model.profile.input_rate_hz)
    suite = _Suite(model, spoken, limits or ModelLimits())
    for check in (
        suite.is_cancelled_while_opening,
        suite.speaks,
        suite.answers,
        suite.hushes,
        suite.lets_facts_pass,
        suite.takes_anything,
    ):
        around = Surroundings()
        await check()
        await around.unchanged("a session that was cancelled leaves nothing behind")


def _describes_itself(model: Model) -> None:
    profile = model.profile
    require(bool(profile.name) and bool(profile.description), "a model has a name and a description", profile)
    for rate_hz in (profile.input_rate_hz, profile.output_rate_hz):
        require(8000 <= rate_hz <= 48_000, "a model's rates are 8000 to 48000 Hz", profile)
    require(model.why_not_here() == "", "a model that is checked can be used here", model.why_not_here())


class _Caller:
    """Forwards audio at a talker's pace, silence if nothing is to be said, and answers tool calls as a broken tool."""

    def __init__(self, model: Model, connection: ConnectionId) -> None:
        self.connection = connection
        self.forwarded = 0
        self.session = model.session(connection)
        self.watch: Watch[ModelEvent] = Watch(self.session.run, gated=lambda fact: isinstance(fact, AgentAudio))
        self._frame_samples = samples_for(_FRAME_MS, model.profile.input_rate_hz)
        self._unsaid: list[bytes] = []
        self._answered: set[ToolCallId] = set()

    def perform(self, effect: ModelEffect) -> None:
        performed(self.session.perform, effect)

    def say(self, pcm: bytes) -> None:
        framer = Framer(self._frame_samples)
        self._unsaid += framer.push(pcm)
        if rest := framer.finish(pad=True):
            self._unsaid.append(rest)

    async def said(self) -> None:
        """Returns about when all has been said."""
        await asyncio.sleep(len(self._unsaid) * _FRAME_MS / 1000)

    async def talk(self) -> None:
        while True:
            frame = self._unsaid.pop(0) if self._unsaid else silence(self._frame_samples)
            self.perform(ForwardAudio(self.connection, Audio(frame)))
            self.forwarded += self._frame_samples
            for request in self.watch.all(ToolRequested):
                if request.tool_call not in self._answered:
                    self._answered.add(request.tool_call)
                    broken = ReturnToolResult(
                        self.connection, request.tool_call, ToolStatus.FAILED, '{"error": "this tool does not work"}'
                    )
                    self.perform(broken)
            await asyncio.sleep(_FRAME_MS / 1000)

    def audio(self, response: ResponseId) -> list[AgentAudio]:
        return [fact for fact in self.watch.all(AgentAudio) if fact.response == response]

    def finished(self, response: ResponseId) -> bool:
        return ResponseFinished(self.connection, response) in self.watch.facts


class _Suite:
    def __init__(self, model: Model, speech: bytes, limits: ModelLimits) -> None:
        self._model = model
        self._speech = speech
        self._limits = limits
        self._connection = 0
        self._tells_speech = False  # learnt by ``answers``

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[_Caller]:
        """A session that is ready, with a caller on it; cancelled and judged at the end."""
        self._connection += 1
        caller = _Caller(self._model, ConnectionId(self._connection))
        async with caller.watch as watch:
            await watch.until(lambda: bool(watch.facts), self._limits.open_s, "a session opens and says ModelReady")
            first = watch.facts[0]
            is_ready = isinstance(first, ModelReady) and first.connection == caller.connection
            require(is_ready, "the first fact is ModelReady", first)
            talking = asyncio.create_task(caller.talk())
            try:
                yield caller
            finally:
                talking.cancel()
                await asyncio.wait([talking])
            await watch.cancelled(self._limits.close_s, "cancelling run ends it")
        require_in_order(watch.facts, caller.connection, caller.forwarded)

    async def _spoken(self, caller: _Caller, response: ResponseId, text: str) -> None:
        caller.perform(Speak(caller.connection, response, text))
        await caller.watch.until(
            lambda: caller.finished(response),
            self._limits.say_s,
            "Speak is answered by a response with the id it names, to its end",
        )
        length_ms = sum(fact.audio.samples for fact in caller.audio(response)) * 1000
        length_ms //= self._model.profile.output_rate_hz
        require(length_ms >= 10 * len(text), "spoken words take time", f"{len(text)} characters in {length_ms} ms")
        words = [fact.text for fact in caller.watch.all(AgentText) if fact.response == response]
        require(any(words), "a response tells its words")

    async def is_cancelled_while_opening(self) -> None:
        for after_s in (0.0, 0.05):
            self._connection += 1
            session = self._model.session(ConnectionId(self._connection))
            async with Watch[ModelEvent](session.run) as watch:
                await asyncio.sleep(after_s)
                await watch.cancelled(self._limits.close_s, "cancelling run while it opens ends it")

    async def speaks(self) -> None:
        async with self._opened() as caller:
            await self._spoken(caller, ResponseId("first"), _SHORT)
            await self._spoken(caller, ResponseId("second"), _SHORT)

    async def answers(self) -> None:
        async with self._opened() as caller:
            watch = caller.watch
            caller.say(self._speech)
            await caller.said()
            await watch.until(
                lambda: bool(watch.all(ResponseStarted, ToolRequested)),
                self._limits.reply_s,
                "speech is answered by a response or a tool call",
            )
            await watch.until(
                lambda: bool(watch.all(ResponseFinished)),
                self._limits.say_s,
                "a response is begun and finished in the end, also when a tool does not work",
            )
            self._tells_speech = bool(watch.all(CallerSpeechStarted))
            if self._tells_speech:
                require(bool(watch.all(CallerSpeechStopped)), "who tells that speech starts tells that it stops")

    async def hushes(self) -> None:
        response = ResponseId("long")
        async with self._opened() as caller:
            watch = caller.watch
            caller.perform(Speak(caller.connection, response, _LONG))
            await watch.until(lambda: bool(caller.audio(response)), self._limits.say_s, "Speak is answered by audio")
            watch.gate.clear()  # as when enough is queued towards the caller, so that the model is still at it
            caller.perform(CancelResponse(caller.connection, response))
            watch.gate.set()
            await asyncio.sleep(self._limits.hush_s)
            sent = len(caller.audio(response))
            caller.perform(Truncate(caller.connection, response, Samples(100), "Let me"))
            await self._spoken(caller, ResponseId("after"), _SHORT)
            late = caller.audio(response)[sent:]
            require(not late, "after CancelResponse a response sends no more than what is on its way", late[:1])

    async def lets_facts_pass(self) -> None:
        """Audio waits, as when enough is queued towards the caller; the caller is heard all the same."""
        if not self._tells_speech:
            return
        response = ResponseId("held")
        async with self._opened() as caller:
            watch = caller.watch
            watch.gate.clear()
            caller.perform(Speak(caller.connection, response, _LONG))
            await watch.until(lambda: watch.waiting > 0, self._limits.say_s, "Speak is answered by audio")
            caller.say(self._speech)
            await watch.until(
                lambda: bool(watch.all(CallerSpeechStarted)),
                self._limits.reply_s,
                "other facts do not wait behind audio",
            )
            caller.perform(CancelResponse(caller.connection, response))
            watch.gate.set()

    async def takes_anything(self) -> None:
        """Wishes about what the session has never heard of, or no longer knows: the core may be a step behind."""
        nothing, no_call = ResponseId("nothing"), ToolCallId("nothing")
        async with self._opened() as caller:
            connection = caller.connection
            for effect in (
                CancelResponse(connection, nothing),
                Truncate(connection, nothing, Samples(0), ""),
                ReturnToolResult(connection, no_call, ToolStatus.OK, "{}"),
                ForwardAudio(connection, Audio(b"")),
                ForwardText(connection, "hello"),
                RequestReply(connection, ""),
            ):
                caller.perform(effect)
            await asyncio.sleep(0.2)
            require(not caller.watch.over, "a wish about something unknown does not end a session")
        caller.perform(ForwardAudio(caller.connection, Audio(silence(160))))
        caller.perform(Speak(caller.connection, nothing, _SHORT))
