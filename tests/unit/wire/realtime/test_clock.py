from __future__ import annotations

from vivavoce.events import ConnectionId, Samples
from vivavoce.wire.realtime.clock import InputClock

ONE, TWO = ConnectionId(1), ConnectionId(2)


def received(samples: int) -> InputClock:
    clock = InputClock()
    clock.receive(samples)
    return clock


def test_a_session_that_hears_everything_has_the_client_s_clock() -> None:
    clock = received(1_000)
    clock.forward(ONE, 1_000)
    assert clock.position(ONE, Samples(400)) == 400


def test_one_that_takes_over_begins_later() -> None:
    clock = received(1_000)
    clock.forward(ONE, 800)
    clock.swap(TWO)
    clock.replay(TWO, 300)  # the client's 500 to 800
    assert clock.position(TWO, Samples(0)) == 500
    clock.forward(TWO, 200)
    assert clock.position(TWO, Samples(400)) == 900


def test_what_was_dropped_counts_and_what_we_made_does_not() -> None:
    clock = received(1_000)
    clock.drop(100)
    clock.forward(ONE, 400)
    assert clock.position(ONE, Samples(100)) == 200
    clock.make(50)
    clock.forward(ONE, 50)
    clock.forward(ONE, 500)
    assert clock.position(ONE, Samples(500)) == 550


def test_never_outside_of_what_was_received() -> None:
    clock = received(100)
    assert clock.position(ONE, Samples(5_000)) == 100
    clock.make(1_000)
    assert clock.position(ONE, Samples(10)) == 0
