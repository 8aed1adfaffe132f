"""A call's timeline, folded into turns: who said what, how long the reply took, and how much of it was heard.

A *turn* is a stretch of the caller's talk (or typing) with the agent's replies to it; turn 0 is what the agent says
before the caller has spoken. Talk that goes on before any reply was begun belongs to the same turn.

Latency, ``first_audio_ms``: from the instant at which the last sample of the caller's speech arrived (the model says
which sample that was) to the turn's first :class:`~vivavoce.events.Play`. It holds everything on our side of the
channel: the wait that decides the turn is over, the model, the tools if it waited for them, and this server. What lies
beyond the channel (network, jitter buffer, loudspeaker) is not in it. ``docs/reference/metrics.md`` has every figure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from vivavoce.core.playout import ResponsePlayout
from vivavoce.events import (
    AgentAudio,
    AgentRevised,
    AgentText,
    CallerConnected,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CallerTranscribed,
    CallStarted,
    CancelTool,
    ConnectionId,
    Flush,
    ForwardText,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ResponseAudible,
    ResponseId,
    ResponseStarted,
    RunTool,
    ToolCallId,
    ToolFinished,
    ToolPlan,
)
from vivavoce.ledger.arrivals import Arrivals
from vivavoce.ledger.heeding import Handlers, Heeding
from vivavoce.timeline.schema import Line

CANCELLED = "cancelled"
"""The status of a tool that nobody waited for any more: it has no result."""


@dataclass(slots=True)
class ToolUse:
    """One tool call. ``status`` is a :class:`~vivavoce.events.ToolStatus` or :data:`CANCELLED`, empty while it runs;
    ``price`` what the agent declared when it was run, in billionths, 0 for nothing."""

    name: str
    arguments: str
    started_us: int
    finished_us: int | None = None
    status: str = ""
    result: str = ""
    price: int = 0

    def finish(self, at: int, status: str, result: str = "") -> None:
        """Only the first end counts: what comes after it is late."""
        if self.finished_us is None:
            self.finished_us, self.status, self.result = at, status, result

    @property
    def duration_ms(self) -> float | None:
        return None if self.finished_us is None else (self.finished_us - self.started_us) / 1000


@dataclass(slots=True)
class Reply:
    """One response of a turn. ``playout`` counts its samples and knows its words; ``begun_us`` is the instant at which
    its first sample was played, as far as the first report of it tells; ``audible_at`` is the position of its first
    sound."""

    turn: Turn
    playout: ResponsePlayout
    said: list[str] = field(default_factory=list)
    first_byte_us: int | None = None
    begun_us: int | None = None
    evidence: str = ""
    audible_at: int | None = None
    stopped: bool = False


@dataclass(slots=True)
class Given:
    """What the model was given of the caller in one turn. ``passed_us``: the end of their speech, or their words, had
    been passed on. ``since`` is what all turns before had forwarded, in samples. ``took``: the caller took this turn
    while the agent was heard."""

    since: int = 0
    forwarded: int = 0
    voiced: int = 0
    passed_us: int | None = None
    took: bool = False


@dataclass(slots=True)
class Turn:
    """Counts are samples at the call's rate, instants microseconds since the call was opened."""

    number: int
    rate_hz: int
    caller: list[str] = field(default_factory=list)
    tools: list[ToolUse] = field(default_factory=list)
    began_us: int | None = None
    speech_ended_us: int | None = None
    first_audio_us: int | None = None
    replies: list[Reply] = field(default_factory=list, repr=False, compare=False)
    generated: int = 0
    played: int = 0
    interrupted: bool = False
    given: Given = field(default_factory=Given, compare=False)

    @property
    def responses(self) -> list[ResponseId]:
        return [reply.playout.response for reply in self.replies]

    @property
    def agent(self) -> list[str]:
        """As generated."""
        return [text for reply in self.replies for text in reply.said]

    @property
    def heard(self) -> str:
        """Of the agent's words, those within what was played: by the rule by which the core tells a model."""
        return " ".join(text for reply in self.replies if (text := reply.playout.heard_text()))

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
        """Time with at least one tool of this turn running: overlapping tools count once."""
        ended = [(use.started_us, use.finished_us) for use in self.tools if use.finished_us is not None]
        return covered_us(ended) / 1000


