"""What goes into the gate comes out, in order and to the sample."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.core.gate import Gate
from vivavoce.events import Audio


def sound(*values: int) -> Audio:
    return Audio(b"".join(value.to_bytes(2, "little") for value in values))


def values(audios: list[Audio]) -> list[int]:
    pcm = b"".join(audio.pcm for audio in audios)
    return [int.from_bytes(pcm[at : at + 2], "little") for at in range(0, len(pcm), 2)]


def test_the_newest_stay() -> None:
    gate = Gate()
    for first in (1, 3, 5):
        gate.take(sound(first, first + 1))
    assert values(gate.release(keep=3)) == [1, 2]
    assert gate.held == 4
    assert values(gate.release()) == [3, 4, 5, 6]
    assert gate.held == 0


def test_a_stretch_is_silenced_where_it_is_still_held() -> None:
    gate = Gate()
    gate.take(sound(1, 2))
    gate.release()
    gate.take(sound(3, 4, 5))
    gate.take(sound(6, 7))
    assert gate.mute(1, 6) == 4, "what is gone cannot be silenced"
    assert values(gate.release()) == [2, 1, 1, 2, 7], "as the line sounded before"


def test_without_anything_before_it_becomes_silence() -> None:
    gate = Gate()
    gate.take(sound(3, 4, 5))
    gate.mute(0, 2)
    assert values(gate.release()) == [0, 0, 5]


def test_what_was_muted_is_no_voice_for_the_next_time() -> None:
    gate = Gate()
    gate.take(sound(1, 1))
    gate.release()
    gate.take(sound(9, 9))
    gate.mute(2, 4)
    gate.release()
    gate.take(sound(8, 8))
    gate.mute(4, 6)
    assert values(gate.release()) == [1, 1]


def test_what_is_only_counted_is_cut_as_well() -> None:
    gate = Gate()
    gate.take(Audio(b"", 10))
    assert gate.mute(3, 5) == 2
    assert [audio.samples for audio in gate.release()] == [3, 2, 5]


@given(
    st.lists(st.integers(0, 5), max_size=12),
    st.integers(0, 40),
    st.integers(0, 40),
    st.integers(0, 20),
)
def test_nothing_is_lost_or_moved(lengths: list[int], begin: int, length: int, keep: int) -> None:
    gate = Gate()
    at = 1
    for samples in lengths:
        gate.take(sound(*range(at, at + samples)))
        at += samples
    first = gate.release(keep)
    muted = gate.mute(begin, begin + length)
    rest = gate.release()
    came = values(first) + values(rest)
    released = len(values(first))
    silent = range(max(begin, released), min(begin + length, at - 1))
    heard = {*range(1, max(begin, released) + 1), 0}
    assert len(came) == at - 1
    for position, value in enumerate(came):
        assert value in heard if position in silent else value == position + 1
    assert muted == len(silent)
    assert gate.received == at - 1
    assert gate.held == 0
