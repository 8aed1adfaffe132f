"""Frames survive pipes that cut them anywhere."""

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.model.local import mouth_frames as frames

FRAMES = st.lists(
    st.tuples(st.sampled_from([frames.AUDIO, frames.END, frames.SPEAK]), st.binary(max_size=80)), max_size=6
)


@given(sent=FRAMES, cuts=st.lists(st.integers(1, 40)))
def test_any_cut_of_the_stream_gives_the_same_frames(sent: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    stream = b"".join(frames.pack(kind, payload) for kind, payload in sent)
    reader = frames.FrameReader()
    received = []
    for size in cuts:
        received += reader.feed(stream[:size])
        stream = stream[size:]
    received += reader.feed(stream)
    assert received == sent


def test_header_is_kind_then_little_endian_length() -> None:
    assert frames.pack(frames.STOP, b"abc") == b"X\x03\x00\x00\x00abc"


@given(epoch=st.integers(0, 2**32 - 1), utterance=st.integers(-(2**63), 2**63 - 1), rest=st.binary(max_size=20))
def test_key_round_trip(epoch: int, utterance: int, rest: bytes) -> None:
    [(kind, payload)] = frames.FrameReader().feed(frames.pack_keyed(frames.AUDIO, epoch, utterance, rest))
    assert kind == frames.AUDIO
    assert frames.split_key(payload) == (epoch, utterance, rest)
