"""Figures hold together, whatever happens in a call."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.test_timeline import HISTORIES, happened
from vivavoce.events import AgentAudio, Event, Ignore, Play
from vivavoce.ledger.figures import first_audio_ms, percentile
from vivavoce.ledger.turns import fold_turns

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
