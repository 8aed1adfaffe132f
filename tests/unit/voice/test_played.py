"""Where in its words the agent is."""

from __future__ import annotations

from vivavoce.events import ResponseId
from vivavoce.voice.played import Played

ONE, TWO = ResponseId("one"), ResponseId("two")


def counted(samples: int, begin: int = 0) -> bytes:
    return b"".join((begin + n).to_bytes(2, "little", signed=True) for n in range(samples))


def first(pcm: bytes) -> int:
    return int.from_bytes(pcm[:2], "little", signed=True)


def test_what_was_queued_comes_in_its_order() -> None:
    played = Played(1_000)
    played.queue(ONE, counted(25))
    played.queue(TWO, counted(30, 100))
    assert played.next(20) == counted(20)
    assert played.next(20) == counted(5, 20) + counted(15, 100)
    assert played.next(40) == counted(15, 115)
    assert played.next(20) == b""


def test_a_report_that_is_off_by_little_is_chance() -> None:
    played = Played(1_000)
    played.queue(ONE, counted(1_000))
    played.next(100)
    played.report(ONE, 40)
    assert first(played.next(10)) == 100


def test_a_report_that_is_far_off_is_followed_both_ways() -> None:
    played = Played(1_000)
    played.queue(ONE, counted(1_000))
    played.next(100)
    played.report(ONE, 300)
    assert first(played.next(10)) == 300
    played.report(ONE, 200)
    assert first(played.next(10)) == 200


def test_a_report_of_the_next_response_ends_the_one_before() -> None:
    played = Played(1_000)
    played.queue(ONE, counted(500))
    played.queue(TWO, counted(500, 1_000))
    played.report(TWO, 100)
    assert first(played.next(10)) == 1_100
    played.report(ONE, 400)
    assert first(played.next(10)) == 1_110


def test_without_further_reports_it_stops_after_a_while() -> None:
    played = Played(1_000)
    played.queue(ONE, counted(5_000))
    played.report(ONE, 0)
    assert sum(len(played.next(16)) // 2 for _ in range(100)) == 800


def test_what_is_flushed_is_not_played() -> None:
    played = Played(1_000)
    played.queue(ONE, counted(500))
    played.next(100)
    played.flush(ONE)
    assert played.next(10) == b""
    played.queue(TWO, counted(10))
    assert played.next(10) == counted(10)
