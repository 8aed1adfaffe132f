"""How long a call may be silent and last, what is said before it is over, and what it may cost."""

from __future__ import annotations

from collections.abc import Iterator

from vivavoce.core.ending import Ending
from vivavoce.core.modelside import ModelSide
from vivavoce.core.parts import Parts
from vivavoce.core.saying import Sayings
from vivavoce.core.spending import Spending
from vivavoce.core.timers import Timer
from vivavoce.events import (
    CallerPressed,
    CallerSpeechStarted,
    CallerText,
    DigitsHeard,
    Disposition,
    Effect,
    Event,
    Instant,
    VoiceJudged,
    VoiceKind,
    VoiceStarted,
)

_ACTS = CallerSpeechStarted | CallerText | CallerPressed | DigitsHeard


class Patience:
    """The limits of one call."""

    __slots__ = ("_asked", "_ending", "_parts", "_sayings", "spending")

    def __init__(self, parts: Parts, model: ModelSide, ending: Ending, sayings: Sayings) -> None:
        self.spending = Spending(parts, model, ending, sayings)
        self._parts = parts
        self._ending = ending
        self._sayings = sayings
        self._asked = 0  # of the reprompts

    def begin(self, now: Instant) -> None:
        plan = self._parts.plan
        self._parts.timers.set(Timer.CALL, now + plan.call_limit_us)
        if plan.call_warning and plan.call_warning_us < plan.call_limit_us:
            self._parts.timers.set(Timer.WARNING, now + plan.call_limit_us - plan.call_warning_us)

    def note(self, event: Event) -> None:
        """What the caller does tells that they are there: no noise does, nor somebody else's voice."""
        voice = isinstance(event, VoiceStarted | VoiceJudged) and event.kind in (
            VoiceKind.CALLER,
            VoiceKind.BACKCHANNEL,
        )
        if not (voice or isinstance(event, _ACTS)):
            return
        self._asked = 0
        for text in self._parts.plan.reprompts:
            self._sayings.drop(text)

    def warn(self) -> None:
        """The longest call is nearly over."""
        self._sayings.add(self._parts.plan.call_warning)

    def silent(self, now: Instant) -> Iterator[Effect]:
        """Nobody has said anything for a while: ask, or give up."""
        plan = self._parts.plan
        if self._asked < len(plan.reprompts):
            self._sayings.add(plan.reprompts[self._asked])
            self._asked += 1
        else:
            yield from self._ending.end(Disposition.SILENCE, "nobody answered", now, farewell=True)

    def settle(self, now: Instant, *, quiet: bool) -> None:
        """``quiet``: nobody talks, and nothing else is waited for. Who waits for the model's answer is not asked
        whether they are there.
        """
        plan, timers = self._parts.plan, self._parts.timers
        asks = quiet and bool(plan.reprompts) and not self._parts.owed.certain
        for timer, runs, limit_us in (
            (Timer.SILENCE, quiet, plan.silence_limit_us),
            (Timer.REPROMPT, asks, plan.reprompt_us),
        ):
            if not runs:
                timers.clear(timer)
            elif not timers.is_set(timer):
                timers.set(timer, now + limit_us)
