"""``h2`` with a short way for what a stream consists of: DATA frames without flags.

h2 checks and logs each frame through several layers, which costs more than to sign a message. Here such a frame goes
past them; the windows stay h2's own, so that flow control is counted in one place. All other frames are h2's.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from h2.config import H2Configuration
from h2.events import DataReceived, Event
from h2.exceptions import FrameTooLargeError
from h2.settings import SettingCodes, Settings
from h2.stream import StreamState

from vivavoce.model.bedrock.patient_h2 import PatientH2

STREAM_WINDOW_BYTES: Final = 1024 * 1024
"""What the service may send ahead of the reader of one stream: about fifteen seconds of speech at 24 kHz."""
CONNECTION_WINDOW_BYTES: Final = 16 * 1024 * 1024

Piece = tuple[int, bytes, int]
"""Of a stream, some data, and what it takes of the windows."""

_HEADER: Final = Struct(">HBHI")
"""The length in two parts, type and flags as one number, the stream."""
_HEADER_BYTES: Final = 9
_PLAIN_DATA: Final = b"\x00\x00"
_RECEIVES: Final = (StreamState.OPEN, StreamState.HALF_CLOSED_LOCAL)


class LeanH2(PatientH2):
    """A client's state of one connection."""

    def __init__(self) -> None:
        super().__init__(H2Configuration(client_side=True, header_encoding=None))
        self.local_settings = Settings(
            client=True,
            initial_values={SettingCodes.ENABLE_PUSH: 0, SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW_BYTES},
        )
        self._torn = b""
        """The beginning of a frame that is not complete."""

    def begin(self) -> None:
        """Our preface, settings and windows are ready to be sent."""
        self.initiate_connection()
        self.increment_flow_control_window(CONNECTION_WINDOW_BYTES)

    def data_frame(self, stream_id: int, data: bytes) -> bytes | None:
        """The frame for it, to be sent at once; None where the peer does not take so much now."""
        stream = self.streams[stream_id]
        size = len(data)
        if (
            size > stream.outbound_flow_control_window
            or size > self.outbound_flow_control_window
            or size > self.max_outbound_frame_size
        ):
            return None
        stream.outbound_flow_control_window -= size
        self.outbound_flow_control_window -= size
        return _HEADER.pack(size >> 8, size & 0xFF, 0, stream_id) + data

    def receive(self, data: bytes) -> list[Piece | Event]:
        """What these bytes complete. Raises as h2 does."""
        raw = self._torn + data if self._torn else data
        found: list[Piece | Event] = []
        begins, available = 0, len(raw)
        while available - begins >= _HEADER_BYTES:
            size = int.from_bytes(raw[begins : begins + 3], "big")
            if size > self.max_inbound_frame_size:
                raise FrameTooLargeError(f"a frame of {size} bytes")
            payload_at = begins + _HEADER_BYTES
            ends = payload_at + size
            if ends > available:
                break
            stream_id = int.from_bytes(raw[begins + 5 : payload_at], "big")
            if raw[begins + 3 : begins + 5] == _PLAIN_DATA and self._consume(stream_id, size):
                found.append((stream_id, raw[payload_at:ends], size))
            else:
                found += [_as_piece(event) for event in self.receive_data(raw[begins:ends])]
            begins = ends
        self._torn = raw[begins:]
        return found

    def _consume(self, stream_id: int, size: int) -> bool:
        """Takes it from the windows, if the stream may receive; otherwise h2 shall say what is wrong."""
        stream = self.streams.get(stream_id)
        if stream is None:
            return False
        machine = stream.state_machine
        if machine.state not in _RECEIVES or not machine.headers_received:
            return False
        self._inbound_flow_control_window_manager.window_consumed(size)
        stream._inbound_window_manager.window_consumed(size)
        return True


def _as_piece(event: Event) -> Piece | Event:
    if type(event) is DataReceived:
        return event.stream_id, event.data, event.flow_controlled_length
    return event
