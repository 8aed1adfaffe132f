"""What a call has cost, and what follows from that: a warning, a cheaper model from the next turn on, a polite end.

Counted in whole billionths of the plan's currency, so that replay is exact. The call's own limit is counted here; a
budget that it shares with others is counted elsewhere, and told as :class:`~vivavoce.events.BudgetReached`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from vivavoce.core.ending import Ending
from vivavoce.core.modelside import ModelSide
from vivavoce.core.parts import Parts
from vivavoce.core.phase import Phase
from vivavoce.core.saying import Sayings
from vivavoce.events import BudgetReached, BudgetStep, Disposition, Effect, Ignore, Instant, SpendPlan, UsageReported


class Spending:
    """The money of one call."""

    __slots__ = ("_downgraded", "_ending", "_model", "_parts", "_sayings", "_warned", "spent")

    def __init__(self, parts: Parts, model: ModelSide, ending: Ending, sayings: Sayings) -> None:
        self.spent = 0
        """As far as there are prices."""
        self._parts = parts
        self._model = model
        self._ending = ending
        self._sayings = sayings
        self._warned = False
        self._downgraded = False

    def used(self, usage: UsageReported, now: Instant) -> Iterator[Effect]:
        """Tokens were used."""
        plan = self._parts.plan.spend
        if plan is None:
            return
        model = self._parts.models.model_of(usage.connection)
        prices = plan.prices[model] if model is not None and model < len(plan.prices) else None
        if prices is not None:
            self.spent += usage.speech_in * prices.speech_in + usage.speech_out * prices.speech_out
            self.spent += usage.text_in * prices.text_in + usage.text_out * prices.text_out
        yield from self._look(plan, now)

    def ran(self, price: int, now: Instant) -> Iterator[Effect]:
        """A tool of this price was run."""
        plan = self._parts.plan.spend
        if plan is not None and price:
            self.spent += price
            yield from self._look(plan, now)

    def reached(self, event: BudgetReached, now: Instant) -> Iterator[Effect]:
        """A budget that others use too is used up to a step of it."""
        if self._parts.phase.state not in (Phase.OPENING, Phase.TALKING):
            yield Ignore("BudgetReached", f"the call is {self._parts.phase.state}")
            return
        match event.step:
            case BudgetStep.WARN:
                self._sayings.add(event.warning)
            case BudgetStep.DOWNGRADE:
                yield from self._model.change(event.model, now)
            case BudgetStep.END:
                yield from self._end(f"the budget of {event.whose} is used up", now)
            case _:
                assert_never(event.step)

    def _look(self, plan: SpendPlan, now: Instant) -> Iterator[Effect]:
        if self._parts.phase.state is not Phase.TALKING:
            return
        if plan.limit and self.spent >= plan.limit:
            yield from self._end("the call has cost the most that it may", now)
            return
        if plan.warning_at and self.spent >= plan.warning_at and not self._warned:
            self._warned = True
            self._sayings.add(plan.warning)
        if plan.downgrade_at and self.spent >= plan.downgrade_at and not self._downgraded:
            self._downgraded = True
            yield from self._model.change(plan.downgrade_to, now)

    def _end(self, reason: str, now: Instant) -> Iterator[Effect]:
        return self._ending.end(Disposition.TOO_DEAR, reason, now, farewell=True)
