"""Replay: a true record comes again, and whatever was changed is found where it was changed."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from tests.unit.core.scenario import CONNECTED, ONE, R1, T1, TWO, audio, plan, played, said, stopped
from tests.unit.timeline.recorded import EFFECTS, EVENTS, RecordedCall, busy_call, renumbered
from vivavoce.events import (
    AgentText,
    CallerAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CallStarted,
    CloseCall,
    CloseModel,
    Disposition,
    Event,
    Flush,
    ForwardAudio,
    Ignore,
    ModelLost,
    ModelReady,
    Play,
    ResponseFinished,
    ResponseInterrupted,
    ResponseStarted,
    Samples,
    StopRequested,
    TimePassed,
    ToolFinished,
    ToolRequested,
    ToolStatus,
    Truncate,
)
from vivavoce.timeline.read import parse_timeline, read_timeline
from vivavoce.timeline.replay import Difference, replay
from vivavoce.timeline.schema import Line

GOLDEN = Path(__file__).parent / "version-1.jsonl"
VOCABULARY = GOLDEN.with_name("version-1-vocabulary.jsonl")


@pytest.fixture
def lines() -> list[Line]:
    return list(busy_call().lines)


def where(lines: list[Line], kind: type) -> int:
    """The last line with this kind of value."""
    return max(line.number for line in lines if isinstance(line.value, kind))


def test_a_call_comes_again(lines: list[Line]) -> None:
    outcome = replay(renumbered(lines))
    assert outcome.identical
    assert outcome.facts == sum(line.is_fact for line in lines)
    assert outcome.facts + outcome.effects == len(lines)


def test_a_call_comes_again_from_disk() -> None:
    """Without its sound, and with all numbers through JSON."""
    assert replay(parse_timeline(busy_call().raw)).identical


def test_a_call_that_never_was() -> None:
    outcome = replay(renumbered([]))
    assert (outcome.facts, outcome.effects, outcome.identical) == (0, 0, True)


@pytest.mark.parametrize("kind", [Flush, Truncate, Play, ForwardAudio, Ignore, CloseModel])
def test_a_dropped_effect_is_missed(lines: list[Line], kind: type) -> None:
    at = where(lines, kind)
    dropped = lines.pop(at)
    difference = replay(renumbered(lines)).difference
    assert difference is not None
    assert (difference.number, difference.replayed) == (at, dropped.value)
    assert difference.recorded == lines[at].value


def test_a_changed_effect_is_found(lines: list[Line]) -> None:
    at = where(lines, Truncate)
    true = lines[at].value
    assert isinstance(true, Truncate)
    lines[at] = msgspec.structs.replace(lines[at], value=msgspec.structs.replace(true, heard_text="Nothing."))
    fact = max(line.number for line in lines[:at] if line.is_fact)
    assert replay(renumbered(lines)).difference == Difference(at, lines[fact].value, lines[at].value, true)  # type: ignore[arg-type]


def test_an_extra_effect_is_found(lines: list[Line]) -> None:
    at = where(lines, CallerSpeechStopped) + 1
    lines.insert(at, Line(at, lines[at].at, Flush(R1)))
    difference = replay(renumbered(lines)).difference
    assert difference is not None
    assert (difference.number, difference.recorded, difference.replayed) == (at, Flush(R1), None)


def test_an_effect_before_any_fact_is_found() -> None:
    difference = replay(renumbered([Line(0, 0, Flush(R1))])).difference
    assert difference == Difference(0, None, Flush(R1), None)


def test_two_effects_that_changed_places_are_found(lines: list[Line]) -> None:
    at = where(lines, CloseCall)
    lines[at - 1], lines[at] = lines[at], lines[at - 1]
    assert not replay(renumbered(lines)).identical


def test_an_effect_missing_at_the_end_of_a_closed_call_is_found() -> None:
    call = RecordedCall()
    call.at(0, CallStarted(plan()), StopRequested("enough"))
    call.at(10, CallerAudio(audio(20)))
    ignored = call.lines.pop()
    difference = replay(call.timeline).difference
    assert difference == Difference(len(call.lines), CallerAudio(audio(20)), None, ignored.value)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [CallStarted, ModelReady, ResponseStarted, ToolRequested, CallerSpeechStarted])
def test_a_dropped_fact_is_found(lines: list[Line], kind: type) -> None:
    del lines[where(lines, kind)]
    assert not replay(renumbered(lines)).identical


def test_a_changed_fact_is_found(lines: list[Line]) -> None:
    at = where(lines, CallerText)
    lines[at] = msgspec.structs.replace(lines[at], value=CallerText("something else"))
    assert not replay(renumbered(lines)).identical


def test_a_changed_instant_is_found_where_time_matters() -> None:
    call = RecordedCall()
    call.at(0, CallStarted(plan(silence_limit_ms=5_000)), CONNECTED, ModelReady(ONE))
    call.at(5_000)
    (silence,) = (line for line in call.lines if isinstance(line.value, TimePassed))
    assert isinstance(call.lines[-1].value, CloseCall)
    call.lines[silence.number] = msgspec.structs.replace(silence, at=4_999_999)
    assert not replay(call.timeline).identical


def test_a_crash_may_cost_the_effects_of_the_last_fact(lines: list[Line]) -> None:
    """Whatever was kept when the process died comes again."""
    for kept in range(len(lines)):
        outcome = replay(renumbered(lines[:kept]))
        assert outcome.identical
        assert outcome.facts + outcome.effects == kept


def ignored_call() -> RecordedCall:
    """A call to which everything happens out of place."""
    call = RecordedCall()
    call.at(0, CONNECTED, CallStarted(plan()), CallStarted(plan()), CallerText("hello?"), TimePassed())
    call.at(0, CallerAudio(audio(20)), ModelReady(TWO), said(R1, 20), CONNECTED, CONNECTED, CallerText("hello?"))
    call.at(0, ModelReady(ONE), ModelReady(ONE), CallerSpeechStopped(ONE, Samples(0)), said(R1, 20), played(R1, 5))
    call.at(
        0, stopped(R1, 5), ResponseFinished(ONE, R1), ResponseInterrupted(ONE, R1), AgentText(ONE, R1, "", Samples(0))
    )
    call.at(
        0, ToolFinished(T1, ToolStatus.OK, "{}"), ToolRequested(ONE, T1, "a", "{}"), ToolRequested(ONE, T1, "a", "{}")
    )
    call.at(0, CallerSpeechStarted(ONE, Samples(0)), CallerSpeechStarted(ONE, Samples(0)), ResponseStarted(ONE, R1))
    call.at(0, ResponseStarted(ONE, R1), ModelLost(TWO, "late"), StopRequested("enough"), CONNECTED, ModelReady(ONE))
    return call


def test_ignored_events_come_again() -> None:
    call = ignored_call()
    ignored = {line.value.what for line in call.lines if isinstance(line.value, Ignore)}
    assert len(ignored) > 12
    assert ignored < {kind.__name__ for kind in EVENTS}
    assert replay(call.timeline).identical


def test_after_the_end_every_fact_is_ignored_and_comes_again() -> None:
    call = RecordedCall()
    call.at(0, StopRequested("enough"))
    late: list[Event] = [line.value for line in ignored_call().lines if line.is_fact]  # type: ignore[misc]
    call.at(5, *late)
    assert [line.value for line in call.lines if isinstance(line.value, CloseCall)] == [
        CloseCall(Disposition.STOPPED, "enough")
    ]
    assert sum(isinstance(line.value, Ignore) for line in call.lines) == len(late)
    assert replay(call.timeline).identical


def test_a_file_of_version_1_stays_readable_and_comes_again() -> None:
    """Never write this file anew: it stands for those that people keep. A change that breaks it is a new version."""
    timeline = read_timeline(GOLDEN)
    assert timeline.header.vivavoce_timeline == 1
    assert not timeline.torn
    assert timeline.closed == CloseCall(Disposition.COMPLETED, "the agent ended the call")
    outcome = replay(timeline)
    assert outcome.difference is None
    assert outcome.facts + outcome.effects == len(timeline.lines)


def test_every_fact_and_wish_of_version_1_stays_readable() -> None:
    """One line of each, as written by version 1. Never write this file anew either; lines may be added."""
    timeline = read_timeline(VOCABULARY)
    written = [json.loads(line)[2]["type"] for line in VOCABULARY.read_text("utf-8").splitlines()[1:]]
    assert [type(line.value).__name__ for line in timeline.lines] == written
    assert set(written) <= {kind.__name__ for kind in (*EVENTS, *EFFECTS)}


def test_the_excerpt_in_the_documents_is_of_that_file() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "timeline.md").read_text("utf-8")
    excerpt = page.partition("```json\n")[2].partition("```")[0].splitlines()
    assert len(excerpt) > 10
    assert set(excerpt) <= set(GOLDEN.read_text("utf-8").splitlines())
