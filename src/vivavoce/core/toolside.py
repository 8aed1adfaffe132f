"""What becomes of a tool call: run at once, when the agent has spoken, or when somebody approves; said to be slow;
given up because the caller went on.

A tool runs beside the talk, once, and its answer goes to whichever session speaks for the call by then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from vivavoce.core.modelside import ModelSide
from vivavoce.core.parts import Parts
from vivavoce.core.phase import Phase
from vivavoce.core.saying import Sayings
from vivavoce.core.spending import Spending
from vivavoce.core.timers import Timer
from vivavoce.core.tools import ToolState
from vivavoce.events import (
    SEND_DIGITS,
    SWITCH_AGENT,
    SWITCH_LANGUAGE,
    TRANSFER_CALL,
    AskApproval,
    CancelTool,
    Effect,
    Ignore,
    Instant,
    PendingTool,
    ReturnToolResult,
    RunTool,
    ToolApproved,
    ToolCallId,
    ToolDenied,
    ToolFinished,
    ToolPlan,
    ToolRequested,
    ToolStatus,
)

AFTER_SPEECH = (TRANSFER_CALL, SEND_DIGITS)
"""They end, or disturb, what the caller hears: first the agent has spoken ("I'll put you through")."""
FOR_THE_NEXT = (SWITCH_AGENT, SWITCH_LANGUAGE)
"""Their results say how to go on as another: in the old voice that would be nonsense."""
AFTER_SPEECH_LIMIT_US = 15_000_000
_ASSENT = frozenset(
    "mm hm mmhm mhm hmm uh huh uhhuh okay ok yes yeah yep right sure fine good great please thanks thank you i "
    "see".split()
)
"""Words that change nothing about what was asked for."""


@dataclass(slots=True)
class _Pending:
    """``due``: when to say again that it takes its time; ``until``: when it waits no longer to be run."""

    asked: PendingTool
    plan: ToolPlan
    due: Instant | None
    told: int = 0
    until: Instant | None = None
    approval: bool = False


def error(message: str) -> str:
    """A tool's result that says what went wrong."""
    return msgspec.json.encode({"error": {"message": message}}).decode()


