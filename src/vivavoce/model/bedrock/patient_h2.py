"""``h2`` for either side, with GOAWAY as the standard has it."""

from __future__ import annotations

from h2.connection import H2Connection
from h2.events import ConnectionTerminated, Event
from hyperframe.frame import Frame, GoAwayFrame


class PatientH2(H2Connection):
    """h2 takes GOAWAY for the end of all streams. It is the end of new ones only: RFC 9113, 6.8. A server may send it
    minutes before it closes, and AWS's JavaScript SDK sends it right after it opened its stream.
    """

    def _receive_goaway_frame(self, frame: GoAwayFrame) -> tuple[list[Frame], list[Event]]:
        event = ConnectionTerminated()
        event.error_code = frame.error_code
        event.last_stream_id = frame.last_stream_id
        event.additional_data = frame.additional_data or None
        return [], [event]
