"""The client's side of the conversation: items it puts in, and the replies it asks for.

Words that a reply is asked for at once are words to the agent. All others change what was said so far, and the call is
told at the latest when the caller speaks.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from vivavoce.events import CallerText, HistoryRevised, Instant, ReplyRequested
from vivavoce.wire.realtime.actions import Action, Emit, Revise
from vivavoce.wire.realtime.asides import Asides
from vivavoce.wire.realtime.client import CancelResponse, CreateItem, CreateResponse, DeleteItem, RetrieveItem
from vivavoce.wire.realtime.complaint import Complaint
from vivavoce.wire.realtime.items import Item, read_item
from vivavoce.wire.realtime.listening import Listening
from vivavoce.wire.realtime.parts import Parts
from vivavoce.wire.realtime.replies import Replies
from vivavoce.wire.realtime.requests import Request, read_request
from vivavoce.wire.realtime.tools import ClientTools
from vivavoce.wire.realtime.turns import shown_item


class Asking:
    """What a client may do to the conversation, once the call has begun."""

    __slots__ = ("_listening", "_parts", "_replies", "asides", "tools")

    def __init__(self, parts: Parts, listening: Listening, replies: Replies) -> None:
        self._parts = parts
        self._listening = listening
        self._replies = replies
        self.asides = Asides(parts)
        self.tools = ClientTools()

    # -- items ---------------------------------------------------------------------------------------------------------

    def create_item(self, event: CreateItem) -> Iterator[Action]:
        item = read_item(event.item, self._parts.new_id("item"))
        self._listening.read(item)
        previous = self._parts.conversation.insert(item, event.previous_item_id)
        if item.kind == "function_call_output":
            self._hold(item)
        yield from shown_item(self._parts, item, previous)

    def _hold(self, output: Item) -> None:
        try:
            self.tools.hold(output, self._parts.conversation.items)
        except Complaint:
            self._parts.conversation.remove(output.id)
            raise

    def delete_item(self, event: DeleteItem) -> Iterator[Action]:
        item = self._find(event.item_id, "delete")
        self._parts.conversation.remove(event.item_id)
        yield self._parts.writer.send("conversation.item.deleted", item_id=event.item_id)
        if item.kind == "function_call_output":
            self.tools.forget(item)
        elif item.role == "system":
            yield from self._note(self._parts.conversation.unknown())
        elif item.known and item.text:
            yield Emit(HistoryRevised(self._parts.conversation.turns()))

    def retrieve_item(self, event: RetrieveItem) -> Iterator[Action]:
        """Without its audio, which is not kept."""
        item = self._find(event.item_id, "retrieve")
        yield self._parts.writer.send("conversation.item.retrieved", item=item.shown())

    def _find(self, name: str, what: str) -> Item:
        item = self._parts.conversation.get(name)
        if item is None:
            message = f"Error: the item with id '{name[:100]}' does not exist."
            raise Complaint(message, code=f"item_{what}_invalid_item_id", param="item_id")
        return item

    # -- replies -------------------------------------------------------------------------------------------------------

    def create_response(self, event: CreateResponse, now: Instant) -> Iterator[Action]:
        request = read_request(event.response, self._parts.offer, self._parts.configuration)
        if request.aside:
            yield from self.asides.ask(request)
            return
        answered = self.tools.answered
        if not answered:
            self._replies.check_idle()
        self._replies.expect(request, now)
        yield from self.tools.release()
        yield from self._put(request, answered=answered)

    def cancel_response(self, event: CancelResponse, now: Instant) -> Iterator[Action]:
        return self.asides.cancel(event.response_id) or self._replies.cancel(event.response_id, now)

    def caller_spoke(self) -> Iterator[Action]:
        """From here on the model answers: it has to know everything."""
        yield from self.tools.release()
        if self._parts.conversation.unknown():
            yield from self._settle([])

    def _put(self, request: Request, *, answered: bool) -> Iterator[Action]:
        """Ask the call for a reply: to what was said, to what was written, to the results of tools, or unasked."""
        tail = self._parts.conversation.unanswered()
        said = [item for item in tail if item.audio]
        asked = said or tail
        if any(item not in asked for item in self._parts.conversation.unknown()):
            yield from self._settle(asked)
        for item in asked:
            item.known = True
        words = "\n".join(item.text for item in asked if item.role == "user" and item.text)
        notes = [item.text for item in asked if item.role == "system" and item.text]
        instructions = "\n\n".join(each for each in (*notes, request.instructions) if each)
        if said:
            yield from self._listening.say(said)
        elif words:
            yield Emit(CallerText(f"{words}\n\n[{instructions}]" if instructions else words))
        elif not answered and not (self._listening.answers and not instructions):
            yield Emit(ReplyRequested(instructions))

    def _settle(self, without: list[Item]) -> Iterator[Action]:
        """Tell the call of the conversation as it stands, but for what it is going to be asked now."""
        new = [item for item in self._parts.conversation.unknown() if item not in without]
        for item in new:
            item.known = True
        yield from self._note(without)
        if any(item.role != "system" for item in new):
            yield Emit(HistoryRevised(self._parts.conversation.turns(without)))

    def _note(self, without: list[Item]) -> Iterator[Action]:
        """What the system says stands beside the instructions."""
        configuration = self._parts.configuration
        notes = tuple(
            item.text
            for item in self._parts.conversation.items
            if item.role == "system" and item.text and item not in without
        )
        if notes != configuration.notes:
            self._parts.configuration = msgspec.structs.replace(configuration, notes=notes)
            yield Revise(self._parts.configuration)
