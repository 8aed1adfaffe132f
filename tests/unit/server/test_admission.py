"""Who is let in, and what those are told who are not."""

from __future__ import annotations

import contextlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.errors import Refused
from vivavoce.server.admission import Admission, Bounds, Place, Tally, calls_within
from vivavoce.server.settings import Quota

SHOP = Bounds("shop", max_calls=1, calls_per_minute=2)


def take(admission: Admission, bounds: Bounds = SHOP, *, lag_ms: float = 0, now_s: float = 0) -> Place:
    return admission.take(bounds, "nova", lag_ms=lag_ms, now_s=now_s)


def refusal(admission: Admission, bounds: Bounds = SHOP, *, lag_ms: float = 0, now_s: float = 0) -> tuple[int, str]:
    before = admission.here
    with pytest.raises(Refused) as caught:
        take(admission, bounds, lag_ms=lag_ms, now_s=now_s)
    assert admission.here == before, "whoever is refused takes no place"
    assert caught.value.retry_after_s > 0
    return caught.value.status, caught.value.code


def test_a_full_server() -> None:
    admission = Admission(2, 100, {})
    place = take(admission, Bounds())
    take(admission, Bounds())
    assert refusal(admission) == (503, "server_full")
    admission.give_back(place)
    take(admission)


def test_what_other_workers_have_counts() -> None:
    admission = Admission(10, 100, {"nova": Quota(5, spare=0)})
    admission.hear(Tally(3, {"shop": 1}, {"nova": 4}), 0)
    assert refusal(admission) == (429, "key_limit")
    take(admission, Bounds())
    assert refusal(admission, Bounds()) == (429, "quota_reached")
    admission.hear(Tally(9), 0)
    assert refusal(admission, Bounds()) == (503, "server_full")


def test_what_a_key_began_elsewhere_it_cannot_begin_here() -> None:
    admission = Admission(10, 100, {}, {"shop": 2})
    admission.hear(Tally(begun={"shop": 7}), 0)
    admission.hear(Tally(begun={"shop": 8, "other": 9}), 0)
    admission.give_back(take(admission))
    assert refusal(admission) == (429, "key_limit")
    admission.hear(Tally(begun={"shop": 8, "other": 9}), 31)
    admission.give_back(take(admission, now_s=31))
    admission.hear(Tally(), 62)
    admission.hear(Tally(begun={"shop": 1}), 62)
    assert refusal(admission, now_s=62) == (429, "key_limit"), "a worker that was replaced counts anew"


def test_a_busy_loop_and_a_server_that_ends() -> None:
    admission = Admission(2, 100, {})
    assert refusal(admission, lag_ms=100.5) == (503, "server_busy")
    take(admission, Bounds(), lag_ms=100)
    admission.draining = True
    assert refusal(admission) == (503, "server_draining")


def test_a_key_has_its_own_bounds() -> None:
    admission = Admission(9, 100, {})
    place = take(admission)
    assert refusal(admission) == (429, "key_limit")
    take(admission, Bounds("other", max_calls=1))
    admission.give_back(place)
    admission.give_back(take(admission))
    assert refusal(admission, now_s=1) == (429, "key_limit"), "two a minute, and both were taken"
    take(admission, now_s=31)


@given(st.integers(1, 500), st.floats(0, 1))
def test_calls_within_a_quota_leave_room_for_renewals(sessions: int, spare: float) -> None:
    calls = calls_within(Quota(sessions, spare))
    assert calls + calls * spare <= sessions + 1e-9
    assert calls_within(Quota(20)) == 18


@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=40))
def test_places_are_counted_and_given_back(moves: list[tuple[str, bool]]) -> None:
    admission = Admission(5, 100, {"nova": Quota(4, spare=0)})
    held: list[Place] = []
    for key, leaves in moves:
        if leaves and held:
            admission.give_back(held.pop(0))
        else:
            with contextlib.suppress(Refused):
                held.append(take(admission, Bounds(key, max_calls=3)))
        keys = Counter(place.key for place in held)
        here = admission.here
        assert (here.calls, here.by_key, here.by_model) == (len(held), keys, {"nova": len(held)} if held else {})
        assert len(held) <= 4
        assert max(keys.values(), default=0) <= 3
