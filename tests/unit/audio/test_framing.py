import pytest

from vivavoce.audio.framing import Framer
from vivavoce.errors import UsageError


def test_frames_come_when_whole() -> None:
    framer = Framer(2)
    assert framer.push(b"aabb" + b"cc") == [b"aabb"]
    assert framer.held_samples == 1
    assert framer.push(b"dd") == [b"ccdd"]
    assert framer.held_samples == 0


def test_finish_pads_with_silence() -> None:
    framer = Framer(3)
    framer.push(b"aa")
    assert framer.finish(pad=True) == b"aa\0\0\0\0"
    assert framer.held_samples == 0
    assert framer.finish(pad=True) == b""


def test_finish_without_padding() -> None:
    framer = Framer(3)
    framer.push(b"aabb")
    assert framer.finish(pad=False) == b"aabb"


def test_half_a_sample_and_an_empty_frame_are_refused() -> None:
    with pytest.raises(UsageError):
        Framer(3).push(b"a")
    with pytest.raises(UsageError):
        Framer(0)
