"""A call's timeline, folded into turns: who said what, how long the reply took, and how much of it was heard.

A *turn* is a stretch of the caller's talk (or typing) with the agent's replies to it; turn 0 is what the agent says
before the caller has spoken. Talk that goes on before any reply was begun belongs to the same turn.

Latency, ``first_audio_ms``: from the instant at which the last sample of the caller's speech arrived (the model says
which sample that was) to the first :class:`~vivavoce.events.Play` that follows. It holds everything on our side of the
channel: the wait that decides the turn is over, the model, the tools if it waited for them, and this server. What lies
beyond the channel (network, jitter buffer, loudspeaker) is not in it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

from vivavoce.events import (
    AgentAudio,
    AgentText,
    CallerAudio,
    CallerConnected,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CallerTranscribed,
    CallStarted,
    Flush,
    Ignore,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ResponseId,
    ResponseStarted,
    RunTool,
    ToolFinished,
)
from vivavoce.timeline.schema import Line


@dataclass(slots=True)
class ToolUse:
    """One tool call. ``status`` is empty while it runs."""

    name: str
    arguments: str
    started_us: int
    finished_us: int | None = None
    status: str = ""
    result: str = ""

    @property
    def duration_ms(self) -> float | None:
        return None if self.finished_us is None else (self.finished_us - self.started_us) / 1000


@dataclass(slots=True)
class Turn:
    """Counts are samples at the call's rate, instants microseconds since the call was opened."""

    number: int
    rate_hz: int
    caller: list[str] = field(default_factory=list)
    agent: list[str] = field(default_factory=list)
    tools: list[ToolUse] = field(default_factory=list)
    speech_ended_us: int | None = None
    first_audio_us: int | None = None
    generated: int = 0
    played: int = 0
    interrupted: bool = False

    @property
    def first_audio_ms(self) -> float | None:
        """None where there was no reply, or no end of speech to count from."""
        if self.speech_ended_us is None or self.first_audio_us is None:
            return None
        return (self.first_audio_us - self.speech_ended_us) / 1000

    @property
    def reply_ms(self) -> float:
        return self.generated / self.rate_hz * 1000 if self.rate_hz else 0.0

    @property
    def heard_share(self) -> float | None:
        """Of what was made for this turn, the share that was played; None without a reply."""
        return self.played / self.generated if self.generated else None

    @property
    def tool_ms(self) -> float:
        """Time with at least one tool running: overlapping tools count once."""
        total = 0
        covered_until = 0
        for use in sorted(self.tools, key=lambda use: use.started_us):
            if use.finished_us is not None:
                total += max(0, use.finished_us - max(use.started_us, covered_until))
                covered_until = max(covered_until, use.finished_us)
        return total / 1000


@dataclass(slots=True)
class _Reply:
    turn: Turn
    generated: int = 0
    played: int = 0


class _Fold:
    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self._rate_hz = 0
        self._replies: dict[ResponseId, _Reply] = {}
        self._tools: dict[str, ToolUse] = {}
        self._caller_ends: list[int] = []  # how many samples of the caller's had come ...
        self._caller_at: list[int] = []  # ... at which instant

    def add(self, line: Line) -> None:
        match line.value:
            case CallerAudio(audio):
                self._caller_ends.append((self._caller_ends[-1] if self._caller_ends else 0) + audio.samples)
                self._caller_at.append(line.at)
            case AgentAudio() | Play() | ResponseStarted() | Flush() | PlayoutProgress() | PlayoutStopped():
                self._reply(line)
            case RunTool() | ToolFinished():
                self._tool(line)
            case _:
                self._talk(line)

    def _talk(self, line: Line) -> None:
        match line.value:
            case CallStarted():
                self._begin()
            case CallerConnected(_, rate_hz) if not self._rate_hz:
                self._rate_hz = rate_hz
                for turn in self.turns:
                    turn.rate_hz = rate_hz
            case CallerSpeechStarted():
                self._caller_speaks()
            case CallerSpeechStopped(_, at):
                self.turns[-1].speech_ended_us = self._instant_of(at, line.at)
            case CallerText(text):
                self._caller_speaks()
                self.turns[-1].caller.append(text)
                self.turns[-1].speech_ended_us = line.at
            case CallerTranscribed(_, text, True) if text:
                self.turns[-1].caller.append(text)
            case AgentText(_, response, text) if response in self._replies:
                self._replies[response].turn.agent.append(text)

    def _reply(self, line: Line) -> None:
        match line.value:
            case ResponseStarted(_, response) if response not in self._replies:
                self._replies[response] = _Reply(self.turns[-1])
            case AgentAudio(_, response, audio) if response in self._replies:
                self._replies[response].turn.generated += audio.samples
            case Play(response, _) if self._replies[response].turn.first_audio_us is None:
                self._replies[response].turn.first_audio_us = line.at
            case Flush(response):
                self._replies[response].turn.interrupted = True
            case PlayoutProgress(response, played) | PlayoutStopped(response, played):
                reply = self._replies.get(response)
                if reply is not None and played > reply.played:
                    reply.turn.played += played - reply.played
                    reply.played = played

    def _tool(self, line: Line) -> None:
        match line.value:
            case RunTool(tool_call, name, arguments):
                use = self._tools[tool_call] = ToolUse(name, arguments, line.at)
                self.turns[-1].tools.append(use)
            case ToolFinished(tool_call, status, result) if tool_call in self._tools:
                use = self._tools[tool_call]
                use.finished_us, use.status, use.result = line.at, status, result

    def _begin(self) -> None:
        self.turns.append(Turn(len(self.turns), self._rate_hz))

    def _caller_speaks(self) -> None:
        replied = any(reply.turn is self.turns[-1] for reply in self._replies.values())
        if replied or self.turns[-1].number == 0:
            self._begin()

    def _instant_of(self, position: int, otherwise: int) -> int:
        """When the sample at ``position`` of the caller's audio had arrived."""
        index = bisect_left(self._caller_ends, position)
        return self._caller_at[index] if index < len(self._caller_at) else otherwise


def fold_turns(lines: Iterable[Line]) -> list[Turn]:
    """The turns of a call, in order. What the core ignored changes nothing here either, save that audio which came too
    late to be played was generated all the same."""
    recorded = list(lines)
    ignored = {
        line.number - 1 for line in recorded if isinstance(line.value, Ignore) and line.value.what != "AgentAudio"
    }
    fold = _Fold()
    for line in recorded:
        if line.number not in ignored:
            fold.add(line)
    return fold.turns
