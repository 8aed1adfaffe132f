"""Whatever a network does, what is heard is in order, once, bounded, and accounted for to the sample."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.channel.webrtc.senders import FRAME_S, SAMPLES, STEP, Line

DELAYS = st.one_of(
    st.floats(0, 0.03), st.floats(0, 0.3), st.none(), st.just(0.0)
)  # None is a lost packet; two of the others are a steady way
PATHS = st.lists(st.tuples(DELAYS, st.booleans()), min_size=1, max_size=120)


def arrivals(path: list[tuple[float | None, bool]]) -> list[tuple[int, float]]:
    """The second of a pair says whether the network delivers a packet twice."""
    coming = []
    for number, (delay_s, twice) in enumerate(path):
        if delay_s is not None:
            coming += [(number, number * FRAME_S + delay_s)] * (2 if twice else 1)
    return coming


@given(path=PATHS, sequence=st.integers(0, 2**16 - 1), timestamp=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_in_order_once_bounded_and_accounted_for(
    path: list[tuple[float | None, bool]], sequence: int, timestamp: int
) -> None:
    line = Line(arrivals(path), first_sequence=sequence, first_timestamp=timestamp)
    until_s = len(path) * FRAME_S + 1
    while line.now_s < until_s:
        line.listen(line.now_s + FRAME_S / 2)
        assert line.standing_ms <= line.settings.bound_ms + 40
    heard = line.decoder.decoded
    assert all(earlier < later for earlier, later in pairwise(heard))

    packets, sound = line.listener.buffer.counts, line.listener.counts
    assert packets.received_samples == packets.received * STEP
    waiting = line.listener.buffer.waiting_samples
    assert (
        packets.received_samples == packets.played_samples + packets.late_samples + packets.discarded_samples + waiting
    )
    if heard:
        span = (heard[-1] - heard[0] + 1) * STEP if packets.discarded == 0 else None
        assert span in (None, packets.played_samples + packets.lost_samples + packets.paused_samples)
    assert sound.decoded == packets.played * SAMPLES
    made = sound.decoded - sound.shortened + sound.lengthened + sound.concealed + sound.silent
    assert line.frames * SAMPLES == made - line.listener.pending_samples


@given(
    stall_ms=st.integers(20, 2_000),
    jitter=st.lists(st.floats(0, 0.04), min_size=50, max_size=50),
    lost=st.sets(st.integers(0, 600), max_size=30),
)
@settings(max_examples=15, deadline=None)
def test_no_delay_stands_after_a_burst(stall_ms: int, jitter: list[float], lost: set[int]) -> None:
    """Packets of a stall arrive at once at its end. Five seconds later nothing is left of it."""
    stall = range(100, 100 + stall_ms // 20)
    coming = []
    for number in range(750):
        at_s = number * FRAME_S + jitter[number % 50]
        if number in stall:
            at_s = max(at_s, stall.stop * FRAME_S)
        if number not in lost:
            coming.append((number, at_s))
    line = Line(coming)
    line.listen(stall.stop * FRAME_S + 5)
    for _ in range(50):
        line.listen(line.now_s + FRAME_S / 2)
        assert line.standing_ms <= line.listener.buffer.target_ms + 45
    assert line.listener.buffer.target_ms <= 60
