"""Buckets and windows keep what they say, at times that are told."""

from __future__ import annotations

import math
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.server.limits import AddressRates, ClientRates, LagWindow, TokenBucket


def test_a_bucket_lets_a_burst_and_then_its_rate_pass() -> None:
    bucket = TokenBucket(10, 3)
    assert [bucket.take(1, 0.0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(1, 0.09)
    assert bucket.take(1, 0.11)
    assert bucket.wait_s(4, 9) == math.inf


@given(
    st.lists(st.tuples(st.floats(0, 2), st.integers(1, 20)), max_size=60),
    st.floats(0.5, 50),
    st.integers(1, 30),
)
def test_a_bucket_never_lets_more_pass_than_it_may(asked: list[tuple[float, int]], per_s: float, burst: int) -> None:
    bucket = TokenBucket(per_s, burst)
    passed = 0
    for now_s, (_, amount) in zip(accumulate(pause for pause, _ in asked), asked, strict=True):
        wait_s = bucket.wait_s(amount, now_s)
        took = bucket.take(amount, now_s)
        assert took == (wait_s == 0)
        passed += amount if took else 0
        assert passed <= burst + per_s * now_s + 1e-6


def test_an_event_of_the_largest_size_passes_whatever_the_rate() -> None:
    rates = ClientRates(10, 1000, largest_bytes=1_000_000)
    assert rates.take_in_time(1_000_000, 0.0) == 0
    assert rates.take_in_time(1000, 0.5) > 0
    assert rates.take_in_time(1000, 3.0) == 0


def test_too_many_events_are_noticed_however_small() -> None:
    rates = ClientRates(10, 1e9, largest_bytes=1, seconds=1)
    assert [rates.take_in_time(1, 0.0) for _ in range(11)].count(0) == 10


def test_addresses_have_rates_of_their_own_and_only_so_many_are_remembered() -> None:
    rates = AddressRates(1, 1)
    assert rates.take("a", 0)
    assert not rates.take("a", 0)
    assert all(rates.take(f"other {number}", 0) for number in range(4096))
    assert rates.take("a", 0), "forgotten: as if it had never been there"


def test_lag_is_that_of_the_last_seconds_and_one_hiccup_is_none() -> None:
    window = LagWindow(window_s=10)
    assert window.p99_ms(0) == 0
    for tick in range(100):
        window.observe(1.0, tick / 100)
    window.observe(500.0, 1.0)
    assert window.p99_ms(1.0) == 1.0
    window.observe(400.0, 1.1)
    window.observe(400.0, 1.2)
    assert window.p99_ms(1.2) == 400.0
    assert window.p99_ms(12.0) == 0
