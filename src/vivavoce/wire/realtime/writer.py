"""Events for the client, as JSON. Where a ``null`` may stand is for the writers of the members to know: SDKs drop
events that have one elsewhere.
"""

from __future__ import annotations

from binascii import b2a_base64
from typing import Any

import msgspec

from vivavoce.wire.realtime.actions import Send
from vivavoce.wire.realtime.complaint import Complaint

EVENT_ID_LIMIT = 512


class Writer:
    """Numbers the events of one session; ``stem`` makes the numbers unique beyond it."""

    __slots__ = ("_count", "_stem")

    def __init__(self, stem: str) -> None:
        self._stem = stem
        self._count = 0

    def send(self, kind: str, /, **members: Any) -> Send:
        return Send(msgspec.json.encode({"type": kind, "event_id": self.event_id(), **members}))

    def event_id(self) -> str:
        self._count += 1
        return f"{self._stem}_{self._count}"

    def complain(self, complaint: Complaint, event_id: str | None) -> Send:
        """The client's own event id is how SDKs find what failed."""
        return self._error("invalid_request_error", complaint.code, complaint.message, complaint.param, _cut(event_id))

    def server_error(self, code: str, message: str) -> Send:
        return self._error("server_error", code, message, None, None)

    def _error(self, kind: str, code: str, message: str, param: str | None, event_id: str | None) -> Send:
        error = {"type": kind, "code": code, "message": message, "param": param, "event_id": event_id}
        return self.send("error", error=error)

    def audio(self, frame: bytes, encoded: bytes) -> Send:
        """The event that comes fifty times a second: ``frame`` is all of it that stays the same, up to the id."""
        delta = b2a_base64(encoded, newline=False)
        return Send(b'%b%b","delta":"%b"}' % (frame, self.event_id().encode(), delta))


def _cut(event_id: str | None) -> str | None:
    return event_id[:EVENT_ID_LIMIT] if event_id is not None else None


def audio_frame(response: str, item: str, output_index: int) -> bytes:
    """What all audio of one item begins with."""
    members = {
        "type": "response.output_audio.delta",
        "response_id": response,
        "item_id": item,
        "output_index": output_index,
        "content_index": 0,
        "event_id": "",
    }
    return msgspec.json.encode(members).removesuffix(b'"}')
