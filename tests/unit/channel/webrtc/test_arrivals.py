"""How late packets are."""

from __future__ import annotations

import random

import pytest

from vivavoce.channel.webrtc.arrivals import Arrivals


def arrivals() -> Arrivals:
    return Arrivals(quantile=0.95, forget=0.99, longest_ms=200)


def test_the_target_is_the_delay_that_enough_packets_kept_to() -> None:
    noted, chance = arrivals(), random.Random(1)
    for number in range(2000):
        noted.note(number * 20, number * 20 + 50 + chance.uniform(0, 15))
    assert noted.target_ms == pytest.approx(15, abs=5)


def test_it_grows_within_a_few_packets_and_shrinks_within_seconds() -> None:
    noted = arrivals()
    for number in range(500):
        noted.note(number * 20, number * 20)
    for number in range(500, 520):
        noted.note(number * 20, number * 20 + (60 if number % 2 else 0))
    assert noted.target_ms >= 60
    for number in range(520, 900):
        noted.note(number * 20, number * 20)
    assert noted.target_ms <= 5


def test_a_single_stall_is_no_jitter_however_many_packets_it_held() -> None:
    noted = arrivals()
    for number in range(1000):
        noted.note(number * 20, max(number * 20, 10_150) if number >= 500 else number * 20)
    assert noted.target_ms <= 5


def test_a_longer_way_moves_the_age_and_not_the_target() -> None:
    noted = arrivals()
    for number in range(1000):
        noted.note(number * 20, number * 20 + (100 if number >= 500 else 0))
    assert noted.target_ms <= 10
    assert noted.age_ms(20_000, 20_100) == pytest.approx(0)
    assert noted.age_ms(20_000, 20_150) == pytest.approx(50)


def test_a_day_of_packets_leaves_its_weights_in_bounds() -> None:
    noted, chance = arrivals(), random.Random(2)
    for number in range(50_000):
        noted.note(number * 20, number * 20 + chance.expovariate(1 / 10))
    assert len(noted._weights) < 60
    assert max(noted._weights.values()) < 1e12
