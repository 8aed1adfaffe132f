"""Tools that the client runs: which calls are open, and which outputs wait for the word to go on."""

from __future__ import annotations

from vivavoce.events import RunTool, ToolCallId
from vivavoce.wire.realtime.actions import AnswerTool
from vivavoce.wire.realtime.complaint import Complaint
from vivavoce.wire.realtime.items import Item


class ClientTools:
    """Calls have ids of ours: those of a provider are no client's business."""

    __slots__ = ("_held", "_open")

    def __init__(self) -> None:
        self._open: dict[str, ToolCallId] = {}  # by the id that the client knows
        self._held: dict[str, str] = {}

    @property
    def answered(self) -> bool:
        """There are outputs that the model has not been given."""
        return bool(self._held)

    def open(self, call_id: str, call: RunTool) -> None:
        self._open[call_id] = call.tool_call

    def cancel(self, tool_call: ToolCallId) -> None:
        """Nobody waits for it; an output that comes all the same is only kept in the conversation."""
        for call_id in [known for known, call in self._open.items() if call == tool_call]:
            del self._open[call_id]
            self._held.pop(call_id, None)

    def forget(self, output: Item) -> None:
        """The client took it back."""
        self._held.pop(output.call_id, None)

    def hold(self, output: Item, items: list[Item]) -> None:
        """Raises :class:`~vivavoce.wire.realtime.complaint.Complaint` if there is no such call."""
        if output.call_id in self._open:
            self._held[output.call_id] = output.value
        elif all(item.kind != "function_call" or item.call_id != output.call_id for item in items):
            message = f"Tool call ID '{output.call_id[:100]}' not found in conversation."
            raise Complaint(message, code="invalid_tool_call_id", param="item.call_id")

    def release(self) -> list[AnswerTool]:
        """The model may go on."""
        held, self._held = self._held, {}
        return [AnswerTool(self._open.pop(call_id), output) for call_id, output in held.items()]
