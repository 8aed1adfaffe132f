import pytest

from vivavoce.audio.buffer import AudioBuffer, BufferStatistics
from vivavoce.errors import UsageError


def test_takes_in_order_across_pieces() -> None:
    buffer = AudioBuffer[str](10)
    buffer.push("one", b"aabb")
    buffer.push("two", b"ccddee")
    assert buffer.take(3) == [("one", b"aabb"), ("two", b"cc")]
    assert buffer.take(1) == [("two", b"dd")]
    assert buffer.take(9) == [("two", b"ee")]
    assert buffer.take(1) == []


def test_refuses_the_end_of_what_does_not_fit() -> None:
    buffer = AudioBuffer[str](3)
    assert buffer.push("one", b"aabb") == 0
    assert buffer.push("two", b"ccddee") == 2
    assert buffer.push("three", b"ff") == 1
    assert buffer.take(9) == [("one", b"aabb"), ("two", b"cc")]
    assert buffer.statistics() == BufferStatistics(queued=0, peak=3, pushed=3, taken=3, cleared=0, refused=3)


def test_clear_says_what_of_each_tag_was_never_played() -> None:
    buffer = AudioBuffer[str](100)
    buffer.push("one", bytes(20))
    buffer.push("two", bytes(10))
    buffer.push("one", bytes(4))
    buffer.take(4)
    assert buffer.clear() == {"one": 8, "two": 5}
    assert buffer.queued_samples == 0
    assert buffer.statistics() == BufferStatistics(queued=0, peak=17, pushed=17, taken=4, cleared=13, refused=0)
    buffer.push("three", b"xx")
    assert buffer.take(1) == [("three", b"xx")]


def test_a_whole_piece_is_not_copied() -> None:
    piece = bytes(640)
    buffer = AudioBuffer[int](320)
    buffer.push(1, piece)
    assert buffer.take(320)[0][1] is piece


def test_an_empty_piece_leaves_no_trace() -> None:
    buffer = AudioBuffer[int](5)
    assert buffer.push(1, b"") == 0
    assert buffer.clear() == {}


def test_nonsense_is_refused() -> None:
    with pytest.raises(UsageError):
        AudioBuffer[int](0)
    with pytest.raises(UsageError):
        AudioBuffer[int](5).push(1, b"abc")
