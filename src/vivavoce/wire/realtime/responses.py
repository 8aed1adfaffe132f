"""The events of one response, from ``response.created`` to ``response.done``.

The order is that of OpenAI's documents, which the SDKs were tried with: an item opens with the first word or sound of
it, and everything that was opened is closed before the response is done, however it ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from vivavoce.wire.realtime.actions import Send
from vivavoce.wire.realtime.configuration import Modality
from vivavoce.wire.realtime.items import Item, Part
from vivavoce.wire.realtime.parts import Parts
from vivavoce.wire.realtime.sound import Outlet
from vivavoce.wire.realtime.writer import audio_frame

DELTA_MS = 200
"""The longest piece of audio in one event: a client starts to play with the first, and frames stay far below 1 MiB."""


class Outcome(StrEnum):
    """How a response ended."""

    COMPLETED = "completed"
    TURN_DETECTED = "turn_detected"
    CLIENT_CANCELLED = "client_cancelled"
    FAILED = "failed"


_STATUS: dict[Outcome, tuple[str, str, dict[str, Any] | None]] = {
    # the response's status, that of an item in the making, the details
    Outcome.COMPLETED: ("completed", "completed", None),
    Outcome.TURN_DETECTED: ("cancelled", "incomplete", {"type": "cancelled", "reason": "turn_detected"}),
    Outcome.CLIENT_CANCELLED: ("cancelled", "incomplete", {"type": "cancelled", "reason": "client_cancelled"}),
    Outcome.FAILED: ("failed", "incomplete", {"type": "failed"}),
}


class Reply:
    """One response. ``aside``: it is not part of the conversation."""

    __slots__ = (
        "_bytes_per_ms",
        "_frame",
        "_index",
        "_outlet",
        "_parts",
        "aside",
        "id",
        "message",
        "metadata",
        "modality",
        "output",
    )

    def __init__(
        self, parts: Parts, *, modality: Modality, metadata: Mapping[str, str] | None, aside: bool = False
    ) -> None:
        self._parts = parts
        self.id = parts.new_id("resp")
        self.modality = modality
        self.metadata = metadata
        self.aside = aside
        self.output: list[Item] = []
        self.message: Item | None = None  # what the agent says; a response has one at most
        self._index = 0  # of the message
        self._frame = b""
        self._bytes_per_ms = 0
        self._outlet: Outlet | None = None

    def created(self) -> Send:
        return self._parts.writer.send("response.created", response=self._shown("in_progress", None, None))

    def text(self, text: str, at: int) -> Iterator[Send]:
        """Words of it, from sample ``at`` on."""
        if not text:
            return
        if self.message is None:
            yield from self._open_message()
        message = self._message
        delta = message.spoken.say(text, at)
        message.parts[0].text = message.spoken.text
        kind = "response.output_audio_transcript.delta" if self._speaks else "response.output_text.delta"
        yield self._parts.writer.send(kind, **self._place(), delta=delta)

    def correct(self, text: str, at: int) -> None:
        if self.message is not None and text:
            self.message.spoken.correct(text, at)
            self.message.parts[0].text = self.message.spoken.text

    def audio(self, pcm: bytes) -> Iterator[Send]:
        """Sound of it. In a reply of text it only counts, and where audio goes beside the events it is not sent."""
        if self.message is None:
            yield from self._open_message()
        self._message.spoken.samples += len(pcm) // 2
        if self._outlet is not None:
            yield from self._audio_events(self._outlet.push(pcm))

    def function_call(self, name: str, call_id: str, arguments: str) -> Iterator[Send]:
        """The model calls a tool of the client. SDKs differ in which of these events they act upon."""
        item = Item(self._parts.new_id("item"), "function_call", status="in_progress", name=name, call_id=call_id)
        index = len(self.output)
        place = {"response_id": self.id, "item_id": item.id, "output_index": index}
        yield from self._open_item(item)
        send = self._parts.writer.send
        yield send("response.function_call_arguments.delta", **place, call_id=call_id, delta=arguments)
        item.value, item.status = arguments, "completed"
        done = "response.function_call_arguments.done"
        yield send(done, **place, call_id=call_id, name=name, arguments=arguments)
        yield from self._close_item(item, index)

    def finish(
        self, outcome: Outcome, usage: Mapping[str, Any], error: Mapping[str, str] | None = None
    ) -> Iterator[Send]:
        status, item_status, details = _STATUS[outcome]
        if self.message is not None:
            yield from self._close_message(self.message, item_status)
        if details is not None and error is not None:
            details = {**details, "error": error}
        yield self._parts.writer.send("response.done", response=self._shown(status, details, usage))

    @property
    def _message(self) -> Item:
        assert self.message is not None  # opened by whoever asks
        return self.message

    @property
    def _speaks(self) -> bool:
        return self.modality is Modality.AUDIO

    def _place(self) -> dict[str, Any]:
        place = {"response_id": self.id, "item_id": self._message.id}
        return {**place, "output_index": self._index, "content_index": 0}

    def _open_message(self) -> Iterator[Send]:
        item = Item(self._parts.new_id("item"), role="assistant", status="in_progress")
        self._index = len(self.output)
        yield from self._open_item(item)
        self.message = item
        item.parts.append(Part("output_audio" if self._speaks else "output_text", ""))
        yield self._parts.writer.send("response.content_part.added", **self._place(), part=self._part(""))
        if self._speaks and self._parts.client_plays:
            encoding = self._parts.configuration.output
            self._outlet = Outlet(encoding, self._parts.rate_hz)
            self._bytes_per_ms = encoding.bytes_per_ms
            self._frame = audio_frame(self.id, item.id, self._index)

    def _part(self, text: str) -> dict[str, str]:
        return {"type": "audio", "transcript": text} if self._speaks else {"type": "text", "text": text}

    def _audio_events(self, encoded: bytes) -> Iterator[Send]:
        step = DELTA_MS * self._bytes_per_ms
        for start in range(0, len(encoded), step):
            yield self._parts.writer.audio(self._frame, encoded[start : start + step])

    def _close_message(self, item: Item, status: str) -> Iterator[Send]:
        if self._outlet is not None:
            yield from self._audio_events(self._outlet.finish())
            self._outlet = None
        item.status = status
        text = item.parts[0].text = item.spoken.text
        place, send = self._place(), self._parts.writer.send
        if self._speaks:
            yield send("response.output_audio.done", **place)
            yield send("response.output_audio_transcript.done", **place, transcript=text)
        else:
            yield send("response.output_text.done", **place, text=text)
        yield send("response.content_part.done", **place, part=self._part(text))
        yield from self._close_item(item, self._index)

    def _open_item(self, item: Item) -> Iterator[Send]:
        send = self._parts.writer.send
        shown = item.shown()
        index = len(self.output)
        self.output.append(item)
        yield send("response.output_item.added", response_id=self.id, output_index=index, item=shown)
        if not self.aside:
            previous = self._parts.conversation.append(item)
            yield send("conversation.item.added", previous_item_id=previous, item=shown)

    def _close_item(self, item: Item, index: int) -> Iterator[Send]:
        send = self._parts.writer.send
        shown = item.shown()
        if not self.aside:
            previous = self._parts.conversation.before(item.id)
            yield send("conversation.item.done", previous_item_id=previous, item=shown)
        yield send("response.output_item.done", response_id=self.id, output_index=index, item=shown)

    def _shown(self, status: str, details: Mapping[str, Any] | None, usage: Mapping[str, Any] | None) -> dict[str, Any]:
        session = self._parts.configuration.session
        output = session["audio"]["output"]
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": [item.shown() for item in self.output],
            "conversation_id": None if self.aside else self._parts.conversation_id,
            "output_modalities": [self.modality.value],
            "max_output_tokens": session["max_output_tokens"],
            "audio": {"output": {"format": output["format"], "voice": output["voice"]}},
            "usage": usage,
            "metadata": self.metadata,
        }
