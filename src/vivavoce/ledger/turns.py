"""A call's timeline, folded into turns: who said what, how long the reply took, and how much of it was heard.

A *turn* is a stretch of the caller's talk (or typing) with the agent's replies to it; turn 0 is what the agent says
before the caller has spoken. Talk that goes on before any reply was begun belongs to the same turn.

Latency, ``first_audio_ms``: from the instant at which the last sample of the caller's speech arrived (the model says
which sample that was) to the turn's first :class:`~vivavoce.events.Play`. It holds everything on our side of the
channel: the wait that decides the turn is over, the model, the tools if it waited for them, and this server. What lies
beyond the channel (network, jitter buffer, loudspeaker) is not in it. ``docs/reference/metrics.md`` has every figure.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
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
    CancelTool,
    ConnectionId,
    Effect,
    Event,
    Flush,
    ForwardAudio,
    Ignore,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ReplayAudio,
    ResponseId,
    ResponseStarted,
    RunTool,
    SwapModel,
    ToolCallId,
    ToolFinished,
)
from vivavoce.timeline.schema import Line

CANCELLED = "cancelled"
"""The status of a tool that nobody waited for any more: it has no result."""


@dataclass(slots=True)
class ToolUse:
    """One tool call. ``status`` is a :class:`~vivavoce.events.ToolStatus` or :data:`CANCELLED`, empty while it runs."""

    name: str
    arguments: str
    started_us: int
    finished_us: int | None = None
    status: str = ""
    result: str = ""

    def finish(self, at: int, status: str, result: str = "") -> None:
        """Only the first end counts: what comes after it is late."""
        if self.finished_us is None:
            self.finished_us, self.status, self.result = at, status, result

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
    began_us: int | None = None
    speech_ended_us: int | None = None
    first_audio_us: int | None = None
    responses: list[ResponseId] = field(default_factory=list)
    generated: int = 0
    played: int = 0
    interrupted: bool = False

    @property
    def first_audio_ms(self) -> float | None:
        """None where there was no reply, or no end of speech to count from. Below zero if the agent spoke into it."""
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
    sent: int = 0
    played: int = 0


_REMEMBERED_PIECES = 6_000
"""Two minutes of 20 ms: what a model says of the caller's audio, it says within seconds, and what a session that takes
over is given again is at most a minute."""
_REMEMBERED_CONNECTIONS = 4
_NOTHING: tuple[deque[int], deque[int]] = (deque(), deque())


class _Arrivals:
    """When the samples that a model heard had reached us, for the last minutes.

    A model counts from the first sample it was given, and each connection anew. What waited for a model arrived before
    it was forwarded, so both ends of that queue are followed here.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, int]] = deque()  # samples, and the instant at which the last of them arrived
        self._forwarded: dict[ConnectionId, tuple[deque[int], deque[int]]] = {}  # where each piece ends, its instant
        # What was forwarded: samples, and the instant they had arrived.
        self._pieces: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED_PIECES)
        self._replaying: deque[tuple[int, int]] = deque()

    def arrive(self, samples: int, at: int) -> None:
        self._waiting.append((samples, at))

    def forward(self, connection: ConnectionId, samples: int, otherwise: int) -> None:
        arrived = self.drop(samples, otherwise)
        self._pieces.append((samples, arrived))
        self._heard(connection, samples, arrived)

    def take_over(self, replayed: int) -> None:
        """The newest so many samples will be forwarded to another connection too."""
        self._replaying.clear()
        for piece in reversed(self._pieces):
            if replayed <= 0:
                break
            self._replaying.appendleft(piece)
            replayed -= piece[0]

    def replay(self, connection: ConnectionId, samples: int, otherwise: int) -> None:
        arrived = self._replaying.popleft()[1] if self._replaying else otherwise
        self._heard(connection, samples, arrived)

    def _heard(self, connection: ConnectionId, samples: int, arrived: int) -> None:
        if connection not in self._forwarded:
            for old in sorted(self._forwarded)[: -_REMEMBERED_CONNECTIONS + 1]:
                del self._forwarded[old]
            self._forwarded[connection] = (deque(maxlen=_REMEMBERED_PIECES), deque(maxlen=_REMEMBERED_PIECES))
        ends, instants = self._forwarded[connection]
        ends.append((ends[-1] if ends else 0) + samples)
        instants.append(arrived)

    def drop(self, samples: int, otherwise: int) -> int:
        """Take the oldest samples out; returns when the last of them had arrived."""
        at = otherwise
        while samples > 0 and self._waiting:
            taken, at = self._waiting.popleft()
            samples -= taken
        return at

    def instant_of(self, connection: ConnectionId, position: int, otherwise: int) -> int:
        ends, instants = self._forwarded.get(connection, _NOTHING)
        index = bisect_left(ends, position)
        return instants[index] if index < len(instants) else otherwise


