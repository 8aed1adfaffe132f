"""The agent's replies: from the facts and effects of the call to the responses that the client sees.

A reply begins when the model begins it, and is done when the model has made all of it or the call has broken it off.
Which model session made it is nobody's business outside: a reply that a lost session left behind is done with what
there is, and the next session's is the next.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from vivavoce.events import (
    APOLOGY,
    FAREWELL,
    GREETING,
    AgentText,
    CallerInterrupted,
    Instant,
    ResponseId,
    ResponseStarted,
    Truncate,
    UsageReported,
)
from vivavoce.wire.realtime.actions import Action, Emit
from vivavoce.wire.realtime.complaint import Complaint
from vivavoce.wire.realtime.configuration import Modality
from vivavoce.wire.realtime.items import Item
from vivavoce.wire.realtime.parts import Parts
from vivavoce.wire.realtime.requests import Request
from vivavoce.wire.realtime.responses import Outcome, Reply
from vivavoce.wire.realtime.usage import Usage

KEPT = 64
"""Replies of which a late word, or a client's late stop, may still come."""
REQUESTS_LIMIT = 16
BEGIN_WITHIN_US = 30_000_000
"""A reply that was asked for and never begins has failed. Longer than any model takes, tools included."""
CANCEL_WITHIN_US = 2_000_000
"""A response that was broken off may be cancelled once more for so long."""
_OWN = frozenset((GREETING, FAREWELL, APOLOGY))


class _Waiting(NamedTuple):
    request: Request
    until: Instant
    cancelled: bool


class _Cut(NamedTuple):
    reply: str
    until: Instant


