"""Frames survive pipes that cut them anywhere."""

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.model.local import worker_frames as frames

FRAMES = st.lists(st.tuples(st.sampled_from([b"A", b"E", b"S"]), st.binary(max_size=80)), max_size=6)


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
    assert frames.pack(b"X", b"abc") == b"X\x03\x00\x00\x00abc"
