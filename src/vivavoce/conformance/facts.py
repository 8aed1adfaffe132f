"""Whether what a model session has said makes sense as a whole: ids, order, positions."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vivavoce.audio.pcm import samples_in
from vivavoce.conformance.watching import require
from vivavoce.events import (
    AgentAudio,
    AgentText,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTranscribed,
    ConnectionId,
    ModelEvent,
    ModelReady,
    ResponseFinished,
    ResponseId,
    ResponseInterrupted,
    ResponseStarted,
    ToolCallId,
    ToolRequested,
    UsageReported,
)


def require_in_order(facts: Sequence[ModelEvent], connection: ConnectionId, forwarded: int) -> None:
    """``forwarded`` is how many samples of caller audio the session was given."""
    judge = _Judge(forwarded)
    require(isinstance(facts[0], ModelReady), "the first fact is ModelReady", facts[0])
    for fact in facts[1:]:
        require(fact.connection == connection, "facts carry the connection they were opened for", fact)
        require(not isinstance(fact, ModelReady), "ModelReady is emitted once")
        judge.take(fact)


class _Judge:
    """Takes a session's facts one by one."""

    def __init__(self, forwarded: int) -> None:
        self._forwarded = forwarded
        self._begun: set[ResponseId] = set()
        self._over: set[ResponseId] = set()
        self._tool_calls: set[ToolCallId] = set()
        self._speaking = False
        self._position = 0  # of the last start or stop of speech

    def take(self, fact: ModelEvent) -> None:
        match fact:
            case ResponseStarted(_, response):
                require(response not in self._begun, "a response is begun once", fact)
                self._begun.add(response)
            case AgentAudio() | AgentText() | ResponseFinished():
                self._take_response(fact)
            case ResponseInterrupted(_, response):
                require(response in self._begun, "only what was begun can be interrupted", fact)
            case CallerSpeechStarted() | CallerSpeechStopped():
                self._take_speech(fact)
            case CallerTranscribed(_, text, final):
                require(bool(text) or not final, "a final transcript has words", fact)
            case ToolRequested():
                self._take_tool_call(fact)
            case UsageReported(_, speech_in, speech_out, text_in, text_out):
                require(min(speech_in, speech_out, text_in, text_out) >= 0, "tokens are counted from 0", fact)

    def _take_response(self, fact: AgentAudio | AgentText | ResponseFinished) -> None:
        require(fact.response in self._begun, "a response is begun before anything of it", fact)
        told_after = isinstance(fact, AgentText) and fact.final  # what was spoken, once it was
        require(told_after or fact.response not in self._over, "nothing of a response comes after its end", fact)
        match fact:
            case AgentAudio(_, _, audio):
                require(audio.samples == samples_in(audio.pcm) > 0, "audio has the samples that it says", fact)
            case AgentText(_, _, _, at):
                require(at >= 0, "words have a position in their response", fact)
            case ResponseFinished():
                self._over.add(fact.response)

    def _take_speech(self, fact: CallerSpeechStarted | CallerSpeechStopped) -> None:
        starts = isinstance(fact, CallerSpeechStarted)
        require(starts is not self._speaking, "the caller starts and stops by turns", fact)
        require(self._position <= fact.at <= self._forwarded, "speech lies in the caller's audio, in order", fact)
        self._speaking = starts
        self._position = fact.at

    def _take_tool_call(self, fact: ToolRequested) -> None:
        require(fact.tool_call not in self._tool_calls, "a tool call has an id of its own", fact)
        self._tool_calls.add(fact.tool_call)
        require(_is_object(fact.arguments), "a tool's arguments are the JSON text of an object", fact)


def _is_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except msgspec.DecodeError:
        return False
