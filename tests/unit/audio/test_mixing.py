import pytest

from vivavoce.audio.arrays import to_array
from vivavoce.audio.mixing import MixerStatistics, StereoMixer, Track
from vivavoce.errors import UsageError


def pairs(stereo: bytes) -> list[list[int]]:
    return to_array(stereo).reshape(-1, 2).tolist()


def pcm(*samples: int) -> bytes:
    return b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples)


def test_caller_left_agent_right_gaps_silent() -> None:
    mixer = StereoMixer(100)
    mixer.place(Track.CALLER, 0, pcm(1, 2))
    mixer.place(Track.AGENT, 1, pcm(-7, -8, -9))
    mixer.place(Track.CALLER, 3, pcm(4))
    assert mixer.placed_until_samples == 4
    assert pairs(mixer.flush_until(5)) == [[1, 0], [2, -7], [0, -8], [4, -9], [0, 0]]


def test_what_is_placed_last_is_heard() -> None:
    mixer = StereoMixer(100)
    mixer.place(Track.AGENT, 0, pcm(1, 1, 1))
    mixer.place(Track.AGENT, 1, pcm(2))
    assert pairs(mixer.flush_until(3)) == [[0, 1], [0, 2], [0, 1]]


def test_late_and_far_ahead_are_left_out_and_counted() -> None:
    mixer = StereoMixer(4)
    mixer.flush_until(2)
    assert mixer.place(Track.CALLER, 0, pcm(1, 2, 3)) == 2
    assert mixer.place(Track.AGENT, 5, pcm(8, 9)) == 1
    assert mixer.place(Track.AGENT, 1000, pcm(8, 9)) == 2
    assert mixer.place(Track.CALLER, -5, pcm(8)) == 1
    assert pairs(mixer.flush_until(6)) == [[3, 0], [0, 0], [0, 0], [0, 8]]
    assert mixer.statistics() == MixerStatistics(flushed=6, late=3, ahead=3)


def test_flushed_in_pieces_nothing_sounds_twice() -> None:
    mixer = StereoMixer(100)
    mixer.place(Track.CALLER, 0, pcm(1, 2, 3, 4))
    assert pairs(mixer.flush_until(1)) == [[1, 0]]
    assert mixer.flush_until(1) == b""
    assert mixer.flush_until(0) == b""
    assert pairs(mixer.flush_until(6)) == [[2, 0], [3, 0], [4, 0], [0, 0], [0, 0]]
    assert mixer.placed_until_samples == 6


def test_memory_follows_what_is_pending() -> None:
    mixer = StereoMixer(16_000 * 3600)
    for at in range(0, 32_000, 320):
        mixer.place(Track.CALLER, at, bytes(640))
        mixer.flush_until(at + 320)
    assert mixer._pending.nbytes <= 8 * 1280


def test_nonsense_is_refused() -> None:
    with pytest.raises(UsageError):
        StereoMixer(0)
    with pytest.raises(UsageError):
        StereoMixer(5).place(Track.AGENT, 0, b"abc")
