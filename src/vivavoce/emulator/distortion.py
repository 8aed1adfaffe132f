"""The stream as a faulty service would send it: events go in as they should be and come out as they are sent."""

from __future__ import annotations

import msgspec

from vivavoce.emulator.faults import FaultKind
from vivavoce.wire.nova_output import (
    AudioOutput,
    CompletionEnd,
    ContentEnd,
    ContentStart,
    OutputEvent,
    TextOutput,
    ToolUse,
    Unknown,
    Usage,
)

FUTURE_EVENT = "futureEvent"

Events = list[OutputEvent]


class Distortion:
    """:attr:`active` may grow while the stream runs."""

    def __init__(self) -> None:
        self.active: set[FaultKind] = set()
        self._block: Events = []
        """The events of a TEXT or TOOL block that is not complete."""
        self._dropped = ""
        """The id of an AUDIO block that is not sent."""
        self._held: Events | None = None
        """What waits while audio is stalled; None if nothing is."""

    def stall(self) -> None:
        """Send no more audio, nor what follows it, until :meth:`resume`."""
        if self._held is None:
            self._held = []

    def resume(self) -> Events:
        held, self._held = self._held or [], None
        return held

    def apply(self, event: OutputEvent) -> Events:
        events = self._apply(event) if self.active or self._block else [event]
        if self._held is None:
            return events
        passing: Events = []
        for one in events:
            audible = isinstance(one, AudioOutput) or (isinstance(one, ContentStart) and one.type == "AUDIO")
            if self._held or audible:
                (passing if isinstance(one, Usage) else self._held).append(one)
            else:
                passing.append(one)
        return passing

    def _apply(self, event: OutputEvent) -> Events:
        match event:
            case CompletionEnd() if FaultKind.COMPLETION_END_MISSING in self.active:
                return []
            case ContentStart(type="TEXT" | "TOOL"):
                self._block = [event]
                return []
            case TextOutput() | ToolUse() if self._block:
                self._block.append(event)
                return []
            case ContentEnd() if self._block:
                block, self._block = [*self._block, event], []
                return self._distort(block)
            case ContentStart() | AudioOutput() | ContentEnd():
                return self._audio(event)
            case _:
                return [event]

    def _distort(self, block: Events) -> Events:
        start, body, end = block
        match body:
            case ToolUse():
                return self._tool(start, body, end)
            case TextOutput(role="ASSISTANT") if FaultKind.TOOL_ONLY_RESPONSE in self.active:
                return []
            case TextOutput(role="USER") if FaultKind.SPLIT_TRANSCRIPT in self.active:
                block = self._split(block, body)
        if FaultKind.UNKNOWN_EVENT in self.active:
            block = [Unknown(name=FUTURE_EVENT, why=""), *block]
        return block

    def _split(self, block: Events, body: TextOutput) -> Events:
        words = body.text.split()
        middle = (len(words) + 1) // 2
        parts = [" ".join(words[:middle]), " ".join(words[middle:])]
        events: Events = []
        for number, part in enumerate(filter(None, parts)):
            content = body.content if not number else f"{body.content}-{number}"
            events += [msgspec.structs.replace(one, content=content) for one in block]
            events[-2] = TextOutput(content=content, role=body.role, text=part)
        return events

    def _tool(self, start: OutputEvent, use: ToolUse, end: OutputEvent) -> Events:
        self.active.discard(FaultKind.TOOL_ONLY_RESPONSE)
        if FaultKind.TWICE_ENCODED_ARGUMENTS in self.active:
            use = msgspec.structs.replace(use, arguments=msgspec.json.encode(use.arguments).decode())
        block: Events = [start, use, end]
        if FaultKind.DOUBLE_TOOL_USE in self.active:
            content = f"{use.content}-again"
            block += [msgspec.structs.replace(one, content=content) for one in block]
        return block

    def _audio(self, event: ContentStart | AudioOutput | ContentEnd) -> Events:
        if isinstance(event, ContentStart) and FaultKind.TOOL_ONLY_RESPONSE in self.active:
            self._dropped = event.content
        if event.content == self._dropped:
            return []
        if isinstance(event, ContentEnd) and event.stop_reason == "END_TURN":
            return [] if FaultKind.END_TURN_MISSING in self.active else [event]
        return [event]
