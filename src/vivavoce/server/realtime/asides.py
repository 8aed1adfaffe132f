"""Replies beside the call (``conversation: "none"``): a model session for each, of which the call knows nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from vivavoce.audio.pcm import samples_for, silence
from vivavoce.engine.clock import now_us
from vivavoce.engine.mistakes import log_mistake
from vivavoce.engine.rates import RateBridge
from vivavoce.errors import ModelFault, VivavoceError
from vivavoce.events import (
    AgentAudio,
    AgentText,
    Audio,
    ConnectionId,
    ForwardAudio,
    ForwardText,
    ModelEffect,
    ModelEvent,
    ModelReady,
    Recall,
    RequestReply,
    ResponseFinished,
    ResponseInterrupted,
    UsageReported,
)
from vivavoce.model.port import Model, ModelSession
from vivavoce.server.realtime.client_call import ClientCall
from vivavoce.wire.realtime.actions import Action, Aside
from vivavoce.wire.realtime.front import Front

LIMIT_S = 60.0
_ONE = ConnectionId(1)
_log = logging.getLogger(__name__)


class Told(Protocol):
    """Who wants to know what comes of an aside."""

    def text(self, text: str) -> None: ...

    def audio(self, audio: Audio) -> None: ...

    def done(self, usage: UsageReported) -> None: ...

    def failed(self, message: str) -> None: ...


@dataclass(slots=True)
class _Reply:
    """What has come of one so far."""

    told: Told
    usage: UsageReported = field(default_factory=lambda: UsageReported(_ONE))
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, event: ModelEvent) -> None:
        match event:
            case AgentText(_, _, text, _, False):
                self.told.text(text)
            case AgentAudio(_, _, audio):
                self.told.audio(audio)
            case UsageReported():
                self.usage = UsageReported(
                    _ONE,
                    self.usage.speech_in + event.speech_in,
                    self.usage.speech_out + event.speech_out,
                    self.usage.text_in + event.text_in,
                    self.usage.text_out + event.text_out,
                )
            case ResponseFinished() | ResponseInterrupted():
                self.over.set()


async def answer_aside(aside: Aside, make_models: Callable[[], Sequence[Model]], rate_hz: int, told: Told) -> None:
    """Makes the reply and tells what comes of it, its end included. Raises nothing but cancellation."""
    reply = _Reply(told)
    try:
        model = (await asyncio.to_thread(make_models))[0]
        async with asyncio.timeout(LIMIT_S):
            await _converse(aside, model, rate_hz, reply)
    except TimeoutError:
        told.failed("the model took too long")
    except VivavoceError as fault:
        told.failed(str(fault))
    except Exception as error:  # noqa: BLE001  # a mistake of ours or of an adapter's: the call goes on
        log_mistake(_log, "a reply beside a call failed", error)
        told.failed(f"unexpected {type(error).__name__}")
    else:
        told.done(reply.usage)


async def _converse(aside: Aside, model: Model, rate_hz: int, reply: _Reply) -> None:
    session = model.session(_ONE)
    bridge = RateBridge(rate_hz, model.profile.input_rate_hz, model.profile.output_rate_hz)
    ready = asyncio.Event()

    async def emit(event: ModelEvent) -> None:
        if isinstance(event, ModelReady):
            ready.set()
        for converted in bridge.from_model(event):
            reply.take(converted)

    running = asyncio.create_task(session.run(emit))
    over = asyncio.create_task(reply.over.wait())
    asking = asyncio.create_task(_ask(aside, session, model.profile.input_rate_hz, ready))
    try:
        await asyncio.wait({running, over, asking}, return_when=asyncio.FIRST_COMPLETED)
        if not over.done():
            await (asking if asking.done() else running)  # raises what ended it
            raise ModelFault("the model ended the session")
    finally:
        for task in (running, over, asking):
            task.cancel()
        await asyncio.gather(running, over, asking, return_exceptions=True)


async def _ask(aside: Aside, session: ModelSession, input_rate_hz: int, ready: asyncio.Event) -> None:
    """What it is to answer, over a line on which nobody says anything."""
    await ready.wait()
    wishes: list[ModelEffect] = [Recall(_ONE, aside.turns)] if aside.turns else []
    wishes.append(ForwardText(_ONE, aside.prompt) if aside.prompt else RequestReply(_ONE, ""))
    for wish in wishes:
        session.perform(wish)
    quiet = ForwardAudio(_ONE, Audio(silence(samples_for(100, input_rate_hz))))
    while True:
        session.perform(quiet)
        await asyncio.sleep(0.1)


class Asides:
    """Those of one client. What comes of them goes to ``front``, and what that wants done to ``do``."""

    def __init__(self, front: Front, do: Callable[[Iterable[Action]], None]) -> None:
        self._front = front
        self._do = do
        self._running: dict[str, asyncio.Task[None]] = {}

    def ask(self, aside: Aside, call: ClientCall, tasks: asyncio.TaskGroup) -> None:
        told = _Told(self._front, self._do, aside.id)

        def make_models() -> Sequence[Model]:
            return call.make_models_aside(aside.instructions)

        task = tasks.create_task(answer_aside(aside, make_models, call.channel.rate_hz, told), name="aside")
        self._running[aside.id] = task
        task.add_done_callback(lambda _: self._running.pop(aside.id, None))

    def cancel(self, aside_id: str) -> None:
        if aside_id in self._running:
            self._running[aside_id].cancel()

    def cancel_all(self) -> None:
        for task in self._running.values():
            task.cancel()


@dataclass(frozen=True, slots=True)
class _Told:
    """Implements :class:`Told`."""

    front: Front
    do: Callable[[Iterable[Action]], None]
    aside: str

    def text(self, text: str) -> None:
        self.do(self.front.aside_text(self.aside, text, now_us()))

    def audio(self, audio: Audio) -> None:
        self.do(self.front.aside_audio(self.aside, audio, now_us()))

    def done(self, usage: UsageReported) -> None:
        self.do(self.front.aside_done(self.aside, usage, now_us()))

    def failed(self, message: str) -> None:
        self.do(self.front.aside_failed(self.aside, message, now_us()))