class _Fold:
    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self._rate_hz = 0
        self._replies: dict[ResponseId, _Reply] = {}
        self._tools: dict[ToolCallId, ToolUse] = {}
        self._arrivals = _Arrivals()

    def add(self, line: Line) -> None:
        match line.value:
            case CallStarted():
                self._begin()
            case _ if not self.turns:
                pass  # a call that never started has no turns
            case CallerAudio() | ForwardAudio() | ReplayAudio() | SwapModel() | Ignore():
                self._caller_sound(line)
            case AgentAudio() | Play() | ResponseStarted() | Flush() | PlayoutProgress() | PlayoutStopped():
                self._reply(line)
            case RunTool() | ToolFinished() | CancelTool():
                self._tool(line)
            case _:
                self._talk(line)

    def _caller_sound(self, line: Line) -> None:
        match line.value:
            case CallerAudio(audio):
                self._arrivals.arrive(audio.samples, line.at)
            case ForwardAudio(connection, audio):
                self._arrivals.forward(connection, audio.samples, line.at)
            case SwapModel(replayed=replayed):
                self._arrivals.take_over(replayed)
            case ReplayAudio(connection, audio):
                self._arrivals.replay(connection, audio.samples, line.at)
            case Ignore("CallerAudio", _, samples):
                self._arrivals.drop(samples, line.at)

    def _talk(self, line: Line) -> None:
        match line.value:
            case CallerConnected(_, rate_hz):
                self._rate_hz = rate_hz
                for turn in self.turns:
                    turn.rate_hz = rate_hz
            case CallerSpeechStarted():
                self._caller_speaks(line.at)
            case CallerSpeechStopped(connection, at):
                self.turns[-1].speech_ended_us = self._arrivals.instant_of(connection, at, line.at)
            case CallerText(text):
                self._caller_speaks(line.at)
                self.turns[-1].caller.append(text)
                self.turns[-1].speech_ended_us = line.at
            case CallerTranscribed(_, text, True) if text:
                self.turns[-1].caller.append(text)
            case AgentText(_, response, text, _, False) if response in self._replies:
                self._replies[response].turn.agent.append(text)

    def _reply(self, line: Line) -> None:
        match line.value:
            case ResponseStarted(_, response) if response not in self._replies:
                self._replies[response] = _Reply(self.turns[-1])
                self.turns[-1].responses.append(response)
            case AgentAudio(_, response, audio) if reply := self._replies.get(response):
                reply.turn.generated += audio.samples
            case Play(response, audio) if reply := self._replies.get(response):
                reply.sent += audio.samples
                if reply.turn.first_audio_us is None:
                    reply.turn.first_audio_us = line.at
            case Flush(response) if reply := self._replies.get(response):
                reply.turn.interrupted = True
            case PlayoutProgress(response, played) | PlayoutStopped(response, played):
                if reply := self._replies.get(response):
                    now = max(reply.played, min(played, reply.sent))  # a channel cannot have played what it never got
                    reply.turn.played += now - reply.played
                    reply.played = now

    def _tool(self, line: Line) -> None:
        match line.value:
            case RunTool(tool_call, name, arguments):
                self._tools[tool_call] = use = ToolUse(name, arguments, line.at)
                self.turns[-1].tools.append(use)
            case ToolFinished(tool_call, status, result) if tool_call in self._tools:
                self._tools[tool_call].finish(line.at, status, result)
            case CancelTool(tool_call) if tool_call in self._tools:
                self._tools[tool_call].finish(line.at, CANCELLED)

    def _begin(self) -> None:
        self.turns.append(Turn(len(self.turns), self._rate_hz))

    def _caller_speaks(self, at: int) -> None:
        replied = any(reply.turn is self.turns[-1] for reply in self._replies.values())
        if replied or self.turns[-1].number == 0:
            self._begin()
        if self.turns[-1].began_us is None:
            self.turns[-1].began_us = at


class TurnFold:
    """Turns as the lines come. Whether a line counts is known with the next one, so the fold is one line behind until
    :meth:`finish`. Its memory grows with what is said, not with how long the call lasts.
    """

    def __init__(self) -> None:
        self._fold = _Fold()
        self._held: Line | None = None

    @property
    def turns(self) -> list[Turn]:
        """Those so far, in order; the later ones may still change."""
        return self._fold.turns

    def add(self, line: Line) -> None:
        if self._held is not None and not _was_ignored(self._held.value, line.value):
            self._fold.add(self._held)
        self._held = line

    def finish(self) -> None:
        """No more lines come."""
        if self._held is not None:
            self._fold.add(self._held)
            self._held = None


def fold_turns(lines: Iterable[Line]) -> list[Turn]:
    """The turns of a call, in order. What the core ignored changes nothing here either, save that audio which came too
    late to be played was generated all the same, and that a tool which nobody waited for has ended all the same."""
    fold = TurnFold()
    for line in lines:
        fold.add(line)
    fold.finish()
    return fold.turns


def _was_ignored(value: Event | Effect, answer: Event | Effect) -> bool:
    if isinstance(value, AgentAudio | CallerAudio | ToolFinished):
        return False  # each is judged where it is counted
    return isinstance(answer, Ignore) and answer.what == type(value).__name__
