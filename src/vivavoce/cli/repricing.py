"""Past calls at other prices: what they cost then, and what they would now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from vivavoce.ledger.book import Book
from vivavoce.ledger.cost import Amounts, CallCost, Item
from vivavoce.ledger.pricing import price_call
from vivavoce.ledger.record import CallRecord
from vivavoce.store.port import Dimension, StoredCall

Group = tuple[tuple[str, str], ...]


class Repriced(NamedTuple):
    """One group of calls. ``then`` is by the prices that are stored, ``now`` by the others; ``changed`` is how many of
    its calls have another cost now."""

    group: Group
    simulated: bool
    calls: int
    changed: int
    then: Amounts
    now: Amounts
    unpriced_then: tuple[str, ...]
    unpriced_now: tuple[str, ...]

    @property
    def difference(self) -> dict[str, Decimal]:
        none = Decimal(0)
        currencies = sorted({*self.then, *self.now})
        return {one: self.now.get(one, none) - self.then.get(one, none) for one in currencies}


def price_again(stored: StoredCall, book: Book) -> CallCost:
    """What a stored call costs by this book."""
    return price_call(stored.record, book, recording_bytes=stored.recording_bytes, timeline_bytes=stored.timeline_bytes)


class _Sums:
    """Of one group, so far."""

    def __init__(self) -> None:
        self.calls = 0
        self.changed = 0
        self.amounts: tuple[dict[str, Decimal], dict[str, Decimal]] = ({}, {})
        self.unpriced: tuple[set[str], set[str]] = (set(), set())

    def add(self, which: int, amounts: Amounts, unpriced: Iterable[str]) -> None:
        for currency, amount in amounts.items():
            self.amounts[which][currency] = self.amounts[which].get(currency, Decimal(0)) + amount
        self.unpriced[which].update(unpriced)

    def result(self, group: Group, simulated: bool) -> Repriced:
        told = [tuple(sorted(names)) for names in self.unpriced]
        return Repriced(group, simulated, self.calls, self.changed, *self.amounts, *told)


def repriced(calls: Iterable[tuple[StoredCall, CallCost]], by: Sequence[Dimension]) -> list[Repriced]:
    """Calls, each with its other cost, grouped as :meth:`vivavoce.store.port.Records.costs` groups them."""
    sums: dict[tuple[Group, bool], _Sums] = {}
    for stored, now in calls:
        pair = [_by_group(stored.record, cost, by) for cost in (stored.cost, now)]
        for group in {*pair[0], *pair[1]}:
            one = sums.setdefault((group, stored.record.simulated), _Sums())
            one.calls += 1
            nothing: tuple[Amounts, tuple[str, ...]] = ({}, ())
            then_told, now_told = pair[0].get(group, nothing), pair[1].get(group, nothing)
            one.changed += then_told != now_told
            one.add(0, *then_told)
            one.add(1, *now_told)
    return [sums[key].result(*key) for key in sorted(sums)]


def _by_group(
    record: CallRecord, cost: CallCost, by: Sequence[Dimension]
) -> Mapping[Group, tuple[Amounts, tuple[str, ...]]]:
    if "model" not in by:
        return {_group(record, by, ""): (cost.amounts, cost.unpriced)}
    amounts: dict[str, dict[str, Decimal]] = {}
    unpriced: dict[str, set[str]] = {}
    for charge in cost.charges:
        model = charge.name if charge.item is Item.MODEL else ""
        own = amounts.setdefault(model, {})
        if charge.amount is None:
            unpriced.setdefault(model, set()).add(charge.name)
        else:
            own[charge.currency] = own.get(charge.currency, Decimal(0)) + charge.amount
    return {_group(record, by, model): (own, tuple(sorted(unpriced.get(model, ())))) for model, own in amounts.items()}


def _group(record: CallRecord, by: Sequence[Dimension], model: str) -> Group:
    day = datetime.fromisoformat(record.opened).astimezone(UTC).date().isoformat()
    values = {"agent": record.agent, "tenant": record.tenant, "channel": record.channel, "day": day, "model": model}
    return tuple((name, values[name]) for name in by)
