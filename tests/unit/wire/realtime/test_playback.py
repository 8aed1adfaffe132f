from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wire.realtime.line import A, B, seconds
from vivavoce.events import Instant, PlayoutProgress, ResponseId
from vivavoce.wire.realtime.playback import Playback

RATE = 24_000


def test_a_client_waits_where_nothing_has_come() -> None:
    playback = Playback(RATE)
    playback.play(A, RATE, seconds(0))
    playback.take(seconds(5))
    playback.play(A, RATE, seconds(5))
    assert playback.cut(A, seconds(5.5)) == (36_000, False)


def test_what_is_cut_makes_way() -> None:
    playback = Playback(RATE)
    playback.play(A, RATE, seconds(0))
    playback.play(B, RATE, seconds(0))
    playback.cut(A, seconds(0.5))
    assert playback.cut(B, seconds(1)) == (12_000, False)
    assert playback.quiet
    assert playback.deadline is None


def test_what_nobody_asks_about_is_played_unreported() -> None:
    playback = Playback(RATE)
    playback.play(A, RATE, seconds(0))
    assert playback.settle(A, seconds(0.1)) == RATE
    assert playback.settle(B, seconds(0.1)) == 0
    assert playback.take(seconds(2)) == []
    assert playback.quiet


steps = st.lists(
    st.tuples(st.sampled_from(["play", "finish", "cut", "wait"]), st.sampled_from([A, B]), st.integers(0, 3_000_000)),
    max_size=30,
)


@given(steps, st.sampled_from([8_000, 24_000]))
def test_never_more_than_was_sent_never_back_and_time_moves_on(
    sequence: list[tuple[str, ResponseId, int]], rate_hz: int
) -> None:
    playback, now = Playback(rate_hz), 0
    sent, played = {A: 0, B: 0}, {A: 0, B: 0}
    gone = set()

    def check(reports: list[PlayoutProgress]) -> None:
        for report in reports:
            assert played[report.response] <= report.played <= sent[report.response]
            played[report.response] = report.played

    for what, response, number in sequence:
        if what == "wait":
            while (due := playback.deadline) is not None and due <= now + number:
                check(playback.take(Instant(due)))
                assert playback.deadline is None or playback.deadline > due
            now += number
        elif response in gone:
            continue
        elif what == "play":
            sent[response] += number // 100
            check(playback.play(response, number // 100, Instant(now)))
        else:
            gone.add(response)
            if what == "finish":
                check(playback.finish(response, Instant(now)))
            else:
                assert playback.cut(response, Instant(now))[0] <= sent[response]
