"""What somebody beside a call may decide just now: which tools wait for a yes, and whether the caller waits."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vivavoce.errors import Refused
from vivavoce.events import (
    HOLD_CALL,
    AskApproval,
    CloseCall,
    Effect,
    Event,
    HoldChanged,
    Ignore,
    Muted,
    ReturnToolResult,
    ToolApproved,
    ToolCallId,
    ToolDenied,
    ToolRequested,
)

KEPT_APPROVALS = 200
HEEDED: frozenset[type] = frozenset(
    {
        AskApproval,
        ToolApproved,
        ToolDenied,
        ToolRequested,
        ReturnToolResult,
        HoldChanged,
        Muted,
        Ignore,
        CloseCall,
    }
)
"""What :meth:`Decisions.add` makes something of."""


@dataclass(frozen=True, slots=True)
class Approval:
    """A tool that somebody had to approve. ``outcome`` is empty while it waits, else ``approved``, ``denied``, or
    ``over``: nobody said anything in time, or the call went on without it.
    """

    tool_call: ToolCallId
    name: str
    arguments: str
    outcome: str = ""


class Decisions:
    """Of one call, from its facts and wishes as they come."""

    def __init__(self) -> None:
        self.held = False
        self._hold_tool: ToolCallId | None = None
        self._before = False
        self._approvals: dict[ToolCallId, Approval] = {}

    def add(self, value: Event | Effect) -> None:
        match value:
            case AskApproval(tool_call, name, arguments):
                self._ask(Approval(tool_call, name, arguments))
            case ToolApproved(tool_call):
                self._settle(tool_call, "approved")
            case ToolDenied(tool_call):
                self._settle(tool_call, "denied")
            case ReturnToolResult(_, tool_call):
                self._settle(tool_call, "over")
                self._tool_answered(tool_call)
            case CloseCall():
                for tool_call in self._approvals:
                    self._settle(tool_call, "over")
                self.held = False
            case _:
                self._add_hold(value)

    @property
    def waiting(self) -> tuple[Approval, ...]:
        """Those that wait for an answer, oldest first."""
        return tuple(one for one in self._approvals.values() if not one.outcome)

    def answer(self, tool_call: str, *, approved: bool) -> Approval:
        """Counts it as answered from now on, so that no second answer gets in between. Raises
        :class:`~vivavoce.errors.Refused`: 404 for what nobody asked, 409 for what is answered.
        """
        found = self._approvals.get(ToolCallId(tool_call))
        if found is None:
            message = "no tool call of this id waits for approval in this call"
            raise Refused(message, status=404, code="tool_call_not_found")
        if found.outcome:
            said = "not answered in time" if found.outcome == "over" else f"{found.outcome} already"
            raise Refused(f"this tool call was {said}", status=409, code="already_decided")
        self._settle(found.tool_call, "approved" if approved else "denied")
        return found

    def hold(self, *, held: bool) -> None:
        """Raises :class:`~vivavoce.errors.Refused` (409) if it is so already."""
        if held == self.held:
            raise Refused(f"the caller is {'' if held else 'not '}on hold", status=409, code="already_decided")

    def _ask(self, approval: Approval) -> None:
        self._approvals[approval.tool_call] = approval
        if len(self._approvals) > KEPT_APPROVALS:
            oldest = next((key for key, one in self._approvals.items() if one.outcome), next(iter(self._approvals)))
            del self._approvals[oldest]

    def _settle(self, tool_call: ToolCallId, outcome: str) -> None:
        """The first outcome holds."""
        approval = self._approvals.get(tool_call)
        if approval is not None and not approval.outcome:
            self._approvals[tool_call] = replace(approval, outcome=outcome)

    def _add_hold(self, value: Event | Effect) -> None:
        match value:
            case HoldChanged(held):
                self._before, self.held = self.held, held
            case Ignore("HoldChanged"):
                self.held = self._before
            case ToolRequested(_, tool_call, name) if name == HOLD_CALL and not self.held:
                self.held, self._hold_tool = True, tool_call
            case Muted(_, _, why) if "hold" in why:
                self.held = False

    def _tool_answered(self, tool_call: ToolCallId) -> None:
        if tool_call == self._hold_tool:
            self.held, self._hold_tool = False, None
