"""What a client writes with another library's frames comes out as it was, however the network cut it; and noise never
makes the decoder raise or hoard."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from vivavoce.wire.websocket import ClientFrames, Closing, Ping, Received, Violation

MAX_BYTES = 4096

texts = st.text(max_size=400)
pieces = st.lists(st.binary(max_size=300), min_size=1, max_size=4)
messages = st.lists(st.one_of(texts, pieces, st.binary(max_size=125).map(Ping)), max_size=6)


def written(message: str | list[bytes] | Ping) -> bytes:
    match message:
        case str():
            return Frame(Opcode.TEXT, message.encode()).serialize(mask=True)
        case Ping(payload):
            return Frame(Opcode.PING, payload).serialize(mask=True)
        case [first, *rest]:
            frames = [Frame(Opcode.BINARY, first, not rest)]
            frames += [Frame(Opcode.CONT, piece, at == len(rest)) for at, piece in enumerate(rest, 1)]
            return b"".join(frame.serialize(mask=True) for frame in frames)
        case _:
            raise AssertionError(message)


def fed(data: bytes, cuts: list[int]) -> list[Received]:
    frames = ClientFrames(MAX_BYTES)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [one for begin, end in pairwise(edges) for one in frames.feed(data[begin:end])]


@given(messages, st.lists(st.integers(min_value=0), max_size=12))
@settings(max_examples=60, deadline=None)
def test_messages_come_out_as_they_were_whatever_the_cuts(
    sent: list[str | list[bytes] | Ping], cuts: list[int]
) -> None:
    data = b"".join(written(message) for message in sent)
    expected = [b"".join(message) if isinstance(message, list) else message for message in sent]
    assert fed(data, cuts) == expected


@given(st.binary(max_size=600), st.lists(st.integers(min_value=0), max_size=8))
@settings(max_examples=150, deadline=None)
def test_noise_ends_in_at_most_one_last_word_and_cuts_do_not_matter(noise: bytes, cuts: list[int]) -> None:
    received = fed(noise, cuts)
    assert received == fed(noise, [])
    assert not any(isinstance(one, Violation | Closing) for one in received[:-1])


@given(st.binary(min_size=1, max_size=200))
@settings(max_examples=60, deadline=None)
def test_text_is_taken_exactly_if_it_is_utf_8(payload: bytes) -> None:
    received = fed(Frame(Opcode.TEXT, payload).serialize(mask=True), [])
    try:
        assert received == [payload.decode()]
    except UnicodeDecodeError:
        assert [one.code for one in received if isinstance(one, Violation)] == [1007]
