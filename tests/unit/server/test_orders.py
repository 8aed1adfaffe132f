"""Connections go to whoever has the fewest calls, and what is told between processes comes through."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.server.admission import Tally
from vivavoce.server.ids import marked, worker_of
from vivavoce.server.orders import (
    Drain,
    Elsewhere,
    Ended,
    Hurry,
    Order,
    Ready,
    Report,
    Told,
    elsewhere,
    fewest,
    line_of,
    read_order,
    read_told,
    report_of,
)


@pytest.mark.parametrize(
    "told", [Ready(), Ended(3), report_of(Tally(2, {"": 2}, {"nova": 2}, {"": 3}), received=9, connections=4)]
)
def test_what_a_worker_tells_comes_through(told: Told) -> None:
    line = line_of(told)
    assert line.count(b"\n") == 1
    assert read_told(line) == told


@pytest.mark.parametrize("order", [Drain(), Hurry(), Elsewhere(2, {"shop": 2}, {"nova": 1}, {"shop": 5})])
def test_what_a_worker_is_told_comes_through(order: Order) -> None:
    assert read_order(line_of(order)) == order


def test_what_is_elsewhere_is_the_sum() -> None:
    reports = [
        Report(0, 0, 2, {"a": 1, "b": 1}, {"nova": 2}, {"a": 7}),
        Report(0, 0, 1, {"a": 1}, {"local": 1}, {"a": 2}),
    ]
    assert elsewhere(reports).tally == Tally(3, {"a": 2, "b": 1}, {"nova": 2, "local": 1}, {"a": 9})
    assert elsewhere([]).tally == Tally()


@given(st.lists(st.integers(0, 5), min_size=2, max_size=4), st.lists(st.booleans(), min_size=1, max_size=40))
def test_long_calls_spread_evenly_however_late_the_reports_are(calls: list[int], reports_come: list[bool]) -> None:
    """Each connection becomes a call; reports of it come at once or later."""
    sent = Counter(dict(enumerate(calls)))
    reports = {number: Report(count, count, count, {}, {}, {}) for number, count in enumerate(calls)}
    level = max(calls)
    for comes in reports_come:
        number = fewest((one, sent[one], reports[one]) for one in reports)
        assert number is not None
        assert sent[number] == min(sent.values())
        sent[number] += 1
        if comes:
            reports[number] = Report(sent[number], sent[number], sent[number], {}, {}, {})
    assert max(sent.values()) - min(sent.values()) <= max(1, level)


def test_those_that_take_nothing_get_nothing() -> None:
    assert fewest([]) is None
    stuck, free = Report(0, 0, 0, {}, {}, {}), Report(5, 1, 3, {}, {}, {})
    assert fewest([(1, 10, stuck), (2, 5, free)]) == 2


@given(st.from_regex(r"[a-z]{2,4}_[0-9a-f]{6}", fullmatch=True), st.integers(0, 64))
def test_an_id_tells_its_worker(plain: str, worker: int) -> None:
    assert worker_of(marked(plain, worker)) == worker
    assert worker_of(plain) == 0


@pytest.mark.parametrize("odd", ["", "-w", "-w0", "-w100", "x-w1y", "-w1/", "x-w٣"])
def test_what_is_no_mark(odd: str) -> None:
    assert worker_of(odd) == 0
