"""One session of a brain behind one stream: rates are converted, and what comes before it is ready waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from vivavoce.audio.resample import StreamResampler
from vivavoce.emulator.session import CONNECTION
from vivavoce.errors import ModelFault
from vivavoce.events import (
    AgentAudio,
    Audio,
    CancelResponse,
    ForwardAudio,
    ModelEffect,
    ModelEvent,
    ModelReady,
    ResponseFinished,
    ResponseId,
    ResponseInterrupted,
    Samples,
    Truncate,
)
from vivavoce.model.port import Model
from vivavoce.wire.nova_input import PromptStart

READY_LIMIT_S = 60.0
"""A brain that is not ready by then has failed; what the caller says meanwhile is kept."""

MakeBrain = Callable[[PromptStart, int], Model]
"""A model for a session, by what the client asked for and a seed."""


class Brain:
    """``tell`` takes each fact as it comes, with audio at the client's rate; ``room`` waits until the client has taken
    most of what it was sent."""

    def __init__(
        self,
        model: Model,
        output_rate_hz: int,
        tell: Callable[[ModelEvent], None],
        room: Callable[[], Awaitable[None]],
    ) -> None:
        self._profile = model.profile
        self._session = model.session(CONNECTION)
        self._output_rate_hz = output_rate_hz
        self._tell = tell
        self._room = room
        self._ear: StreamResampler | None = None
        self._mouths: dict[ResponseId, StreamResampler] = {}
        self._waiting: list[ModelEffect] | None = []
        """None as soon as the brain is ready."""

    async def run(self) -> None:
        """Until cancelled. Raises :class:`ModelFault` when the brain fails."""
        try:
            async with asyncio.timeout(READY_LIMIT_S) as limit:

                async def emit(event: ModelEvent) -> None:
                    if isinstance(event, ModelReady):
                        limit.reschedule(None)
                        self._ready()
                    for converted in self._converted(event):
                        self._tell(converted)
                    if isinstance(event, AgentAudio):
                        await self._room()

                await self._session.run(emit)
        except TimeoutError:
            raise ModelFault(f"it was not ready within {READY_LIMIT_S:.0f} s") from None

    def hear_at(self, rate_hz: int) -> None:
        self._ear = StreamResampler(rate_hz, self._profile.input_rate_hz)

    def perform(self, effect: ModelEffect) -> None:
        match effect:
            case ForwardAudio(connection, audio) if self._ear is not None:
                effect = ForwardAudio(connection, Audio(self._ear.push(audio.pcm)))
            case CancelResponse(_, response):
                self._mouths.pop(response, None)
            case Truncate(connection, response, heard, text):
                played = Samples(heard * self._profile.output_rate_hz // self._output_rate_hz)
                effect = Truncate(connection, response, played, text)
        if self._waiting is not None:
            self._waiting.append(effect)
        else:
            self._session.perform(effect)

    def _ready(self) -> None:
        waiting, self._waiting = self._waiting or [], None
        for effect in waiting:
            self._session.perform(effect)

    def _converted(self, event: ModelEvent) -> Iterator[ModelEvent]:
        match event:
            case AgentAudio(connection, response, audio):
                mouth = self._mouths.get(response)
                if mouth is None:
                    mouth = StreamResampler(self._profile.output_rate_hz, self._output_rate_hz)
                    self._mouths[response] = mouth
                yield AgentAudio(connection, response, Audio(mouth.push(audio.pcm)))
                return
            case ResponseFinished(connection, response) | ResponseInterrupted(connection, response):
                mouth = self._mouths.pop(response, None)
                if mouth is not None and (rest := mouth.finish()) and isinstance(event, ResponseFinished):
                    yield AgentAudio(connection, response, Audio(rest))
        yield event
