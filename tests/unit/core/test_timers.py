"""Timers as data."""

from __future__ import annotations

from vivavoce.core.timers import Timer, Timers
from vivavoce.events import Instant


def test_the_deadline_is_the_earliest_timer() -> None:
    timers = Timers()
    timers.set(Timer.CALL, 900)
    timers.set(Timer.SILENCE, 300)
    assert timers.deadline == 300
    timers.clear(Timer.SILENCE)
    assert timers.deadline == 900


def test_without_a_timer_there_is_no_deadline() -> None:
    assert Timers().deadline is None


def test_due_timers_come_earliest_first_and_once() -> None:
    timers = Timers()
    for timer, due in ((Timer.CALL, 30), (Timer.SILENCE, 10), (Timer.PLAYOUT, 20), (Timer.ENDING, 40)):
        timers.set(timer, due)
    assert list(timers.take_due(Instant(30))) == [Timer.SILENCE, Timer.PLAYOUT, Timer.CALL]
    assert list(timers.take_due(Instant(30))) == []
    assert timers.deadline == 40


def test_a_timer_is_due_at_its_instant_and_not_before() -> None:
    timers = Timers()
    timers.set(Timer.OPENING, 100)
    assert list(timers.take_due(Instant(99))) == []
    assert timers.is_set(Timer.OPENING)
    assert list(timers.take_due(Instant(100))) == [Timer.OPENING]
    assert not timers.is_set(Timer.OPENING)


def test_setting_again_replaces() -> None:
    timers = Timers()
    timers.set(Timer.SILENCE, 100)
    timers.set(Timer.SILENCE, 200)
    assert timers.deadline == 200
    timers.clear(Timer.SILENCE)
    assert timers.deadline is None


def test_clearing_what_does_not_run_is_no_mistake() -> None:
    timers = Timers()
    timers.clear(Timer.CALL)
    timers.clear_all()
    assert timers.deadline is None


def test_all_can_be_cleared() -> None:
    timers = Timers()
    for timer in Timer:
        timers.set(timer, 5)
    timers.clear_all()
    assert timers.deadline is None
    assert list(timers.take_due(Instant(10))) == []


def test_what_an_earlier_timer_cleared_or_moved_is_not_due_any_more() -> None:
    timers = Timers()
    for timer, due in ((Timer.CALL, 1), (Timer.REPLY, 2), (Timer.RENEWAL, 3), (Timer.SPARE, 4)):
        timers.set(timer, due)
    seen = []
    for timer in timers.take_due(Instant(10)):
        seen.append(timer)
        if timer is Timer.CALL:
            timers.clear(Timer.REPLY)
            timers.set(Timer.RENEWAL, 20)
    assert seen == [Timer.CALL, Timer.SPARE]
