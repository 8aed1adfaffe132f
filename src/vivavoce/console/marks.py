"""What stands on the time axis of a call that is over: who spoke when, tools, decisions about the floor, other
sessions, holds. Read from the timeline as it was written; instants are microseconds since the call was opened.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

from vivavoce.console.decisions import HEEDED, Decisions
from vivavoce.events import (
    CallerConnected,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallStarted,
    CancelTool,
    ConnectionId,
    FloorDecided,
    Flush,
    ForwardAudio,
    ModelLost,
    OpenModel,
    PlayoutProgress,
    PlayoutStopped,
    ReplayAudio,
    ResponseId,
    RunTool,
    SwapModel,
    SwapMoment,
    ToolFinished,
)
from vivavoce.timeline.schema import Line, decode_line

Mark = dict[str, Any]
LANES = ("caller", "agent", "tools", "floor", "swaps", "holds")
SEAM_US = 120_000
"""What is played with a shorter pause between is one stretch."""
_READ = (
    CallStarted,
    CallerConnected,
    CallerSpeechStarted,
    CallerSpeechStopped,
    ForwardAudio,
    ReplayAudio,
    PlayoutProgress,
    PlayoutStopped,
    RunTool,
    ToolFinished,
    CancelTool,
    FloorDecided,
    Flush,
    OpenModel,
    SwapModel,
    ModelLost,
    *HEEDED,
)
_NAMES = frozenset(kind.__name__.encode() for kind in _READ)
_TYPE = b'"type":"'


def marks_of(timeline: bytes) -> dict[str, list[Mark]]:
    """By lane, each in order of its begin. Raises :class:`~vivavoce.errors.TimelineError`."""
    marks = _Marks()
    for line in _lines(timeline):
        marks.add(line)
    return marks.finished()


def _lines(timeline: bytes) -> Iterator[Line]:
    """Those that can leave a mark: most of a file is sound, which need not be decoded."""
    for text in timeline.split(b"\n")[1:-1]:
        begin = text.find(_TYPE) + len(_TYPE)
        if text[begin : text.find(b'"', begin)] in _NAMES:
            yield decode_line(text)


class _Forwarded:
    """When a position of the caller's audio, as one connection counts it, was passed on."""

    def __init__(self) -> None:
        self._ends: list[int] = []
        self._instants: list[int] = []

    def add(self, samples: int, at: int) -> None:
        self._ends.append((self._ends[-1] if self._ends else 0) + samples)
        self._instants.append(at)

    def instant_of(self, position: int, otherwise: int) -> int:
        index = bisect_left(self._ends, position)
        return self._instants[index] if index < len(self._ends) else otherwise


