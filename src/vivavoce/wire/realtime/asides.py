"""Out-of-band responses: made beside the conversation, of it or of other input, and never part of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vivavoce.events import Audio, PastTurn, Samples, Speaker
from vivavoce.wire.realtime.actions import Action, Aside, AskAside, CancelAside
from vivavoce.wire.realtime.complaint import Complaint, invalid
from vivavoce.wire.realtime.items import Item, read_item
from vivavoce.wire.realtime.parts import Parts
from vivavoce.wire.realtime.requests import Request
from vivavoce.wire.realtime.responses import Outcome, Reply
from vivavoce.wire.realtime.usage import Usage

LIMIT = 4
"""At a time, since each costs a model session of its own."""


class Asides:
    """Those in the making, by the id of their response."""

    __slots__ = ("_parts", "_replies")

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._replies: dict[str, Reply] = {}

    def ask(self, request: Request) -> Iterator[Action]:
        if len(self._replies) >= LIMIT:
            message = f"{LIMIT} out-of-band responses are being made; wait for one of them."
            raise Complaint(message, code="rate_limit_exceeded")
        turns, prompt, notes = self._context(request)
        instructions = "\n\n".join((*notes, request.instructions)).strip()
        reply = Reply(self._parts, modality=request.modality, metadata=request.metadata, aside=True)
        self._replies[reply.id] = reply
        yield reply.created()
        aside = Aside(
            id=reply.id, turns=turns, prompt=prompt, instructions=instructions or None, modality=request.modality
        )
        yield AskAside(aside)

    def cancel(self, response: str | None) -> Iterator[Action] | None:
        """None if there is no such response here."""
        if response not in self._replies:
            return None
        return self._cancelled(response)

    def text(self, aside: str, text: str) -> Iterator[Action]:
        if reply := self._replies.get(aside):
            at = reply.message.spoken.samples if reply.message else 0
            yield from reply.text(text, Samples(at))

    def audio(self, aside: str, audio: Audio) -> Iterator[Action]:
        if reply := self._replies.get(aside):
            yield from reply.audio(audio.pcm)

    def done(self, aside: str, usage: Mapping[str, Any]) -> Iterator[Action]:
        if reply := self._replies.pop(aside, None):
            yield from reply.finish(Outcome.COMPLETED, usage)

    def failed(self, aside: str, message: str) -> Iterator[Action]:
        if reply := self._replies.pop(aside, None):
            error = {"type": "server_error", "code": "model_error", "message": message}
            yield from reply.finish(Outcome.FAILED, Usage().take(), error)

    def all_over(self) -> Iterator[Action]:
        """The call is over."""
        for aside in list(self._replies):
            yield from self.failed(aside, "The session is over.")

    def _cancelled(self, aside: str) -> Iterator[Action]:
        yield CancelAside(aside)
        yield from self._replies.pop(aside).finish(Outcome.CLIENT_CANCELLED, Usage().take())

    def _context(self, request: Request) -> tuple[tuple[PastTurn, ...], str, list[str]]:
        """What was said, what is asked, and what the system says to it."""
        if request.input is None:
            return self._parts.conversation.turns(), "", []
        items = [self._item(item, index) for index, item in enumerate(request.input)]
        notes = [item.text for item in items if item.role == "system" and item.text]
        turns = [
            PastTurn(Speaker.CALLER if item.role == "user" else Speaker.AGENT, item.text)
            for item in items
            if item.role in ("user", "assistant") and item.text
        ]
        prompt = turns.pop().text if turns and turns[-1].speaker is Speaker.CALLER else ""
        return tuple(turns), prompt, notes

    def _item(self, item: Mapping[str, Any], index: int) -> Item:
        path = f"response.input[{index}]"
        if item.get("type") != "item_reference":
            read = read_item(item, self._parts.new_id("item"), path)
            if read.audio:
                raise invalid(path, "Input of an out-of-band response is text; refer to an item for what was said.")
            return read
        known = self._parts.conversation.get(item["id"])
        if known is None:
            raise invalid(f"{path}.id", f"There is no item with the id '{item['id'][:100]}' in the conversation.")
        return known
