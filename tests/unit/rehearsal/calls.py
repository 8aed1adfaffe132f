"""Calls written down by hand: times in milliseconds."""

from __future__ import annotations

from vivavoce.events import Audio, CallerAudio, CallerConnected, Effect, Event, Samples
from vivavoce.rehearsal.marks import Marks, read_marks
from vivavoce.rehearsal.outcomes import Conversation
from vivavoce.rehearsal.spans import Span
from vivavoce.rehearsal.truth import Said, SaidKind
from vivavoce.timeline.schema import Line

RATE_HZ = 16_000


def span(begin_ms: int, end_ms: int) -> Span:
    return Span(begin_ms * 1000, end_ms * 1000)


def said(kind: SaidKind, begin_ms: int, end_ms: int, **more: dict[str, str] | str | tuple[Span, ...]) -> Said:
    return Said(kind=kind, span=span(begin_ms, end_ms), **{"text": "words", **more})  # type: ignore[arg-type]


def call(*what: Said, agent: list[tuple[int, int]], marks: Marks | None = None) -> Conversation:
    return Conversation("a call", what, tuple(span(*times) for times in agent), marks)


def marks_of(*happened: tuple[int, Event | Effect], ms: int = 0) -> Marks:
    """``happened`` at so many milliseconds; the caller's sound comes in frames of 20 ms for ``ms``."""
    frames = [(at, CallerAudio(Audio(bytes(640)))) for at in range(20, ms + 1, 20)]
    everything: list[tuple[int, Event | Effect]] = sorted(
        [(0, CallerConnected("test", RATE_HZ)), *frames, *happened], key=lambda pair: pair[0]
    )
    return read_marks(Line(number, at * 1000, value) for number, (at, value) in enumerate(everything))


def sound(ms: int) -> Audio:
    return Audio(b"", Samples(ms * RATE_HZ // 1000))
