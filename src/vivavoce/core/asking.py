"""What the caller's side asks for without talking: typed words, keys, a reply unasked, another past, another agent.

What is typed takes the turn as talk does. What is asked before the call talks is kept; what is asked while another
session is about to take over, because what the current one was told does not hold any more, is asked of that one.
"""

from __future__ import annotations

from collections.abc import Iterator

from vivavoce.core.modelside import ModelSide
from vivavoce.core.parts import Parts
from vivavoce.core.phase import Phase
from vivavoce.core.timers import Timer
from vivavoce.events import Effect, ForwardText, Ignore, Instant, PastTurn, RequestReply


def in_words(digits: str) -> str:
    """How a model is told of keys."""
    return f"(On the keypad I pressed: {' '.join(digits)})"


class Asking:
    """The rules for it. None of them keeps anything of its own."""

    __slots__ = ("_model", "_parts")

    def __init__(self, parts: Parts, model: ModelSide) -> None:
        self._parts = parts
        self._model = model

    def typed(self, text: str, now: Instant) -> Iterator[Effect]:
        return self._ask("CallerText", ForwardText(self._parts.models.current, text), now)

    def pressed(self, digits: str, now: Instant) -> Iterator[Effect]:
        return self._ask("CallerPressed", ForwardText(self._parts.models.current, in_words(digits)), now)

    def reply(self, instructions: str, now: Instant) -> Iterator[Effect]:
        return self._ask("ReplyRequested", RequestReply(self._parts.models.current, instructions), now)

    def interrupted(self) -> Iterator[Effect]:
        """A stop button."""
        parts = self._parts
        if parts.phase.state is not Phase.TALKING or parts.talk.agent_quiet:
            yield Ignore("CallerInterrupted", "the agent says nothing")
        else:
            yield from parts.talk.caller_typed(parts.models.current)

    def history(self, turns: tuple[PastTurn, ...], now: Instant) -> Iterator[Effect]:
        """Another past. A session that is not talked to yet will be told in time."""
        self._parts.history.replace(turns, self._parts.talk.playouts)
        if self._parts.phase.state is Phase.TALKING:
            yield from self._model.revise(now)

    def agent(self, interruption: str, now: Instant) -> Iterator[Effect]:
        """Another agent."""
        self._parts.talk.revise(interruption)
        if self._parts.phase.state in (Phase.OPENING, Phase.TALKING):
            yield from self._model.revise(now)

    def _ask(self, what: str, wish: ForwardText | RequestReply, now: Instant) -> Iterator[Effect]:
        parts = self._parts
        if parts.phase.state not in (Phase.OPENING, Phase.TALKING):
            yield Ignore(what, f"the call is {parts.phase.state}")
            return
        if isinstance(wish, ForwardText):
            parts.history.caller_typed(wish.text)
        parts.owed.ask(wish, now)
        if parts.phase.state is Phase.TALKING:
            parts.timers.clear(Timer.SILENCE)  # it is activity; settling sets it anew
            yield from parts.talk.caller_typed(parts.models.current)
            if parts.models.live and not self._model.outdated:
                yield wish
