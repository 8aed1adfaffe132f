"""Calls that were never on a line: facts at instants in milliseconds, run through a real session, as a timeline."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Any, NewType, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

from tests.unit.core.scenario import CONNECTED, ONE, R1, R2, R3, T1, T2, instant, plan, played, said, stopped, whole
from vivavoce.core.session import Session
from vivavoce.events import (
    END_CALL,
    GREETING,
    AgentText,
    Audio,
    CallerAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CallerTranscribed,
    CallPlan,
    CallStarted,
    Effect,
    Event,
    Instant,
    ModelReady,
    ResponseFinished,
    ResponseStarted,
    Samples,
    TimePassed,
    ToolFinished,
    ToolRequested,
    ToolStatus,
    UsageReported,
)
from vivavoce.timeline.read import Timeline
from vivavoce.timeline.schema import VERSION, Header, Line, encode_header, encode_line

HEADER = Header(
    vivavoce_timeline=VERSION,
    call="20260302-091500-3f9a01",
    opened="2026-03-02T09:15:00+00:00",
    agent="test",
    vivavoce="0.1.0",
)
EVENTS: tuple[type[Event], ...] = get_args(Event)
EFFECTS: tuple[type[Effect], ...] = get_args(Effect)
FRAME_MS = 20


class RecordedCall:
    """One session and every fact and wish of it. Deadlines are kept as an engine keeps them."""

    def __init__(self) -> None:
        self.session = Session()
        self.lines: list[Line] = []

    def at(self, ms: int, *events: Event) -> None:
        """Let time pass until ``ms``, then feed ``events``."""
        while (deadline := self.session.deadline) is not None and deadline <= instant(ms):
            self._feed(deadline, TimePassed())
        for event in events:
            self._feed(instant(ms), event)

    def hear(self, from_ms: int, to_ms: int, *, rate_hz: int = 8000) -> None:
        """The caller's sound of this stretch, a frame at a time, each as it ends."""
        for end_ms in range(from_ms + FRAME_MS, to_ms + 1, FRAME_MS):
            self.at(end_ms, CallerAudio(Audio(b"", rate_hz * FRAME_MS // 1000)))

    @property
    def timeline(self) -> Timeline:
        return Timeline(HEADER, tuple(self.lines))

    @property
    def raw(self) -> bytes:
        return as_bytes(self.lines)

    def _feed(self, now: Instant, event: Event) -> None:
        for value in (event, *self.session.receive(event, now)):
            self.lines.append(Line(len(self.lines), now, value))


def as_bytes(lines: list[Line]) -> bytes:
    """The file with these lines."""
    return encode_header(HEADER) + b"".join(encode_line(line.number, line.instant, line.value) for line in lines)


def renumbered(values: list[Line]) -> Timeline:
    """A timeline with these lines as if no others had been."""
    return Timeline(HEADER, tuple(Line(number, line.at, line.value) for number, line in enumerate(values)))


def busy_call() -> RecordedCall:
    """Greeting, an answer, one with a tool that is cut off, something typed, and the model's goodbye."""
    call = RecordedCall()
    call.at(0, CallStarted(plan(greeting="Hello.", farewell="Goodbye.")))
    call.at(20, CONNECTED)
    call.hear(20, 100)
    call.at(100, ModelReady(ONE))
    call.at(150, *whole(GREETING, 400), AgentText(ONE, GREETING, "Hello.", Samples(0)))
    call.at(600, played(GREETING, 400))
    call.hear(600, 1000)
    call.at(1000, CallerSpeechStarted(ONE, Samples(1600)), CallerSpeechStopped(ONE, Samples(3200)))
    call.at(1010, CallerTranscribed(ONE, "what", final=False), CallerTranscribed(ONE, "What cars?", final=True))
    call.at(1100, ToolRequested(ONE, T1, "find_cars", '{"model":"Aurora"}'))
    call.at(1300, ToolFinished(T1, ToolStatus.OK, '["Aurora 1.2"]'))
    call.at(1400, *whole(R1, 1000), UsageReported(ONE, speech_in=40, speech_out=50))
    call.at(1900, played(R1, 400), CallerSpeechStarted(ONE, Samples(3300)), said(R1, 20))
    call.at(1920, stopped(R1, 410), CallerSpeechStopped(ONE, Samples(3400)))
    call.at(2000, ResponseStarted(ONE, R2), said(R2, 300), AgentText(ONE, R2, "An “Aurora”, señor.\n", Samples(0)))
    call.at(2100, ResponseFinished(ONE, R2))
    call.at(2500, played(R2, 300))
    call.at(3000, CallerText("that is all"))
    call.at(3100, ResponseStarted(ONE, R3), said(R3, 200))
    call.at(3150, ToolRequested(ONE, T2, END_CALL, '{"reason": "goodbye"}'), ResponseFinished(ONE, R3))
    call.at(3500, played(R3, 200))
    return call


_BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**70), 2**70),
    bool: st.booleans(),
    str: st.text(max_size=20),
    Audio: st.integers(0, 2**40).map(lambda samples: Audio(b"", samples)),
    CallPlan: st.builds(CallPlan, models=st.lists(st.text(max_size=5), max_size=3).map(tuple)),
}


def values_of(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Arbitrary values of one class of the vocabulary, whatever its fields are."""
    hints = get_type_hints(kind)
    fields = {field.name: _field(hints[field.name]) for field in msgspec.structs.fields(kind)}
    return st.builds(kind, **fields)


def _field(kind: Any) -> st.SearchStrategy[Any]:
    if isinstance(kind, NewType):
        kind = kind.__supertype__
    if kind in _BY_TYPE:
        return _BY_TYPE[kind]
    if get_origin(kind) is tuple:
        return st.lists(_field(get_args(kind)[0]), max_size=3).map(tuple)
    if get_origin(kind) is UnionType:
        return st.one_of([st.none() if part is NoneType else _field(part) for part in get_args(kind)])
    if issubclass(kind, msgspec.Struct):
        return values_of(kind)
    return st.sampled_from(list(kind))  # an enum; for anything else, say above what its values are
