"""Items of a conversation: who said what, which tool was called and what it gave. Read from a client, shown to one."""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vivavoce.wire.realtime.complaint import Complaint, invalid, missing, wrong_type
from vivavoce.wire.realtime.spoken import Spoken

TEXT_LIMIT_BYTES = 200_000
"""Of one item: an event that shows it has to fit into 256 KiB, the longest message of a browser's data channel."""
ID_LIMIT = 256


@dataclass(slots=True)
class Part:
    """One piece of a message: ``kind`` is the protocol's content type. ``text`` is None for speech nobody wrote down
    yet, ``audio`` what the client sent of it, in the session's input format.
    """

    kind: str
    text: str | None
    audio: bytes = b""


@dataclass(slots=True)
class Item:
    """One entry of a conversation. ``known`` is whether the call has it in its memory, or has no need of it."""

    id: str
    kind: str = "message"
    role: str = ""
    status: str = "completed"
    parts: list[Part] = field(default_factory=list)
    name: str = ""
    call_id: str = ""
    value: str = ""  # a function's arguments, or its output
    known: bool = True
    spoken: Spoken = field(default_factory=Spoken)  # where this is the agent's speech
    size: int = 0  # bytes of its text, as a client sent it

    @property
    def text(self) -> str:
        """Its words, as far as there are any."""
        return " ".join(part.text for part in self.parts if part.text)

    @property
    def audio(self) -> bytes:
        return b"".join(part.audio for part in self.parts)

    def shown(self) -> dict[str, Any]:
        """As an event has it: without audio, and without a ``null`` but that of a transcript to come."""
        shown: dict[str, Any] = {"id": self.id, "object": "realtime.item", "type": self.kind, "status": self.status}
        if self.kind == "message":
            return {**shown, "role": self.role, "content": [_shown_part(part) for part in self.parts]}
        if self.kind == "function_call":
            return {**shown, "name": self.name, "call_id": self.call_id, "arguments": self.value}
        return {**shown, "call_id": self.call_id, "output": self.value}


def _shown_part(part: Part) -> dict[str, Any]:
    """A transcript that is not there yet is ``null`` in the caller's speech only."""
    return {"type": part.kind, "transcript" if part.kind.endswith("_audio") else "text": part.text}


_CONTENT = {
    "system": ("input_text",),
    "user": ("input_text", "input_audio"),
    "assistant": ("output_text", "output_audio"),
}


def read_item(item: Mapping[str, Any], new_id: str, path: str = "item") -> Item:
    """An item that a client made; its own id is kept. Raises :class:`~vivavoce.wire.realtime.complaint.Complaint`."""
    read = _read(item, new_id, path)
    read.size = sum(len(text.encode()) for text in (read.value, *(part.text or "" for part in read.parts)))
    if read.size > TEXT_LIMIT_BYTES:
        message = f"An item with {read.size} bytes of text; at most {TEXT_LIMIT_BYTES} are taken."
        raise Complaint(message, code="string_above_max_length", param=path)
    return read


def _read(item: Mapping[str, Any], new_id: str, path: str) -> Item:
    kind = item.get("type")
    own_id = item.get("id")
    if own_id is not None and not isinstance(own_id, str):
        raise wrong_type(f"{path}.id", "a string")
    if own_id is not None and len(own_id) > ID_LIMIT:
        raise invalid(f"{path}.id", f"An id has at most {ID_LIMIT} characters.")
    name = own_id or new_id
    match kind:
        case "message":
            return _message(item, name, path)
        case "function_call":
            call, tool = _text(item, "call_id", path), _text(item, "name", path)
            return Item(name, "function_call", call_id=call, name=tool, value=_text(item, "arguments", path))
        case "function_call_output":
            call = _text(item, "call_id", path)
            return Item(name, "function_call_output", call_id=call, value=_text(item, "output", path))
        case None:
            raise missing(f"{path}.type")
    known = "'message', 'function_call' and 'function_call_output'"
    raise invalid(f"{path}.type", f"Invalid value: {str(kind)[:100]!r}. Supported values are: {known}.")


def _text(item: Mapping[str, Any], member: str, path: str) -> str:
    value = item.get(member)
    if value is None:
        raise missing(f"{path}.{member}")
    if not isinstance(value, str):
        raise wrong_type(f"{path}.{member}", "a string")
    return value


def _message(item: Mapping[str, Any], name: str, path: str) -> Item:
    role = _text(item, "role", path)
    kinds = _CONTENT.get(role)
    if kinds is None:
        raise invalid(f"{path}.role", f"Invalid value: {role[:100]!r}. Supported values are: {', '.join(_CONTENT)}.")
    content = item.get("content")
    if not isinstance(content, list):
        raise wrong_type(f"{path}.content", "an array") if content is not None else missing(f"{path}.content")
    parts = [_part(part, kinds, f"{path}.content[{index}]") for index, part in enumerate(content)]
    return Item(name, role=role, parts=parts, known=False)


def _part(part: Any, kinds: tuple[str, ...], path: str) -> Part:
    if not isinstance(part, dict):
        raise wrong_type(path, "an object")
    kind = _text(part, "type", path)
    if kind == "input_image":
        raise invalid(f"{path}.type", "The models here do not see; an item is text or audio.")
    if kind not in kinds:
        known = ", ".join(repr(each) for each in kinds)
        raise invalid(f"{path}.type", f"Invalid value: {kind[:100]!r}. Supported values are: {known}.")
    if not kind.endswith("_audio"):
        return Part(kind, _text(part, "text", path))
    transcript = part.get("transcript")
    if transcript is not None and not isinstance(transcript, str):
        raise wrong_type(f"{path}.transcript", "a string")
    if kind == "output_audio":  # a null is not allowed where it is shown
        return Part(kind, transcript or "")
    return Part(kind, transcript, _audio(part, path))


def _audio(part: Mapping[str, Any], path: str) -> bytes:
    if part.get("audio") is None:
        return b""
    try:
        return a2b_base64(_text(part, "audio", path), strict_mode=True)
    except (Base64Error, ValueError):
        raise invalid(f"{path}.audio", f"Invalid '{path}.audio': not base64.") from None
