"""The jitter buffer, by what is heard through it."""

from __future__ import annotations

import pytest

from tests.unit.channel.webrtc.senders import FRAME_S, STEP, Line, steady


def lossless(numbers: list[int], count: int) -> bool:
    return numbers == list(range(count))


def test_a_steady_stream_is_heard_whole_and_with_no_delay_of_ours() -> None:
    line = Line(steady(500))
    line.listen(10.5)
    assert lossless(line.decoder.decoded, 500)
    assert line.listener.counts.concealed <= 100 * 24  # what follows the last packet
    assert line.listener.counts.shortened == 0
    assert max(line.listener.buffer.delays_ms) <= 20


def test_one_lost_packet_is_concealed_for_its_length_and_leaves_no_delay() -> None:
    line = Line([arrival for arrival in steady(300) if arrival[0] != 100])
    line.listen(5.9)
    assert line.decoder.decoded == [number for number in range(len(line.decoder.decoded) + 1) if number != 100]
    assert line.listener.counts.concealed <= 480
    assert line.listener.buffer.counts.lost_samples == STEP
    assert line.standing_ms <= 20
    assert line.listener.buffer.delays_ms[-1] <= 20


def test_packets_that_come_late_are_still_heard_and_the_delay_is_made_up_for() -> None:
    late = [(number, max(at_s, 3.2) if number >= 100 else at_s) for number, at_s in steady(400)]
    line = Line(late)
    line.listen(3.22)
    assert 400 < line.standing_ms <= line.settings.bound_ms
    line.listen(7.4)
    assert line.standing_ms <= line.listener.buffer.target_ms + 25
    assert line.decoder.decoded == sorted(line.decoder.decoded)
    discarded = line.listener.buffer.counts.discarded
    assert 0 < discarded <= 40
    assert len(line.decoder.decoded) + discarded >= 365


def test_two_packets_that_change_places_are_heard_in_order_once_that_is_expected() -> None:
    """One in ten overtakes the one before it: the target grows by as much as that takes."""
    swapped = [(number, at_s + (0.025 if number % 10 == 5 else 0)) for number, at_s in steady(500)]
    line = Line(swapped)
    line.listen(9.9)
    assert line.listener.buffer.counts.reordered >= 49
    assert line.listener.buffer.counts.late <= 2
    assert line.decoder.decoded == sorted(line.decoder.decoded)
    assert line.standing_ms <= 60


def test_the_same_packet_again_is_heard_once() -> None:
    line = Line(sorted(steady(100) * 2))
    line.listen(1.9)
    assert lossless(line.decoder.decoded, len(line.decoder.decoded))
    assert line.listener.buffer.counts.late >= 90


@pytest.mark.parametrize(("sequence", "timestamp"), [(2**16 - 20, 0), (0, 2**32 - 20 * STEP), (65_000, 2**32 - 1)])
def test_counters_wrap(sequence: int, timestamp: int) -> None:
    line = Line(steady(1000), first_sequence=sequence, first_timestamp=timestamp)
    line.listen(20.5)
    assert lossless(line.decoder.decoded, 1000)
    assert line.listener.buffer.counts.lost_samples == 0


def test_a_pause_of_the_sender_is_silence_and_no_loss() -> None:
    """Discontinuous transmission: the sequence goes on, the timestamp jumps."""
    line = Line([])
    for number in range(200):
        at_s = number * FRAME_S + (2.0 if number >= 100 else 0.0)
        line.listen(at_s)
        line.insert(number, at_s, timestamp=number * STEP + (100 * STEP if number >= 100 else 0))
    line.listen(6.0)
    assert lossless(line.decoder.decoded, len(line.decoder.decoded))
    assert line.listener.buffer.counts.lost_samples == 0
    assert line.listener.buffer.counts.paused_samples == pytest.approx(100 * STEP, abs=0)
    assert line.standing_ms <= 20
    assert line.listener.counts.shortened <= 480


def test_what_came_before_anybody_listened_is_no_delay() -> None:
    line = Line([])
    for number in range(20):
        line.insert(number, number * FRAME_S)
    line.now_s = 20 * FRAME_S
    line.listener.buffer.skip()
    line.listen(line.now_s + FRAME_S)
    assert line.decoder.decoded == [19]
    assert line.listener.buffer.counts.discarded == 19


def test_another_source_takes_the_place_of_the_first() -> None:
    line = Line([])
    for number in range(100):
        line.listen(number * FRAME_S)
        ssrc, timestamp = (1, number * STEP) if number < 50 else (2, 123_456_789 + number * STEP)
        line.insert(number, number * FRAME_S, ssrc=ssrc, timestamp=timestamp)
    line.listen(2.1)
    assert len(line.decoder.decoded) >= 98
    assert line.standing_ms <= 20


def test_a_way_that_becomes_longer_for_good_costs_no_sound() -> None:
    """A handover: 600 ms more from one packet to the next, more than anybody would wait for on purpose."""
    longer = [(number, at_s + (0.6 if number >= 100 else 0)) for number, at_s in steady(600)]
    line = Line(longer)
    line.listen(12.0)
    assert lossless(line.decoder.decoded, len(line.decoder.decoded))
    assert line.listener.buffer.counts.discarded == 0
    assert line.standing_ms <= 30


def test_a_sender_whose_clock_is_fast_does_not_pile_up() -> None:
    line = Line([(number, number * FRAME_S * 0.9995) for number in range(6000)])
    line.listen(119)
    assert line.standing_ms <= 30
    assert line.listener.buffer.counts.discarded == 0
    assert line.listener.counts.concealed == 0
    assert line.listener.counts.shortened > 700
    assert line.frames == pytest.approx(119 * 50, abs=2)


@pytest.mark.parametrize("phase_ms", [1, 6, 11, 16])
def test_frames_are_asked_for_when_packets_have_just_come(phase_ms: int) -> None:
    line = Line(steady(500, delay_s=phase_ms / 1000))
    line.listen(9)
    assert line.listener.buffer.delays_ms[-1] <= line.listener.buffer.target_ms + 6
    assert line.listener.until_next_s == 0.02


def test_a_single_late_packet_leaves_no_frame_too_many() -> None:
    """It costs one frame of concealment, and so of delay, which is not to stay."""
    line = Line([(number, at_s + (0.022 if number == 200 else 0)) for number, at_s in steady(1500)])
    line.listen(29)
    assert line.listener.counts.concealed > 0
    assert line.listener.buffer.delays_ms[-1] <= line.listener.buffer.target_ms + 6
