"""The one place where a call's rate and a model's rates meet.

Inside a call everything is counted at the channel's rate. At the model's edge caller audio is resampled to what the
model takes, agent audio to what the channel plays, and positions are counted over. Where the rates agree nothing is
touched.
"""

from __future__ import annotations

import msgspec

from vivavoce.audio.resample import StreamResampler
from vivavoce.events import (
    AgentAudio,
    AgentText,
    Audio,
    AudioLost,
    CallerSpeechStarted,
    CallerSpeechStopped,
    ForwardAudio,
    ModelEffect,
    ModelEvent,
    ReplayAudio,
    ResponseFinished,
    ResponseId,
    ResponseInterrupted,
    ResponseStarted,
    Samples,
    Truncate,
)


class RateBridge:
    """Between one call and one model session."""

    def __init__(self, call_hz: int, model_input_hz: int, model_output_hz: int) -> None:
        self._call_hz = call_hz
        self._input_hz = model_input_hz
        self._output_hz = model_output_hz
        self._to_model = StreamResampler(call_hz, model_input_hz)
        self._from_model: dict[ResponseId, StreamResampler] = {}

    def to_model(self, effect: ModelEffect) -> ModelEffect:
        match effect:
            case ForwardAudio(connection, audio) if self._call_hz != self._input_hz:
                return ForwardAudio(connection, Audio(self._to_model.push(audio.pcm)))
            case ReplayAudio(connection, audio) if self._call_hz != self._input_hz:
                return ReplayAudio(connection, Audio(self._to_model.push(audio.pcm)))
            case Truncate() if self._call_hz != self._output_hz:
                return msgspec.structs.replace(effect, heard=_scale(effect.heard, self._call_hz, self._output_hz))
            case _:
                return effect

    def from_model(self, event: ModelEvent) -> tuple[ModelEvent, ...]:
        """The same fact at the call's rate; the end of a response may bring the last of its audio with it."""
        match event:
            case AgentAudio(_, response, audio) if self._call_hz != self._output_hz:
                pcm = self._resampler(response).push(audio.pcm)
                return (msgspec.structs.replace(event, audio=Audio(pcm)),) if pcm else ()
            case AgentText() if self._call_hz != self._output_hz:
                return (msgspec.structs.replace(event, at=_scale(event.at, self._output_hz, self._call_hz)),)
            case CallerSpeechStarted() | CallerSpeechStopped() if self._call_hz != self._input_hz:
                return (msgspec.structs.replace(event, at=_scale(event.at, self._input_hz, self._call_hz)),)
            case AudioLost() if self._call_hz != self._input_hz:
                return (msgspec.structs.replace(event, samples=_scale(event.samples, self._input_hz, self._call_hz)),)
            case ResponseStarted():
                self._from_model.clear()  # of one that was cancelled no end is told, and nothing is played any more
                return (event,)
            case ResponseFinished(connection, response) if response in self._from_model:
                rest = self._from_model.pop(response).finish()
                return (AgentAudio(connection, response, Audio(rest)), event) if rest else (event,)
            case ResponseInterrupted(_, response):
                self._from_model.pop(response, None)
                return (event,)
            case _:
                return (event,)

    def _resampler(self, response: ResponseId) -> StreamResampler:
        if response not in self._from_model:
            self._from_model[response] = StreamResampler(self._output_hz, self._call_hz)
        return self._from_model[response]


def _scale(position: int, from_hz: int, to_hz: int) -> Samples:
    return Samples((position * to_hz + from_hz // 2) // from_hz)
