"""Caller audio: where every sample went."""

from __future__ import annotations

from vivavoce.core.intake import Intake
from vivavoce.events import Audio


def _chunk(samples: int) -> Audio:
    return Audio(b"", samples)


def _counts(intake: Intake) -> tuple[int, int, int, int]:
    assert intake.received == intake.forwarded + intake.held + intake.dropped
    return intake.received, intake.forwarded, intake.held, intake.dropped


def test_forwarded_audio_is_counted() -> None:
    intake = Intake()
    intake.forward(_chunk(160))
    intake.forward(_chunk(80))
    assert _counts(intake) == (240, 240, 0, 0)


def test_dropped_audio_is_counted() -> None:
    intake = Intake()
    intake.drop(_chunk(160))
    assert _counts(intake) == (160, 0, 0, 160)


def test_held_audio_is_released_in_order_and_counts_as_forwarded() -> None:
    intake = Intake()
    chunks = [_chunk(samples) for samples in (10, 20, 30)]
    assert [intake.hold(chunk, limit=100) for chunk in chunks] == [0, 0, 0]
    assert _counts(intake) == (60, 0, 60, 0)
    released = intake.release()
    assert all(one is other for one, other in zip(released, chunks, strict=True))
    assert _counts(intake) == (60, 60, 0, 0)
    assert intake.release() == []


def test_a_full_hold_drops_the_oldest_and_says_how_many() -> None:
    intake = Intake()
    assert intake.hold(_chunk(60), limit=100) == 0
    assert intake.hold(_chunk(40), limit=100) == 0
    assert intake.hold(_chunk(30), limit=100) == 60
    assert _counts(intake) == (130, 0, 70, 60)
    assert [chunk.samples for chunk in intake.release()] == [40, 30]


def test_a_chunk_larger_than_the_hold_goes_itself() -> None:
    intake = Intake()
    intake.hold(_chunk(50), limit=100)
    assert intake.hold(_chunk(101), limit=100) == 151
    assert _counts(intake) == (151, 0, 0, 151)
    assert intake.release() == []


def test_audio_that_was_forwarded_and_lost_counts_as_dropped() -> None:
    intake = Intake()
    intake.forward(_chunk(160))
    assert list(intake.lose(60)) == []
    assert _counts(intake) == (160, 100, 0, 60)


def test_discarding_gives_up_what_is_held() -> None:
    intake = Intake()
    intake.forward(_chunk(5))
    intake.hold(_chunk(70), limit=100)
    assert intake.discard() == 70
    assert _counts(intake) == (75, 5, 0, 70)
    assert intake.discard() == 0
    assert intake.release() == []
