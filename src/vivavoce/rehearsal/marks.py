"""What a timeline says of the turns of a call: who was heard when, what was stopped, and what was decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from vivavoce.events import (
    AgentText,
    CallerAudio,
    CallerConnected,
    CallerSpeechStarted,
    CancelTool,
    FinishPlaying,
    FloorDecided,
    Flush,
    PausePlaying,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ResponseId,
    ResumePlaying,
    RunTool,
    ToolCallId,
    Truncate,
    VoiceStarted,
)
from vivavoce.timeline.schema import Line


@dataclass(slots=True)
class ReplyMarks:
    """One reply: what of it was sent and played, its words, and the instants at which it began and was cut, if it was.
    ``ended_us`` is when the last of it was played, cut or not.
    """

    response: ResponseId
    began_us: int
    sent: int = 0
    played: int = 0
    finished: bool = False
    cut_us: int | None = None
    stopped_us: int | None = None
    ended_us: int | None = None
    words: dict[int, str] = field(default_factory=dict)  # by the position in its audio
    heard_text: str | None = None

    @property
    def text(self) -> str:
        return " ".join(self.words[position] for position in sorted(self.words)).strip()


@dataclass(frozen=True, slots=True)
class ToolMark:
    """A tool call as it was run. ``cancelled``: nobody waited for it any more."""

    at_us: int
    name: str
    arguments: str
    cancelled: bool = False


class Arrivals:
    """When the caller's samples came in."""

    def __init__(self) -> None:
        self._ends: list[int] = []
        self._instants: list[int] = []

    def add(self, samples: int, at_us: int) -> None:
        self._ends.append((self._ends[-1] if self._ends else 0) + samples)
        self._instants.append(at_us)

    def late_us(self, rate_hz: int) -> list[int]:
        """How much later than the promptest frame each came in: what the machine was busy with."""
        due = [at - end * 1_000_000 // rate_hz for end, at in zip(self._ends, self._instants, strict=True)]
        promptest = min(due, default=0)
        return [one - promptest for one in due]


@dataclass(slots=True)
class Marks:
    """All instants are microseconds of the call's clock."""

    rate_hz: int = 0
    connected_us: int = 0
    voices_us: list[int] = field(default_factory=list)  # the ear said that a voice begins
    speech_us: list[int] = field(default_factory=list)  # the model said that the caller begins
    pauses_us: list[int] = field(default_factory=list)
    resumes_us: list[int] = field(default_factory=list)
    replies: dict[ResponseId, ReplyMarks] = field(default_factory=dict)
    decisions: list[tuple[int, FloorDecided]] = field(default_factory=list)
    tools: dict[ToolCallId, ToolMark] = field(default_factory=dict)
    arrivals: Arrivals = field(default_factory=Arrivals)

    def ended_by_itself(self, after_us: int, before_us: int) -> bool:
        """Whether a reply was played to its last sample within that time."""
        ends = (reply.ended_us for reply in self.replies.values() if reply.cut_us is None and reply.finished)
        return any(after_us <= end <= before_us for end in ends if end is not None)


def read_marks(lines: Iterable[Line]) -> Marks:
    marks = Marks()
    for line in lines:
        _read_line(marks, line)
    return marks


def _read_line(marks: Marks, line: Line) -> None:
    match line.value:
        case CallerConnected(_, rate_hz):
            marks.rate_hz, marks.connected_us = rate_hz, line.at
        case CallerAudio(audio):
            marks.arrivals.add(audio.samples, line.at)
        case VoiceStarted():
            marks.voices_us.append(line.at)
        case CallerSpeechStarted():
            marks.speech_us.append(line.at)
        case PausePlaying():
            marks.pauses_us.append(line.at)
        case ResumePlaying():
            marks.resumes_us.append(line.at)
        case FloorDecided() as decided:
            marks.decisions.append((line.at, decided))
        case RunTool(tool_call, name, arguments):
            marks.tools[tool_call] = ToolMark(line.at, name, arguments)
        case CancelTool(tool_call) if tool_call in marks.tools:
            tool = marks.tools[tool_call]
            marks.tools[tool_call] = ToolMark(tool.at_us, tool.name, tool.arguments, cancelled=True)
        case _:
            _read_reply(marks, line)


def _read_reply(marks: Marks, line: Line) -> None:
    match line.value:
        case Play(response, audio):
            reply = marks.replies.setdefault(response, ReplyMarks(response, line.at))
            reply.sent += audio.samples
        case AgentText(_, response, text, at, False):
            reply = marks.replies.setdefault(response, ReplyMarks(response, line.at))
            reply.words[at] = f"{reply.words[at]} {text}" if at in reply.words else text
        case FinishPlaying(response) if reply_or_none := marks.replies.get(response):
            reply_or_none.finished = True
        case PlayoutProgress(response, played) if reply_or_none := marks.replies.get(response):
            reply_or_none.played = played
            if played >= reply_or_none.sent:
                reply_or_none.ended_us = line.at
        case Flush(response) if reply_or_none := marks.replies.get(response):
            reply_or_none.cut_us = line.at
        case PlayoutStopped(response, played) if reply_or_none := marks.replies.get(response):
            reply_or_none.played, reply_or_none.stopped_us, reply_or_none.ended_us = played, line.at, line.at
        case Truncate(_, response, _, heard_text) if reply_or_none := marks.replies.get(response):
            reply_or_none.heard_text = heard_text


def first_in(instants: Sequence[int], after_us: int, before_us: int) -> int | None:
    """The first instant within that time."""
    return next((instant for instant in instants if after_us <= instant < before_us), None)


def cuts_in(marks: Marks, after_us: int, before_us: int) -> Iterator[ReplyMarks]:
    """Replies that were cut within that time."""
    for reply in marks.replies.values():
        if reply.cut_us is not None and after_us <= reply.cut_us < before_us:
            yield reply