def covered_us(spans: Iterable[tuple[int, int]]) -> int:
    """The length of all of these together, where they overlap once."""
    total = covered_until = 0
    for begin, end in sorted(spans):
        total += max(0, end - max(begin, covered_until))
        covered_until = max(covered_until, end)
    return total


class Turns:
    """Counts turns as facts and wishes come. Memory grows with what is said, not with how long the call lasts."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.arrivals = Arrivals()
        self._rate_hz = 0
        self._replies: dict[ResponseId, Reply] = {}
        self._tools: dict[ToolCallId, ToolUse] = {}
        self._prices: dict[str, int] = {}  # by tool
        self._talking: tuple[ConnectionId, int] | None = None  # from which position on, by whose count
        self._cut = False  # what was heard of the agent was cut off, and nothing has been begun since

    @property
    def handlers(self) -> Handlers:
        return {
            **self.arrivals.handlers,
            CallStarted: self._started,
            AgentRevised: self._revised,
            CallerConnected: self._connected,
            CallerSpeechStarted: self._speech_started,
            CallerSpeechStopped: self._speech_stopped,
            CallerText: self._typed,
            ForwardText: self._passed_on,
            CallerTranscribed: self._transcribed,
            ResponseStarted: self._response_started,
            ResponseAudible: self._audible,
            AgentAudio: self._generated,
            AgentText: self._said,
            Play: self._sent,
            PlayoutProgress: self._played,
            PlayoutStopped: self._played,
            Flush: self._flushed,
            RunTool: self._tool_runs,
            ToolFinished: self._tool_finished,
            CancelTool: self._tool_cancelled,
        }

    def end(self) -> None:
        """No more comes."""
        self._count_given()

    # -- the caller ----------------------------------------------------------------------------------------------------

    def _started(self, _at: int, value: CallStarted) -> None:
        self._declare(value.plan.tools)
        self._begin()

    def _connected(self, _at: int, value: CallerConnected) -> None:
        self._rate_hz = value.rate_hz
        for turn in self.turns:
            turn.rate_hz = value.rate_hz

    def _speech_started(self, at: int, value: CallerSpeechStarted) -> None:
        self._caller_speaks(at)
        self._talking = (value.connection, value.at)

    def _speech_stopped(self, at: int, value: CallerSpeechStopped) -> None:
        turn = self.turns[-1]
        turn.speech_ended_us, turn.given.passed_us = self.arrivals.instants(value.connection, value.at, at)
        if self._talking is not None and self._talking[0] == value.connection:
            turn.given.voiced += max(0, value.at - self._talking[1])
        self._talking = None

    def _typed(self, at: int, value: CallerText) -> None:
        self._caller_speaks(at)
        turn = self.turns[-1]
        turn.caller.append(value.text)
        turn.speech_ended_us, turn.given.passed_us = at, None

    def _passed_on(self, at: int, _value: ForwardText) -> None:
        turn = self.turns[-1]
        if turn.speech_ended_us is not None and turn.given.passed_us is None:
            turn.given.passed_us = at

    def _transcribed(self, _at: int, value: CallerTranscribed) -> None:
        """Words that come before the speech of this turn has ended are those of the turn before, if it has none."""
        if not (value.final and value.text):
            return
        turn = self.turns[-1]
        if len(self.turns) > 1 and turn.speech_ended_us is None:
            before = self.turns[-2]
            if before.speech_ended_us is not None and not before.caller:
                turn = before
        turn.caller.append(value.text)

    def _caller_speaks(self, at: int) -> None:
        if self.turns[-1].replies or self.turns[-1].number == 0:
            self._begin()
        if self.turns[-1].began_us is None:
            self.turns[-1].began_us = at

    def _begin(self) -> None:
        self._count_given()
        given = Given(since=self.arrivals.forwarded, took=self._cut)
        self.turns.append(Turn(len(self.turns), self._rate_hz, given=given))
        self._cut = False

    def _count_given(self) -> None:
        if self.turns:
            given = self.turns[-1].given
            given.forwarded = self.arrivals.forwarded - given.since

    # -- the agent -----------------------------------------------------------------------------------------------------

    def _response_started(self, _at: int, value: ResponseStarted) -> None:
        self._cut = False
        known = self._replies.get(value.response)
        if known is not None:  # another session had begun it, and made nothing of it
            known.playout = ResponsePlayout(value.response, value.connection)
            known.said.clear()
            return
        turn = self.turns[-1]
        reply = self._replies[value.response] = Reply(turn, ResponsePlayout(value.response, value.connection))
        turn.replies.append(reply)

    def _audible(self, _at: int, value: ResponseAudible) -> None:
        reply = self._replies.get(value.response)
        if reply is not None and reply.audible_at is None:
            reply.audible_at = value.at

    def _generated(self, at: int, value: AgentAudio) -> None:
        reply = self._replies.get(value.response)
        if reply is not None:
            samples = value.audio.samples
            reply.playout.generated += samples
            reply.turn.generated += samples
            if reply.first_byte_us is None:
                reply.first_byte_us = at

    def _said(self, _at: int, value: AgentText) -> None:
        reply = self._replies.get(value.response)
        if reply is not None:
            reply.playout.say(value.at, value.text, final=value.final)
            if not value.final:
                reply.said.append(value.text)

    def _sent(self, at: int, value: Play) -> None:
        reply = self._replies.get(value.response)
        if reply is not None:
            reply.playout.sent += value.audio.samples
            if reply.turn.first_audio_us is None:
                reply.turn.first_audio_us = at

    def _played(self, at: int, value: PlayoutProgress | PlayoutStopped) -> None:
        reply = self._replies.get(value.response)
        if reply is None:
            return
        playout = reply.playout
        before = playout.played
        playout.report(value.played, value.evidence)
        reply.turn.played += playout.played - before
        if reply.begun_us is None and playout.played and self._rate_hz:
            reply.begun_us = at - playout.played * 1_000_000 // self._rate_hz
            reply.evidence = value.evidence
        elif not reply.evidence:
            reply.evidence = value.evidence
        reply.stopped = reply.stopped or type(value) is PlayoutStopped

    def _flushed(self, _at: int, value: Flush) -> None:
        reply = self._replies.get(value.response)
        if reply is None:
            return
        reply.turn.interrupted = True
        if reply.playout.sent:
            turn = self.turns[-1]
            if reply.turn is turn:
                self._cut = True
            elif turn.first_audio_us is None:
                turn.given.took = True

    # -- tools ---------------------------------------------------------------------------------------------------------

    def _revised(self, _at: int, value: AgentRevised) -> None:
        self._declare(value.tools)

    def _declare(self, tools: Iterable[ToolPlan]) -> None:
        self._prices.update((tool.name, tool.price) for tool in tools)

    def _tool_runs(self, at: int, value: RunTool) -> None:
        price = self._prices.get(value.name, 0)
        self._tools[value.tool_call] = use = ToolUse(value.name, value.arguments, at, price=price)
        self.turns[-1].tools.append(use)

    def _tool_finished(self, at: int, value: ToolFinished) -> None:
        if value.tool_call in self._tools:
            self._tools[value.tool_call].finish(at, value.status, value.result)

    def _tool_cancelled(self, at: int, value: CancelTool) -> None:
        if value.tool_call in self._tools:
            self._tools[value.tool_call].finish(at, CANCELLED)


class TurnFold:
    """Turns as the lines come. Whether a line counts is known with the next one, so the fold is one line behind until
    :meth:`finish`.
    """

    def __init__(self) -> None:
        self._turns = Turns()
        self._heeding = Heeding(self._turns.handlers)

    @property
    def turns(self) -> list[Turn]:
        """Those so far, in order; the later ones may still change."""
        return self._turns.turns

    def add(self, line: Line) -> None:
        self._heeding.add(line.at, line.value)

    def finish(self) -> None:
        """No more lines come."""
        self._heeding.settle()
        self._turns.end()


def fold_turns(lines: Iterable[Line]) -> list[Turn]:
    """The turns of a call, in order. What the core ignored changes nothing here either, save that audio which came too
    late to be played was generated all the same, and that a tool which nobody waited for has ended all the same."""
    fold = TurnFold()
    for line in lines:
        fold.add(line)
    fold.finish()
    return fold.turns