class _Marks:
    def __init__(self) -> None:
        self._lanes: dict[str, list[Mark]] = {lane: [] for lane in LANES}
        self._sound = _Sound()
        self._tools: dict[str, Mark] = {}
        self._models: tuple[str, ...] = ()
        self._sessions: dict[ConnectionId, int] = {}
        self._decisions = Decisions()
        self._hold: Mark | None = None
        self._last_us = 0

    def add(self, line: Line) -> None:
        self._last_us = line.at
        match line.value:
            case RunTool() | ToolFinished() | CancelTool():
                self._tool(line)
            case CallStarted() | OpenModel() | SwapModel() | ModelLost():
                self._session(line)
            case FloorDecided(_, _, kind, why, cut):
                verdict = line.value.verdict.value
                self._put("floor", line.at, what=verdict, kind=kind.value, why=why, cut=cut)
            case Flush():
                self._put("floor", line.at, what="flushed")
            case _:
                self._sound.add(line)
        if type(line.value) in HEEDED:
            self._decisions.add(line.value)
            self._held(line.at)

    def finished(self) -> dict[str, list[Mark]]:
        """The mark of what did not end has no end."""
        self._lanes["caller"], self._lanes["agent"] = self._sound.caller, self._sound.agent
        return self._lanes

    def _put(self, lane: str, at: int, **more: object) -> Mark:
        mark: Mark = {"begin_us": at, "end_us": at, **more}
        self._lanes[lane].append(mark)
        return mark

    def _tool(self, line: Line) -> None:
        match line.value:
            case RunTool(tool_call, name, _):
                self._tools[tool_call] = self._put("tools", line.at, name=name, status="")
                self._tools[tool_call]["end_us"] = None
            case ToolFinished(tool_call, status, _):
                self._end_tool(tool_call, line.at, status.value)
            case CancelTool(tool_call):
                self._end_tool(tool_call, line.at, "cancelled")

    def _end_tool(self, tool_call: str, at: int, status: str) -> None:
        mark = self._tools.pop(tool_call, None)
        if mark is not None:
            mark.update(end_us=at, status=status)

    def _session(self, line: Line) -> None:
        match line.value:
            case CallStarted(plan):
                self._models = plan.models
            case OpenModel(connection, model):
                self._sessions[connection] = model
            case ModelLost(connection):
                self._put("swaps", line.at, what="lost", connection=connection, model=self._model(connection))
            case SwapModel(connection, old, moment):
                new, before = self._model(connection), self._model(old)
                lost = moment is SwapMoment.RECOVERY or (new and before and new != before)
                more = {"connection": connection, "model": new, "reason": line.value.reason}
                self._put("swaps", line.at, what="failover" if lost else "renewal", moment=moment.value, **more)

    def _model(self, connection: ConnectionId) -> str:
        index = self._sessions.get(connection, -1)
        return self._models[index] if 0 <= index < len(self._models) else ""

    def _held(self, at: int) -> None:
        if self._decisions.held and self._hold is None:
            self._hold = self._put("holds", at)
            self._hold["end_us"] = None
        elif not self._decisions.held and self._hold is not None:
            self._hold["end_us"] = at
            self._hold = None


class _Sound:
    """Who spoke when, by the model's word and the channel's."""

    def __init__(self) -> None:
        self.caller: list[Mark] = []
        self.agent: list[Mark] = []
        self._rate_hz = 0
        self._forwarded: dict[ConnectionId, _Forwarded] = {}
        self._played: dict[ResponseId, int] = {}

    def add(self, line: Line) -> None:
        match line.value:
            case CallerConnected(_, rate_hz):
                self._rate_hz = rate_hz
            case ForwardAudio(connection, audio) | ReplayAudio(connection, audio):
                self._forwarded.setdefault(connection, _Forwarded()).add(audio.samples, line.at)
            case CallerSpeechStarted(connection, at):
                begin_us = self._instant(connection, at, line.at)
                if not self.caller or self.caller[-1]["end_us"] is not None:
                    self.caller.append({"begin_us": begin_us, "end_us": None})
            case CallerSpeechStopped(connection, at):
                if self.caller:
                    end_us = self._instant(connection, at, line.at)
                    self.caller[-1]["end_us"] = max(end_us, self.caller[-1]["begin_us"])
            case PlayoutProgress(response, played) | PlayoutStopped(response, played):
                self._play(response, played, line.at)

    def _instant(self, connection: ConnectionId, position: int, otherwise: int) -> int:
        forwarded = self._forwarded.get(connection)
        return otherwise if forwarded is None else forwarded.instant_of(position, otherwise)

    def _play(self, response: ResponseId, played: int, at: int) -> None:
        fresh = played - self._played.get(response, 0)
        if fresh <= 0 or not self._rate_hz:
            return
        self._played[response] = played
        begin_us = max(0, at - fresh * 1_000_000 // self._rate_hz)
        last = self.agent[-1] if self.agent else None
        if last is not None and last["response"] == response and begin_us - last["end_us"] <= SEAM_US:
            last["end_us"] = at
        else:
            self.agent.append({"begin_us": begin_us, "end_us": at, "response": response})
