"""The tool calls of a call. Each runs beside the talk, once, whoever waits for its answer by then."""

from __future__ import annotations

from enum import StrEnum

from vivavoce.core.machine import Machine
from vivavoce.events import PendingTool, ToolCallId


class ToolState(StrEnum):
    """How a tool call stands."""

    ASKED = "asked"  # not run yet, or never: somebody must approve, the agent speaks first, or the call itself does it
    RUNNING = "running"
    ANSWERED = "answered"
    CANCELLED = "cancelled"


class ToolMove(StrEnum):
    """What can happen to a tool call."""

    RUN = "run"
    ANSWER = "answer"
    CANCEL = "cancel"


TOOL_TABLE = {
    (ToolState.ASKED, ToolMove.RUN): ToolState.RUNNING,
    (ToolState.ASKED, ToolMove.ANSWER): ToolState.ANSWERED,  # it is not run: denied, or nobody said anything
    (ToolState.ASKED, ToolMove.CANCEL): ToolState.CANCELLED,
    (ToolState.RUNNING, ToolMove.ANSWER): ToolState.ANSWERED,
    (ToolState.RUNNING, ToolMove.CANCEL): ToolState.CANCELLED,
}


class ToolCalls:
    """What was asked for, and whether it is answered."""

    __slots__ = ("_calls", "_described", "_running")

    def __init__(self) -> None:
        self._calls: dict[ToolCallId, Machine[ToolState, ToolMove]] = {}
        self._described: dict[ToolCallId, PendingTool] = {}
        self._running: dict[ToolCallId, None] = {}  # in the order asked; every step looks at it

    def known(self, tool_call: ToolCallId) -> bool:
        return tool_call in self._calls

    def start(self, asked: PendingTool, *, waits: bool = False) -> None:
        """``waits``: it is not run yet."""
        state = ToolState.ASKED if waits else ToolState.RUNNING
        self._calls[asked.tool_call] = Machine(TOOL_TABLE, state)
        self._described[asked.tool_call] = asked
        self._running[asked.tool_call] = None

    def described(self, tool_call: ToolCallId) -> PendingTool:
        return self._described[tool_call]

    def state(self, tool_call: ToolCallId) -> ToolState:
        return self._calls[tool_call].state

    def run(self, tool_call: ToolCallId) -> None:
        self._calls[tool_call].move(ToolMove.RUN)

    def can_answer(self, tool_call: ToolCallId) -> bool:
        return self.known(tool_call) and self._calls[tool_call].can(ToolMove.ANSWER)

    def answer(self, tool_call: ToolCallId) -> None:
        self._calls[tool_call].move(ToolMove.ANSWER)
        del self._running[tool_call]

    def cancel(self, tool_call: ToolCallId) -> None:
        self._calls[tool_call].move(ToolMove.CANCEL)
        del self._running[tool_call]

    @property
    def running(self) -> list[ToolCallId]:
        return list(self._running)
