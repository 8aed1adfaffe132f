"""The caller waits, unheard, until somebody takes the call off hold, or the longest hold is over.

Asked for by the model, with the built-in tool :data:`~vivavoce.events.HOLD_CALL`, or by somebody beside the call.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from vivavoce.core.hearing import Hearing
from vivavoce.core.parts import Parts
from vivavoce.core.phase import Phase
from vivavoce.core.timers import Timer
from vivavoce.core.toolside import ToolSide
from vivavoce.events import Effect, HoldChanged, Ignore, Instant, PendingTool, ToolCallId, ToolRequested, ToolStatus

ON_HOLD = "the caller is on hold"


class _Wanted(msgspec.Struct, frozen=True):
    seconds: float = 0.0


class Holding:
    """Whether the caller waits."""

    __slots__ = ("_hearing", "_parts", "_tool_call", "_tools", "held")

    def __init__(self, parts: Parts, hearing: Hearing, tools: ToolSide) -> None:
        self.held = False
        self._parts = parts
        self._hearing = hearing
        self._tools = tools
        self._tool_call: ToolCallId | None = None

    def requested(self, event: ToolRequested, now: Instant) -> Iterator[Effect]:
        self._parts.tools.start(PendingTool(event.tool_call, event.name, event.arguments), waits=True)
        limit_us = self._parts.plan.hold_limit_us
        try:
            seconds = msgspec.json.decode(event.arguments or "{}", type=_Wanted, strict=False).seconds
        except msgspec.DecodeError as fault:
            yield from self._tools.refuse(event.tool_call, str(fault), now)
            return
        if self.held:
            yield from self._tools.refuse(event.tool_call, "The caller is on hold already.", now)
            return
        self._tool_call = event.tool_call
        shorter = 0 < seconds < limit_us / 1_000_000  # whatever else it is: a model may write 1e305, or "nan"
        yield from self._begin(now, round(seconds * 1_000_000) if shorter else limit_us)

    def changed(self, event: HoldChanged, now: Instant) -> Iterator[Effect]:
        if event.held == self.held or self._parts.phase.state is not Phase.TALKING:
            yield Ignore("HoldChanged", "it is so already" if event.held == self.held else "the call does not talk")
        elif event.held:
            yield from self._begin(now, self._parts.plan.hold_limit_us)
        else:
            yield from self._end(now, "somebody took the call off hold")

    def time_passed(self, now: Instant) -> Iterator[Effect]:
        yield from self._end(now, "the time was over")

    def _begin(self, now: Instant, limit_us: int) -> Iterator[Effect]:
        self.held = True
        self._parts.timers.set(Timer.HOLD, now + limit_us)
        yield from self._hearing.mute(ON_HOLD)

    def _end(self, now: Instant, why: str) -> Iterator[Effect]:
        if not self.held:
            return
        self.held = False
        self._parts.timers.clear(Timer.HOLD)
        yield from self._hearing.unmute(ON_HOLD)
        tool_call, self._tool_call = self._tool_call, None
        if tool_call is not None and self._parts.tools.can_answer(tool_call):
            result = msgspec.json.encode({"off_hold": True, "because": why}).decode()
            yield from self._tools.answer(tool_call, ToolStatus.OK, result, now)
