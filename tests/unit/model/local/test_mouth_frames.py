"""The keys of frames about speech."""

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.model.local import mouth_frames as frames


@given(epoch=st.integers(0, 2**32 - 1), utterance=st.integers(-(2**63), 2**63 - 1), rest=st.binary(max_size=20))
def test_key_round_trip(epoch: int, utterance: int, rest: bytes) -> None:
    [(kind, payload)] = frames.FrameReader().feed(frames.pack_keyed(frames.AUDIO, epoch, utterance, rest))
    assert kind == frames.AUDIO
    assert frames.split_key(payload) == (epoch, utterance, rest)
