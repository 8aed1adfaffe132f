"""Figures hold together, whatever happens in a call."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.test_timeline import HISTORIES, happened
from tests.unit.core.scenario import plan
from tests.unit.core.strategies import EVENTS
from tests.unit.ledger.told import folded
from tests.unit.timeline.recorded import EFFECTS as EFFECT_TYPES
from tests.unit.timeline.recorded import HEADER, as_bytes, values_of
from vivavoce.events import (
    AgentAudio,
    CallStarted,
    Effect,
    Event,
    ForwardAudio,
    Ignore,
    Play,
    RunTool,
    Truncate,
    UsageReported,
)
from vivavoce.ledger.figures import first_audio_ms, percentile
from vivavoce.ledger.fold import LedgerFold, fold_bytes, fold_call
from vivavoce.ledger.heeding import Heeding
from vivavoce.ledger.record import TurnKind
from vivavoce.ledger.turns import Turns, fold_turns
from vivavoce.timeline.read import parse_timeline
from vivavoce.timeline.schema import Line

EFFECTS: st.SearchStrategy[Effect] = st.one_of([values_of(kind) for kind in EFFECT_TYPES])
VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=50)


@given(VALUES, st.floats(0, 1), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values_and_grows_with_its_share(
    values: list[float], one: float, other: float
) -> None:
    low, high = percentile(values, min(one, other)), percentile(values, max(one, other))
    assert low in values
    assert high in values
    assert low is not None
    assert high is not None
    assert low <= high
    assert (percentile(values, 0), percentile(values, 1)) == (min(values), max(values))


@given(VALUES, st.floats(0.01, 1))
def test_enough_of_the_values_are_no_greater(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found is not None
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6


@settings(max_examples=80)
@given(HISTORIES)
def test_the_turns_of_any_history_add_up(history: list[tuple[int, Event]]) -> None:
    lines = happened(history).lines
    turns = fold_turns(lines)
    values = [line.value for line in lines]
    sent = sum(value.audio.samples for value in values if isinstance(value, Play))
    made = sum(value.audio.samples for value in values if isinstance(value, AgentAudio))
    assert sent <= sum(turn.generated for turn in turns) <= made
    assert sum(turn.played for turn in turns) <= sent
    for number, turn in enumerate(turns):
        assert turn.number == number
        assert 0 <= turn.played <= turn.generated
        assert turn.heard_share is None or 0 <= turn.heard_share <= 1
        assert turn.tool_ms >= 0
        assert turn.tool_ms <= sum(use.duration_ms or 0 for use in turn.tools) + 1e-6
    assert len(first_audio_ms(turns)) <= len(turns)
    assert fold_turns(lines) == turns


@settings(max_examples=50)
@given(HISTORIES)
def test_what_was_ignored_may_as_well_not_have_happened(history: list[tuple[int, Event]]) -> None:
    """Save for the sound, which an answer counts, and for a tool's end."""
    lines = happened(history).lines
    ignored = {
        number
        for line in lines
        for number in (line.number - 1, line.number)
        if isinstance(line.value, Ignore) and line.value.what not in ("AgentAudio", "CallerAudio", "ToolFinished")
    }
    left = [line for line in lines if line.number not in ignored]
    assert fold_turns(left) == fold_turns(lines)


@settings(max_examples=80)
@given(HISTORIES)
def test_the_record_of_any_history_adds_up_and_is_the_same_by_every_way(history: list[tuple[int, Event]]) -> None:
    lines = parse_timeline(happened(history).raw).lines  # as a file has them: without half of a surrogate pair
    record = folded(lines)
    assert folded(lines) == record
    values = [line.value for line in lines]
    turns = record.turns
    if turns:
        begun = next(number for number, value in enumerate(values) if isinstance(value, CallStarted))
        used = [value for value in values[begun:] if isinstance(value, UsageReported)]
        assert record.tokens.speech_in == sum(value.speech_in for value in used)
        assert record.tokens.text_out == sum(value.text_out for value in used)
    assert record.tool_calls == sum(isinstance(value, RunTool) for value in values)
    forwarded = sum(value.audio.samples for value in values if isinstance(value, ForwardAudio))
    assert sum(turn.forwarded_samples for turn in turns) == forwarded
    assert [turn.kind is TurnKind.OPENING for turn in turns] == [turn.number == 0 for turn in turns]
    for turn in turns:
        assert 0 <= turn.voiced_samples <= turn.forwarded_samples
        assert turn.tool_us >= 0
        assert turn.first_played_us is None or turn.first_sent_us is not None
        assert (turn.first_played_us or 0) >= (turn.first_sent_us or 0) or turn.first_played_us is None
    for usage in record.usage:
        assert 0 <= usage.renewal.speech_in <= usage.tokens.speech_in
        assert 0 <= usage.renewal.text_in <= usage.tokens.text_in


@settings(max_examples=60)
@given(HISTORIES)
def test_what_is_handed_out_early_stays_as_it_was(history: list[tuple[int, Event]]) -> None:
    lines = happened(history).lines
    live = LedgerFold(HEADER)
    taken = []
    for line in lines:
        live.add(line.at, line.value)
        taken += live.take_settled()
    turns = live.finish().turns
    taken += live.take_settled()
    assert [turn.number for turn in taken] == [turn.number for turn in turns][: len(taken)]
    for early, late in zip(taken, turns, strict=False):
        assert (early.kind, early.events_ms, early.tool_us) == (late.kind, late.events_ms, late.tool_us)


@settings(max_examples=60)
@given(HISTORIES, st.data())
def test_any_beginning_of_a_call_has_a_record(history: list[tuple[int, Event]], data: st.DataObject) -> None:
    raw = as_bytes(happened(history).lines)
    raw = raw[: data.draw(st.integers(len(as_bytes([])), len(raw)))]
    assert fold_bytes(raw) == fold_call(parse_timeline(raw))


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 1_000), st.one_of(EVENTS, EFFECTS)), max_size=40))
def test_lines_in_any_order_are_folded_the_same_by_every_way(told: list[tuple[int, Event | Effect]]) -> None:
    """Also those that no core would have written."""
    begun = happened([(0, CallStarted(plan(greeting="Hello.")))]).lines
    now = 0
    for after, value in told:
        now += after
        begun.append(Line(len(begun), now, value))
    folded(parse_timeline(as_bytes(begun)).lines)


@settings(max_examples=60)
@given(HISTORIES)
def test_what_was_heard_of_a_reply_is_what_the_core_told_the_model(history: list[tuple[int, Event]]) -> None:
    turns = Turns()
    heeding = Heeding(turns.handlers)
    for line in happened(history).lines:
        heeding.add(line.at, line.value)
        if isinstance(line.value, Truncate):
            (reply,) = (
                reply for turn in turns.turns for reply in turn.replies if reply.playout.response == line.value.response
            )
            assert (reply.playout.played, reply.playout.heard_text()) == (line.value.heard, line.value.heard_text)