class Replies:
    """``active`` is the response that is being made."""

    __slots__ = ("_cut", "_made", "_making", "_parts", "_replies", "_usage", "_waiting", "active")

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._usage = Usage()
        self._waiting: deque[_Waiting] = deque()
        self._replies: dict[ResponseId, Reply] = {}
        self._making: ResponseId | None = None
        self._made: ResponseId | None = None  # whole, though not all of it was sent
        self._cut: _Cut | None = None  # the last that was broken off
        self.active: Reply | None = None

    # -- what the client asks for --------------------------------------------------------------------------------------

    @property
    def deadline(self) -> Instant | None:
        return self._waiting[0].until if self._waiting else None

    @property
    def expected(self) -> bool:
        """The client waits for one that has not begun."""
        return any(not waiting.cancelled for waiting in self._waiting)

    def check_idle(self) -> None:
        """Raises :class:`~vivavoce.wire.realtime.complaint.Complaint` while a response is made or waited for."""
        if (self.active is not None and self._made != self._making) or self.expected:
            which = f" in progress: {self.active.id}" if self.active else ""
            raise Complaint(
                f"Conversation already has an active response{which}. Wait until the response is finished before "
                "creating a new one.",
                code="conversation_already_has_active_response",
            )

    def expect(self, request: Request, now: Instant) -> None:
        """The reply that begins next is the answer to this."""
        if len(self._waiting) >= REQUESTS_LIMIT:
            raise Complaint("Too many responses are waited for.", code="conversation_already_has_active_response")
        self._waiting.append(_Waiting(request, Instant(now + BEGIN_WITHIN_US), cancelled=False))

    def cancel(self, response: str | None, now: Instant) -> Iterator[Action]:
        """One that is being made or waited for. A client that stops playing often cancels as well, or does so when its
        caller speaks, and then comes too late through no fault of its own.
        """
        if self.active is not None and response in (None, self.active.id):
            yield Emit(CallerInterrupted())
            return
        if response is None and self.expected:
            self._waiting = deque(waiting._replace(cancelled=True) for waiting in self._waiting)
            yield from self._only(self._waiting[-1].request, Outcome.CLIENT_CANCELLED)
            return
        if self._cut is not None and response in (None, self._cut.reply) and now < self._cut.until:
            return
        message = "Cancellation failed: no active response found"
        raise Complaint(message, code="response_cancel_not_active")

    def time_passed(self, now: Instant) -> Iterator[Action]:
        while self._waiting and self._waiting[0].until <= now:
            waiting = self._waiting.popleft()
            if not waiting.cancelled:
                error = {"type": "server_error", "code": "no_response", "message": "The model did not answer in time."}
                yield from self._only(waiting.request, Outcome.FAILED, error)

    # -- what the call says --------------------------------------------------------------------------------------------

    def reply_to(self, item: str) -> ResponseId | None:
        """Which of the call's responses says this item."""
        for response, reply in self._replies.items():
            if reply.message is not None and reply.message.id == item:
                return response
        return None

    def started(self, fact: ResponseStarted) -> Iterator[Action]:
        if self.active is not None and self._making == fact.response:
            return
        yield from self.over(Outcome.COMPLETED)
        waiting = self._waiting.popleft() if self._waiting and fact.response not in _OWN else None
        if waiting is not None and waiting.cancelled:
            yield Emit(CallerInterrupted())
            return
        reply = self._new(waiting.request if waiting else None)
        self._making, self.active = fact.response, reply
        self._replies.pop(fact.response, None)
        self._replies[fact.response] = reply
        if len(self._replies) > KEPT:
            del self._replies[next(iter(self._replies))]
        yield reply.created()

    def text(self, fact: AgentText) -> Iterator[Action]:
        reply = self._replies.get(fact.response)
        if reply is None:
            return
        if fact.final:
            reply.correct(fact.text, fact.at)
        elif reply is self.active:
            yield from reply.text(fact.text, fact.at)

    def made(self, response: ResponseId) -> None:
        """The model has made all of it: another may be asked for."""
        self._made = response

    def making(self, response: ResponseId) -> Reply | None:
        return self.active if response == self._making else None

    def finished(self, response: ResponseId) -> Iterator[Action]:
        if response == self._making:
            yield from self.over(Outcome.COMPLETED)

    def broken_off(self, response: ResponseId, outcome: Outcome, now: Instant, unsent: int = 0) -> Iterator[Action]:
        """``unsent`` samples of it were made for nothing."""
        reply = self._replies.get(response)
        if unsent and reply is not None and reply.message is not None:
            reply.message.spoken.unsent += unsent
        if response == self._making and self.active is not None:
            self._cut = _Cut(self.active.id, Instant(now + CANCEL_WITHIN_US))
            yield from self.over(outcome)

    def heard(self, effect: Truncate) -> None:
        """The call has settled how much of it the caller heard. A client that meanwhile said less has the last word."""
        reply = self._replies.get(effect.response)
        if reply is not None and reply.message is not None and len(effect.heard_text) <= len(reply.message.text):
            rewrite(reply.message, effect.heard_text)

    def used(self, fact: UsageReported) -> None:
        self._usage.add(fact)

    def over(self, outcome: Outcome, error: dict[str, str] | None = None) -> Iterator[Action]:
        """The response that is being made, if there is one, is done."""
        reply, self.active, self._making = self.active, None, None
        if reply is not None:
            yield from reply.finish(outcome, self._usage.take(), error)

    def call_tool(self, name: str, call_id: str, arguments: str) -> Iterator[Action]:
        """Within the response that is being made, or as one of its own."""
        if self.active is not None:
            yield from self.active.function_call(name, call_id, arguments)
            return
        waiting = self._waiting.popleft() if self._waiting else None
        reply = self._new(waiting.request if waiting else None)
        yield reply.created()
        yield from reply.function_call(name, call_id, arguments)
        yield from reply.finish(Outcome.COMPLETED, self._usage.take())

    def _only(self, request: Request, outcome: Outcome, error: dict[str, str] | None = None) -> Iterator[Action]:
        """A response of which nothing came."""
        reply = self._new(request)
        yield reply.created()
        yield from reply.finish(outcome, Usage().take(), error)

    def _new(self, request: Request | None) -> Reply:
        modality: Modality = request.modality if request else self._parts.configuration.modality
        return Reply(self._parts, modality=modality, metadata=request.metadata if request else None)


def rewrite(item: Item, text: str) -> None:
    """The agent said this in it, and no more."""
    item.spoken.replace(text)
    item.parts[0].text = text
