"""Figures over calls."""

from __future__ import annotations

import pytest

from vivavoce.rehearsal.figures import mean, rate, ratio, spread


def test_a_rate_is_over_events_and_its_interval_over_calls() -> None:
    figure = rate([[True] * 5, [True, False, False, False, False], []])
    assert (figure.value, figure.events, figure.calls) == (0.6, 10, 2)
    assert (figure.low, figure.high) == (0.2, 1.0)  # a draw may hold the same call twice


def test_under_ten_events_there_is_no_figure() -> None:
    figure = rate([[True] * 9])
    assert figure.too_few
    assert (figure.value, figure.events, figure.low) == (None, 9, None)
    assert mean([]).too_few
    assert spread([[1.0] * 9]).p50 is None


def test_the_same_calls_give_the_same_interval() -> None:
    calls = [[1.0, 2.0, 4.0], [0.5] * 6, [3.0] * 4]
    assert mean(calls) == mean(calls)
    assert mean(calls).value == pytest.approx(22 / 13)


def test_calls_that_are_alike_leave_no_doubt() -> None:
    figure = rate([[True, False]] * 8)
    assert figure.low == figure.value == figure.high == 0.5


def test_what_is_counted_may_be_more_than_the_events() -> None:
    assert ratio([(12, 10)]).value == 1.2
    assert ratio([(0, 0), (3, 10)]).calls == 1


def test_percentiles_are_by_event_and_by_the_worst_of_each_call() -> None:
    found = spread([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0], [0.1, 0.2, 0.3, 0.4]])
    assert (found.p50, found.p95) == (1.0, 6.0)
    assert (found.worst_p50, found.worst_p95) == (4.0, 6.0)
