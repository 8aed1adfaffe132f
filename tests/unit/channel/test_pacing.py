"""The playout queue: what is given out, in which order, and what is reported of it."""

import pytest

from vivavoce.audio.fading import fade
from vivavoce.audio.pcm import silence
from vivavoce.channel.pacing import PlayoutQueue, Taken
from vivavoce.errors import UsageError
from vivavoce.events import Evidence, PlayoutProgress, PlayoutStopped, ResponseId, Samples

A, B = ResponseId("a"), ResponseId("b")
RATE_HZ = 8000
FRAME = 160


def progress(response: ResponseId, played: int) -> PlayoutProgress:
    return PlayoutProgress(response, Samples(played), Evidence.PACED)


def stopped(response: ResponseId, played: int) -> PlayoutStopped:
    return PlayoutStopped(response, Samples(played), Evidence.PACED)


def numbered(first: int, count: int) -> bytes:
    """Samples that can be told apart."""
    return b"".join(number.to_bytes(2, "little") for number in range(first, first + count))


def test_gives_out_what_came_in_order_and_without_filling() -> None:
    queue = PlayoutQueue(RATE_HZ)
    queue.play(A, numbered(0, 100))
    queue.play(A, numbered(100, 50))
    queue.play(B, numbered(150, 30))
    assert queue.queued_samples == 180
    assert queue.take(FRAME).pcm == numbered(0, 160)
    assert queue.take(FRAME).pcm == numbered(160, 20)
    assert queue.take(FRAME) == Taken(b"", ())
    assert queue.queued_samples == 0


def test_reports_every_100_ms_and_at_the_end() -> None:
    queue = PlayoutQueue(RATE_HZ)
    queue.play(A, silence(900))
    reports = [queue.take(FRAME).reports for _ in range(5)]
    assert reports == [(), (), (), (), (progress(A, 800),)]
    assert queue.finish(A) is None
    assert queue.take(FRAME).reports == (progress(A, 900),)


def test_a_response_that_was_played_before_it_is_finished_is_reported_at_once() -> None:
    queue = PlayoutQueue(RATE_HZ)
    queue.play(A, silence(50))
    assert queue.take(FRAME).reports == ()
    assert queue.finish(A) == progress(A, 50)


def test_a_response_without_audio_is_reported_as_played() -> None:
    queue = PlayoutQueue(RATE_HZ)
    assert queue.finish(A) == progress(A, 0)


def test_one_frame_may_end_one_response_and_begin_the_next() -> None:
    queue = PlayoutQueue(RATE_HZ)
    queue.play(A, silence(100))
    queue.finish(A)
    queue.play(B, silence(60))
    queue.finish(B)
    assert queue.take(FRAME).reports == (progress(A, 100), progress(B, 60))


def test_a_flush_drops_what_is_queued_of_this_response_alone() -> None:
    queue = PlayoutQueue(RATE_HZ)
    queue.play(A, numbered(0, 300))
    queue.play(B, numbered(500, 200))
    queue.take(FRAME)
    assert queue.flush(A) == stopped(A, FRAME)
    assert queue.take(FRAME).pcm == numbered(500, FRAME)


def test_flushing_what_waits_leaves_what_is_being_played_where_it_is() -> None:
    queue = PlayoutQueue(RATE_HZ)
    queue.play(A, numbered(0, 300))
    queue.play(B, numbered(500, 200))
    queue.take(FRAME)
    assert queue.flush(B) == stopped(B, 0)
    assert queue.take(FRAME).pcm == numbered(FRAME, 140)


def test_after_a_flush_nothing_of_the_response_is_played_however_late_it_comes() -> None:
    queue = PlayoutQueue(RATE_HZ)
    queue.play(A, silence(300))
    queue.take(FRAME)
    queue.flush(A)
    queue.play(A, silence(300))
    assert queue.take(FRAME) == Taken(b"", ())
    assert queue.finish(A) is None
    assert queue.flush(A) == stopped(A, FRAME)


def test_a_flush_is_always_answered() -> None:
    queue = PlayoutQueue(RATE_HZ)
    assert queue.flush(A) == stopped(A, 0)
    queue.play(B, silence(40))
    queue.finish(B)
    queue.take(FRAME)
    assert queue.flush(B) == stopped(B, 40)


def test_names_the_evidence_it_was_made_with() -> None:
    queue = PlayoutQueue(RATE_HZ, Evidence.PLAYED)
    queue.play(A, silence(800))
    assert queue.take(800).reports == (PlayoutProgress(A, Samples(800), Evidence.PLAYED),)


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(UsageError, match="whole 16-bit samples"):
        PlayoutQueue(RATE_HZ).play(A, b"\0\0\0")


def test_a_pause_stops_softly_and_going_on_misses_and_repeats_nothing() -> None:
    queue = PlayoutQueue(RATE_HZ)
    queue.play(A, numbered(1000, 400))
    assert queue.take(FRAME).pcm == numbered(1000, FRAME)
    queue.pause()
    faded = queue.take(FRAME)
    assert faded == Taken(fade(numbered(1160, 40), 40, 40, rises=False), (progress(A, 200),))
    assert queue.take(FRAME) == Taken(b"", ())
    queue.resume()
    assert queue.take(FRAME).pcm == fade(numbered(1200, 40), 0, 40, rises=True) + numbered(1240, 120)
    assert queue.take(FRAME).pcm == numbered(1360, 40)


def test_a_pause_that_is_over_before_the_next_frame_is_not_heard() -> None:
    queue = PlayoutQueue(RATE_HZ)
    queue.play(A, numbered(1000, 400))
    queue.take(FRAME)
    queue.pause()
    queue.resume()
    assert queue.take(FRAME).pcm == numbered(1160, FRAME)


def test_what_has_not_begun_waits_for_the_end_of_a_pause_and_begins_as_it_is() -> None:
    queue = PlayoutQueue(RATE_HZ)
    queue.pause()
    queue.play(A, numbered(1000, 200))
    assert queue.take(FRAME) == Taken(b"", ())
    queue.resume()
    assert queue.take(FRAME).pcm == numbered(1000, FRAME)


def test_a_flush_in_a_pause_drops_what_is_queued_and_what_comes_after_it_waits() -> None:
    queue = PlayoutQueue(RATE_HZ)
    queue.play(A, numbered(1000, 400))
    queue.take(FRAME)
    queue.pause()
    queue.take(FRAME)
    assert queue.flush(A) == stopped(A, 200)
    queue.play(B, numbered(2000, 200))
    assert queue.take(FRAME) == Taken(b"", ())
    queue.resume()
    assert queue.take(FRAME).pcm == numbered(2000, FRAME)


def test_a_flush_just_after_a_pause_leaves_nothing_to_fade() -> None:
    queue = PlayoutQueue(RATE_HZ)
    queue.play(A, numbered(1000, 400))
    queue.play(B, numbered(2000, 200))
    queue.take(FRAME)
    queue.pause()
    assert queue.flush(A) == stopped(A, FRAME)
    assert queue.take(FRAME) == Taken(b"", ())
