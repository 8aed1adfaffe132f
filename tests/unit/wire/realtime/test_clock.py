from __future__ import annotations

from vivavoce.events import Audio, ConnectionId, Samples
from vivavoce.wire.realtime.clock import InputClock

ONE, TWO = ConnectionId(1), ConnectionId(2)


def audio(samples: int) -> Audio:
    return Audio(bytes(2 * samples))


def sent(clock: InputClock, *lengths: int) -> list[Audio]:
    pieces = [audio(samples) for samples in lengths]
    for piece in pieces:
        clock.send(piece)
    return pieces


def test_a_session_that_hears_everything_has_the_client_s_clock() -> None:
    clock = InputClock()
    for piece in sent(clock, 500, 500):
        clock.forward(ONE, piece)
    assert clock.position(ONE, Samples(400)) == 400
    assert clock.position(ONE, Samples(900)) == 900


def test_one_that_takes_over_begins_later() -> None:
    clock = InputClock()
    first, second = sent(clock, 800, 200)
    clock.forward(ONE, first)
    clock.swap(TWO)
    clock.replay(TWO, 300)  # the client's 500 to 800
    assert clock.position(TWO, Samples(0)) == 500
    clock.forward(TWO, second)
    assert clock.position(TWO, Samples(400)) == 900


def test_silence_that_was_put_in_is_on_no_client_s_clock() -> None:
    clock = InputClock()
    first, second = sent(clock, 100, 100)
    clock.forward(ONE, first)
    clock.forward(ONE, audio(1_000))
    clock.forward(ONE, second)
    assert clock.position(ONE, Samples(50)) == 50
    assert clock.position(ONE, Samples(700)) == 100
    assert clock.position(ONE, Samples(1_150)) == 150


def test_what_was_given_up_is() -> None:
    clock = InputClock()
    *_, last = sent(clock, 100, 100, 100)
    clock.drop(200)
    clock.forward(ONE, last)
    assert clock.position(ONE, Samples(50)) == 250


def test_what_was_kept_back_is_too() -> None:
    clock = InputClock()
    clock.keep(500)
    (piece,) = sent(clock, 100)
    clock.forward(ONE, piece)
    assert clock.position(ONE, Samples(10)) == 510


def test_never_outside_of_what_was_sent() -> None:
    clock = InputClock()
    assert clock.position(ONE, Samples(5_000)) == 0
    (piece,) = sent(clock, 100)
    clock.forward(ONE, piece)
    assert clock.position(ONE, Samples(5_000)) == 100
