"""Budgets that calls share: of an agent, of a tenant, of both, for a day or a month. Pure.

What calls that are over have cost, the store says now and then; what ended since and what live calls have cost so far
is added. A live call of another worker counts from its end on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import IntEnum

from vivavoce.errors import Refused
from vivavoce.events import BudgetReached, BudgetStep
from vivavoce.ledger.cost import Amounts
from vivavoce.server.settings import BudgetLine


class _Step(IntEnum):
    """Each holds the ones before it."""

    NONE = 0
    WARN = 1
    DOWNGRADE = 2
    END = 3


@dataclass(frozen=True, slots=True)
class Spent:
    """What one call has cost so far, or in the end. ``models`` are its plan's."""

    call: str
    agent: str
    tenant: str
    amounts: Amounts
    models: Sequence[str] = ()


class Budgets:
    """Those of one process. Agents go by the name in their file, as in the store."""

    def __init__(self, lines: Sequence[BudgetLine]) -> None:
        self._lines = lines
        self._kept: dict[str, Decimal] = {}  # by budget: what the store says
        self._ended: dict[str, Spent] = {}  # calls that are over, and perhaps not in the store yet
        self._live: Sequence[Spent] = ()
        self._told: dict[str, set[tuple[str, _Step]]] = {}
        self._since: dict[str, datetime] = {}  # by budget: when its present period began
        self._before: dict[str, set[str]] = {}  # by budget: those of the ended that were over by then

    def __bool__(self) -> bool:
        return bool(self._lines)

    @property
    def lines(self) -> Sequence[BudgetLine]:
        return self._lines

    @property
    def ended(self) -> Collection[str]:
        """Calls that are over, and perhaps not in the store yet."""
        return self._ended.keys()

    def call_ended(self, spent: Spent) -> None:
        self._told.pop(spent.call, None)
        if self._lines:
            self._ended[spent.call] = spent

    def pass_time(self, now: datetime) -> None:
        """A budget whose next period has begun starts from nothing, whether or not the store can be asked."""
        for line in self._lines:
            since = begun(line, now)
            if self._since.setdefault(line.name, since) != since:
                self._since[line.name] = since
                self._kept.pop(line.name, None)
                self._before[line.name] = set(self._ended)
        counted = [call for call in self._ended if any(self._counts(call, line) for line in self._lines)]
        self._ended = {call: self._ended[call] for call in counted}

    def hear(self, kept: Mapping[str, Decimal], stored: Collection[str]) -> None:
        """What the store says of each budget by name, and which of :attr:`ended` it has counted there."""
        self._kept = dict(kept)
        for call in stored:
            self._ended.pop(call, None)

    def spent(self, line: BudgetLine) -> Decimal:
        """So far in its period."""
        live = (one for one in self._live if one.call not in self._ended)  # as they were at the last look
        ended = (one for one in self._ended.values() if self._counts(one.call, line))
        on_the_way = [one for one in (*ended, *live) if line.covers(one.agent, one.tenant)]
        added = sum((one.amounts.get(line.currency, Decimal(0)) for one in on_the_way), Decimal(0))
        return self._kept.get(line.name, Decimal(0)) + added

    def look(self, live: Sequence[Spent]) -> Iterator[tuple[str, BudgetReached]]:
        """What is to be told to which of the ``live`` calls: each step of each budget once."""
        self._live = live
        for line in self._lines:
            step = self._step(line)
            for call in live if step else ():
                if line.covers(call.agent, call.tenant):
                    yield from self._news(line, step, call)

    def check(self, agent: str, tenant: str) -> None:
        """Raises :class:`~vivavoce.errors.Refused` (429) if a budget for such a call is used up."""
        for line in self._lines:
            if line.covers(agent, tenant) and self._step(line) is _Step.END:
                raise Refused(
                    f"the budget {line.name!r} is used up",
                    status=429,
                    code="budget_used_up",
                    hint=f"it begins anew with the next {line.period}",
                )

    def _counts(self, ended: str, line: BudgetLine) -> bool:
        return ended not in self._before.get(line.name, ())

    def _step(self, line: BudgetLine) -> _Step:
        share = self.spent(line) / line.amount
        if share >= 1:
            return _Step.END
        if line.downgrade_at and share >= Decimal(str(line.downgrade_at)):
            return _Step.DOWNGRADE
        return _Step.WARN if share >= Decimal(str(line.warn_at)) else _Step.NONE

    def _news(self, line: BudgetLine, step: _Step, call: Spent) -> Iterator[tuple[str, BudgetReached]]:
        told = self._told.setdefault(call.call, set())
        for one, wish in _WISHES.items():
            if one > step or (line.name, one) in told or (one is _Step.END and line.then == "refuse"):
                continue
            told.add((line.name, one))
            model = call.models.index(line.downgrade_to) if line.downgrade_to in call.models else -1
            if wish is not BudgetStep.DOWNGRADE or (line.downgrade_at and model >= 0):
                yield call.call, BudgetReached(wish, line.name, model, line.warning if wish is BudgetStep.WARN else "")


_WISHES = {_Step.WARN: BudgetStep.WARN, _Step.DOWNGRADE: BudgetStep.DOWNGRADE, _Step.END: BudgetStep.END}


def begun(line: BudgetLine, now: datetime) -> datetime:
    """When the budget's present period began, by UTC as everywhere in the store."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day if line.period == "day" else day - timedelta(days=day.day - 1)
