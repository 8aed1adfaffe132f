"""Figures over several turns."""

from __future__ import annotations

import pytest

from vivavoce.errors import UsageError
from vivavoce.ledger.figures import bootstrap_interval, first_audio_ms, percentile
from vivavoce.ledger.turns import Turn


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 0.5, None),
        ([7.0], 0.0, 7.0),
        ([7.0], 0.5, 7.0),
        ([7.0], 1.0, 7.0),
        ([2.0, 1.0], 0.5, 1.0),
        ([2.0, 1.0], 0.51, 2.0),
        # The example of the textbooks: 15, 20, 35, 40, 50.
        ([50.0, 15.0, 40.0, 20.0, 35.0], 0.05, 15.0),
        ([50.0, 15.0, 40.0, 20.0, 35.0], 0.30, 20.0),
        ([50.0, 15.0, 40.0, 20.0, 35.0], 0.40, 20.0),
        ([50.0, 15.0, 40.0, 20.0, 35.0], 0.50, 35.0),
        ([50.0, 15.0, 40.0, 20.0, 35.0], 1.00, 50.0),
        ([float(value) for value in range(1, 21)], 0.95, 19.0),
    ],
)
def test_nearest_rank(values: list[float], share: float, expected: float | None) -> None:
    assert percentile(values, share) == expected


@pytest.mark.parametrize("rank", range(1, 101))
def test_of_a_hundred_values_the_nth_is_the_nth(rank: int) -> None:
    """Though 0.07 * 100 is more than 7 in binary."""
    assert percentile(range(1, 101), rank / 100) == rank


@pytest.mark.parametrize("share", [-0.1, 1.1, 95, float("nan")])
def test_a_share_is_between_nothing_and_all(share: float) -> None:
    with pytest.raises(UsageError, match="percentile"):
        percentile([1.0], share)


def test_only_answered_turns_have_a_latency() -> None:
    greeting = Turn(0, 8000, first_audio_us=100)
    answered = Turn(1, 8000, speech_ended_us=1_000_000, first_audio_us=1_250_500)
    unanswered = Turn(2, 8000, speech_ended_us=2_000_000)
    assert first_audio_ms([greeting, answered, unanswered]) == [250.5]


def test_an_interval_is_of_values_that_occurred_and_holds_the_percentile() -> None:
    calls = [[float(call * 10 + turn) for turn in range(5)] for call in range(20)]
    found = bootstrap_interval(calls, 0.5)
    assert found is not None
    low, high = found
    every = [value for call in calls for value in call]
    median = percentile(every, 0.5)
    assert median is not None
    assert low < median < high
    assert {low, high} <= set(every)
    assert bootstrap_interval(calls, 0.5) == found
    assert bootstrap_interval(calls, 0.5, seed=1) is not None


def test_turns_of_one_call_are_drawn_together() -> None:
    """Ten calls, each all of one value, say as much as ten turns, not as a hundred."""
    together = bootstrap_interval([[float(call)] * 10 for call in range(10)], 0.5)
    apart = bootstrap_interval([[float(call)] for call in range(10) for _ in range(10)], 0.5)
    assert together is not None
    assert apart is not None
    assert together[1] - together[0] > apart[1] - apart[0]


def test_calls_that_are_alike_leave_no_doubt() -> None:
    assert bootstrap_interval([[7.0]] * 5, 0.95) == (7.0, 7.0)


@pytest.mark.parametrize("calls", [[], [[1.0, 2.0]], [[], [1.0]]])
def test_one_call_tells_no_interval(calls: list[list[float]]) -> None:
    assert bootstrap_interval(calls, 0.5) is None
