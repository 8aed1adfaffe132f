"""What a client says: its eleven events as typed values, and what is wrong with anything else."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from vivavoce.wire.realtime.complaint import Complaint, invalid, missing, wrong_type

EVENT_LIMIT_BYTES = 4 * 1024 * 1024


class _Event(msgspec.Struct, kw_only=True, tag_field="type"):
    event_id: str | None = None


class SessionUpdate(_Event, tag="session.update"):
    """Merge this into the session."""

    session: dict[str, Any]


class Append(_Event, tag="input_audio_buffer.append"):
    """What the caller says, in the session's input format."""

    audio: bytes


class Commit(_Event, tag="input_audio_buffer.commit"):
    """What was appended is a turn."""


class Clear(_Event, tag="input_audio_buffer.clear"):
    """Forget what was appended."""


class ClearOutput(_Event, tag="output_audio_buffer.clear"):
    """Be quiet now."""


class CreateItem(_Event, tag="conversation.item.create"):
    """Put this into the conversation."""

    item: dict[str, Any]
    previous_item_id: str | None = None


class DeleteItem(_Event, tag="conversation.item.delete"):
    """Take this out of the conversation."""

    item_id: str


class RetrieveItem(_Event, tag="conversation.item.retrieve"):
    """Show this as it stands."""

    item_id: str


class TruncateItem(_Event, tag="conversation.item.truncate"):
    """The caller heard this much of it."""

    item_id: str
    audio_end_ms: int | float
    content_index: int = 0


class CreateResponse(_Event, tag="response.create"):
    """Answer."""

    response: dict[str, Any] | None = None


class CancelResponse(_Event, tag="response.cancel"):
    """Stop answering."""

    response_id: str | None = None


ClientEvent = (
    SessionUpdate
    | Append
    | Commit
    | Clear
    | ClearOutput
    | CreateItem
    | DeleteItem
    | RetrieveItem
    | TruncateItem
    | CreateResponse
    | CancelResponse
)

_decoder: msgspec.json.Decoder[ClientEvent] = msgspec.json.Decoder(ClientEvent)
_any = msgspec.json.Decoder(dict[str, Any])
_KINDS = sorted(str(kind.__struct_config__.tag) for kind in _Event.__subclasses__())
_KNOWN = ", ".join(repr(kind) for kind in _KINDS)


class Malformed(Complaint):
    """A whole event that cannot be read; ``event_id`` is its own, as far as it has one."""

    def __init__(self, complaint: Complaint, event_id: str | None) -> None:
        super().__init__(complaint.message, code=complaint.code, param=complaint.param)
        self.event_id = event_id


def decode(frame: str | bytes) -> ClientEvent:
    """Raises :class:`Malformed` for anything but an event of the protocol."""
    if len(frame) > EVENT_LIMIT_BYTES:
        raise Malformed(too_large(len(frame)), None)
    try:
        event = _decoder.decode(frame)
    except (ValueError, RecursionError) as error:
        raise _malformed(frame, error) from None
    return event


def too_large(size_bytes: int) -> Complaint:
    """The protocol takes 15 MiB of audio in an append. Nobody who talks has that at once, and to read it would make all
    other calls of the process wait for a tenth of a second.
    """
    return Complaint(
        f"An event of {size_bytes} bytes is too large; at most {EVENT_LIMIT_BYTES} are taken. Send audio in pieces.",
        code="event_too_large",
    )


def _malformed(frame: str | bytes, error: Exception) -> Malformed:
    try:
        members = _any.decode(frame)
    except (ValueError, RecursionError):
        return Malformed(Complaint("This is not an event: not a JSON object.", code="invalid_event"), None)
    event_id = members.get("event_id")
    return Malformed(_what_is_wrong(members, str(error)), event_id if isinstance(event_id, str) else None)


def _what_is_wrong(members: dict[str, Any], error: str) -> Complaint:
    kind = members.get("type")
    if kind is None:
        return missing("type")
    if kind not in _KINDS:
        return invalid("type", f"Invalid value: {str(kind)[:100]!r}. Supported values are: {_KNOWN}.")
    if absent := re.match(r"Object missing required field `(\w+)`", error):
        return missing(absent[1])
    place = re.search(r"at `\$\.(\S+)`$", error)
    param = place[1] if place else "event"
    if expected := re.match(r"Expected `([^`]+)`", error):
        return wrong_type(param, expected[1])
    if error.startswith("Invalid base64"):
        return invalid(param, f"Invalid '{param}': not base64.")
    return invalid(param, f"Invalid '{param}'.")