class ToolSide:
    """The rules for the tools of a call."""

    __slots__ = ("_model", "_parts", "_pending", "_plans", "_sayings", "_spending")

    def __init__(self, parts: Parts, model: ModelSide, sayings: Sayings, spending: Spending) -> None:
        self._parts = parts
        self._model = model
        self._sayings = sayings
        self._spending = spending
        self._pending: dict[ToolCallId, _Pending] = {}
        self.revise(parts.plan.tools)

    def revise(self, plans: tuple[ToolPlan, ...]) -> None:
        self._plans = {plan.name: plan for plan in plans}

    def requested(self, event: ToolRequested, now: Instant) -> Iterator[Effect]:
        asked = PendingTool(event.tool_call, event.name, event.arguments)
        plan = self._plans.get(event.name) or ToolPlan(name=event.name)
        if plan.supersedable:
            yield from self._supersede_like(asked, now)
        pending = _Pending(asked, plan, Instant(now + plan.lead_in_us) if plan.lead_in else None)
        self._pending[event.tool_call] = pending
        self._model.answered(by_tool=True)
        if plan.approval:
            pending.until, pending.approval = Instant(now + plan.approval_us), True
            self._parts.tools.start(asked, waits=True)
            yield AskApproval(event.tool_call, event.name, event.arguments)
        elif event.name in AFTER_SPEECH and not self._parts.talk.agent_quiet:
            pending.until = Instant(now + AFTER_SPEECH_LIMIT_US)
            self._parts.tools.start(asked, waits=True)
        else:
            self._parts.tools.start(asked)
            yield RunTool(event.tool_call, event.name, event.arguments)
            yield from self._spending.ran(plan.price, now)
        self._wait()

    def finished(self, event: ToolFinished, now: Instant) -> Iterator[Effect]:
        if not self._parts.tools.can_answer(event.tool_call):
            yield Ignore("ToolFinished", "nobody waits for this tool call")
            return
        yield from self.answer(event.tool_call, event.status, event.result, now)

    def answer(self, tool_call: ToolCallId, status: ToolStatus, result: str, now: Instant) -> Iterator[Effect]:
        """To whoever speaks for the call."""
        parts = self._parts
        pending = self._pending.pop(tool_call, None)
        if pending is not None:
            for text in (pending.plan.lead_in, *pending.plan.progress):
                self._sayings.drop(text)
        self._wait()
        parts.tools.answer(tool_call)
        wish = ReturnToolResult(parts.models.current, tool_call, status, result)
        parts.owed.ask(wish, now)
        if self._model.outdated and parts.tools.described(tool_call).name in FOR_THE_NEXT:
            return  # the one that takes over is told, and speaks as it is to
        if parts.models.live:
            yield wish
        elif parts.phase.state is not Phase.TALKING:
            yield Ignore("ToolFinished", "the model that asked is gone")

    def refuse(self, tool_call: ToolCallId, message: str, now: Instant) -> Iterator[Effect]:
        """It is not done, and why."""
        return self.answer(tool_call, ToolStatus.REFUSED, error(message), now)

    def approved(self, event: ToolApproved, now: Instant) -> Iterator[Effect]:
        pending = self._asked(event.tool_call)
        if pending is None:
            yield Ignore("ToolApproved", "nobody waits for this")
        else:
            yield from self._run(pending, now)

    def denied(self, event: ToolDenied, now: Instant) -> Iterator[Effect]:
        if self._asked(event.tool_call) is None:
            yield Ignore("ToolDenied", "nobody waits for this")
            return
        message = f"Not done: a person said no{f': {event.reason}' if event.reason else '.'}"
        yield from self.answer(event.tool_call, ToolStatus.DENIED, error(message), now)

    def caller_went_on(self, words: str, now: Instant) -> Iterator[Effect]:
        """The caller said this. What was asked for before and may be given up is."""
        if not self._pending or all(word in _ASSENT for word in _words(words)):
            return
        stale = [one for one in self._pending.values() if one.plan.supersedable]
        message = "Not done: the caller went on talking. Call it again if it still holds."
        for pending in stale:
            yield from self._give_up(pending, message, now)

    def time_passed(self, now: Instant) -> Iterator[Effect]:
        for pending in list(self._pending.values()):
            if pending.until is not None and pending.until <= now:
                if pending.approval:
                    message = "Not done: nobody approved of it in time."
                    yield from self.answer(pending.asked.tool_call, ToolStatus.DENIED, error(message), now)
                else:
                    yield from self._run(pending, now)
            elif pending.due is not None and pending.due <= now:
                self._tell(pending, now)
        self._wait()

    def settle(self, now: Instant) -> Iterator[Effect]:
        """The agent has spoken: run what waited for that."""
        if self._pending and self._parts.talk.agent_quiet:
            for pending in list(self._pending.values()):
                if pending.until is not None and not pending.approval:
                    yield from self._run(pending, now)

    def _run(self, pending: _Pending, now: Instant) -> Iterator[Effect]:
        pending.until, pending.approval = None, False
        self._parts.tools.run(pending.asked.tool_call)
        self._wait()
        yield RunTool(pending.asked.tool_call, pending.asked.name, pending.asked.arguments)
        yield from self._spending.ran(pending.plan.price, now)

    def _asked(self, tool_call: ToolCallId) -> _Pending | None:
        pending = self._pending.get(tool_call)
        return pending if pending is not None and pending.approval else None

    def _supersede_like(self, asked: PendingTool, now: Instant) -> Iterator[Effect]:
        for pending in [one for one in self._pending.values() if one.asked.name == asked.name]:
            yield from self._give_up(pending, "Not done: it was called again with other arguments.", now)

    def _give_up(self, pending: _Pending, message: str, now: Instant) -> Iterator[Effect]:
        tool_call = pending.asked.tool_call
        runs = self._parts.tools.state(tool_call) is ToolState.RUNNING
        yield from self.answer(tool_call, ToolStatus.SUPERSEDED, error(message), now)
        if runs:
            yield CancelTool(tool_call)

    def _tell(self, pending: _Pending, now: Instant) -> None:
        texts = (pending.plan.lead_in, *pending.plan.progress)
        text = texts[0] if not pending.told else texts[1 + (pending.told - 1) % (len(texts) - 1)]
        self._sayings.add(text)
        pending.told += 1
        goes_on = len(texts) > 1 and pending.plan.progress_us
        pending.due = Instant(now + pending.plan.progress_us) if goes_on else None

    def _wait(self) -> None:
        waits = [at for one in self._pending.values() for at in (one.due, one.until) if at is not None]
        if waits:
            self._parts.timers.set(Timer.TOOLS, min(waits))
        else:
            self._parts.timers.clear(Timer.TOOLS)


def _words(text: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in text.lower()).split()
