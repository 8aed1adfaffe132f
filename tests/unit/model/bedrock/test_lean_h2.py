"""The short way past h2 does as h2 does, and counts the windows as h2 would."""

from __future__ import annotations

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, Event, ResponseReceived, StreamEnded
from h2.exceptions import FlowControlError, FrameTooLargeError, ProtocolError
from h2.settings import SettingCodes, Settings
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.model.bedrock.lean_h2 import STREAM_WINDOW_BYTES, LeanH2, Piece

REQUEST = [(":method", "POST"), (":path", "/"), (":scheme", "https"), (":authority", "x")]


def joined(*, answered: bool = True, window: int = 65_535) -> tuple[LeanH2, H2Connection]:
    """Both sides of a connection with stream 1 open."""
    ours = LeanH2()
    theirs = H2Connection(H2Configuration(client_side=False, header_encoding=None))
    theirs.local_settings = Settings(client=False, initial_values={SettingCodes.INITIAL_WINDOW_SIZE: window})
    ours.begin()
    theirs.initiate_connection()
    ours.receive(theirs.data_to_send())
    ours.send_headers(1, REQUEST)
    theirs.receive_data(ours.data_to_send())
    if answered:
        theirs.send_headers(1, [(":status", "200")])
    ours.receive(theirs.data_to_send())
    return ours, theirs


def pieces(found: list[Piece | Event]) -> list[Piece]:
    return [item for item in found if isinstance(item, tuple)]


def frame(stream_id: int, data: bytes, flags: int = 0) -> bytes:
    return len(data).to_bytes(3, "big") + bytes((0, flags)) + stream_id.to_bytes(4, "big") + data


def test_data_of_every_kind() -> None:
    ours, theirs = joined()
    theirs.send_data(1, b"plain")
    theirs.send_data(1, b"padded", pad_length=7)
    theirs.send_data(1, b"", end_stream=False)
    theirs.send_data(1, b"last", end_stream=True)
    found = ours.receive(theirs.data_to_send())
    assert pieces(found) == [(1, b"plain", 5), (1, b"padded", 14), (1, b"", 0), (1, b"last", 4)]
    assert any(isinstance(item, StreamEnded) for item in found)


@given(st.lists(st.binary(max_size=40), max_size=5), st.lists(st.integers(0, 400), max_size=6))
def test_any_cut_of_the_bytes_is_the_same(data: list[bytes], cuts: list[int]) -> None:
    ours, theirs = joined(answered=False)
    theirs.send_headers(1, [(":status", "200")])
    for number, piece in enumerate(data):
        theirs.send_data(1, piece, pad_length=3 if number % 3 == 2 else None)
        if number % 2:
            theirs.ping(b"01234567")
    theirs.send_data(1, b"end", end_stream=True)
    raw = theirs.data_to_send()
    ends = [*sorted(cut % (len(raw) + 1) for cut in cuts), len(raw)]
    found: list[Piece | Event] = []
    begins = 0
    for end in ends:
        found += ours.receive(raw[begins:end])
        begins = end
    assert [piece for _, piece, _ in pieces(found)] == [*data, b"end"]
    assert isinstance(found[0], ResponseReceived)


def test_what_goes_out_is_what_h2_would_send() -> None:
    ours, theirs = joined()
    plain, _ = joined()
    for data in (b"", b"a", b"b" * 300, b"c" * 16_384):
        plain.send_data(1, data)
        assert ours.data_frame(1, data) == plain.data_to_send()
        assert ours.local_flow_control_window(1) == plain.local_flow_control_window(1)
    assert ours.data_frame(1, bytes(16_385)) is None, "larger than a frame"
    del theirs


def test_nothing_goes_beyond_the_peers_windows() -> None:
    ours, theirs = joined(window=100)
    assert ours.data_frame(1, bytes(101)) is None
    assert ours.data_frame(1, bytes(60)) is not None
    assert ours.data_frame(1, bytes(41)) is None
    theirs.increment_flow_control_window(1, 1)
    ours.receive(theirs.data_to_send())
    assert ours.data_frame(1, bytes(41)) is not None
    ours, theirs = joined(window=10**6)
    sent = 0
    while ours.data_frame(1, bytes(1000)) is not None:
        sent += 1000
    assert sent == 65_000, "the connection's window counts too"


def test_our_own_window_opens_as_data_is_acknowledged_and_not_before() -> None:
    ours, theirs = joined()
    sent = 0
    while sent < 5 * STREAM_WINDOW_BYTES:
        room = min(theirs.local_flow_control_window(1), theirs.max_outbound_frame_size)
        assert room > 0, "the peer is never left without"
        theirs.send_data(1, bytes(room))
        for _, _, flow_bytes in pieces(ours.receive(theirs.data_to_send())):
            ours.acknowledge_received_data(flow_bytes, 1)
        theirs.receive_data(ours.data_to_send())
        sent += room


def test_a_peer_that_ignores_our_window_is_told() -> None:
    ours, _ = joined()
    raw = frame(1, bytes(16_384))
    for _ in range(STREAM_WINDOW_BYTES // 16_384):
        ours.receive(raw)
    with pytest.raises(FlowControlError):
        ours.receive(raw)


def test_a_frame_larger_than_we_allowed() -> None:
    ours, _ = joined()
    with pytest.raises(FrameTooLargeError):
        ours.receive(b"\x00\x40\x01\x00\x00\x00\x00\x00\x01")


@pytest.mark.parametrize(("answered", "stream_id"), [(False, 1), (True, 3), (True, 0)])
def test_data_where_none_may_be(answered: bool, stream_id: int) -> None:
    ours, _ = joined(answered=answered)
    with pytest.raises(ProtocolError):
        ours.receive(frame(stream_id, b"x"))


def test_data_after_the_end_is_not_delivered() -> None:
    ours, theirs = joined()
    theirs.send_data(1, b"x", end_stream=True)
    ours.receive(theirs.data_to_send())
    assert pieces(ours.receive(frame(1, b"more"))) == []


def test_going_away_ends_nothing() -> None:
    ours, theirs = joined()
    [goodbye] = ours.receive((8).to_bytes(3, "big") + b"\x07\x00" + bytes(4) + (1).to_bytes(4, "big") + bytes(4))
    assert isinstance(goodbye, ConnectionTerminated)
    assert goodbye.last_stream_id == 1
    theirs.send_data(1, b"still here", end_stream=True)
    assert pieces(ours.receive(theirs.data_to_send())) == [(1, b"still here", 10)]
    assert ours.data_frame(1, b"me too") is not None
