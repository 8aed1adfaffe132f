"""What is stored of a call, proved: by its timeline, and by its own sums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from vivavoce.errors import TimelineError
from vivavoce.ledger.cost import Amounts, Charge, added
from vivavoce.ledger.fold import fold_call
from vivavoce.ledger.record import CallRecord, TurnRecord
from vivavoce.store.port import StoredCall
from vivavoce.timeline.read import Timeline, parse_timeline
from vivavoce.timeline.replay import replay

_MEASURED = ("measured_ended_us", "measured_heard_us")
"""Come from the recording, which the timeline does not hold."""
_WORDS = ("caller", "agent", "heard")


class Problem(NamedTuple):
    """Something to tell of a call. ``wrong``: it should not be so; otherwise it only could not be proved."""

    what: str
    wrong: bool = True


def problems(stored: StoredCall, timeline: bytes | None) -> list[Problem]:
    """What does not hold of a call."""
    return [*_by_timeline(stored, timeline), *_by_sums(stored)]


def _by_timeline(stored: StoredCall, raw: bytes | None) -> Iterator[Problem]:
    if raw is None:
        yield Problem("its timeline is no longer kept: not folded again", wrong=False)
        return
    try:
        timeline = parse_timeline(raw)
    except TimelineError as error:
        yield Problem(f"its timeline cannot be read: {error.message}")
        return
    yield from (Problem(f"folded again, {name} differs") for name in _differences(stored, fold_call(timeline)))
    yield from _by_replay(timeline)


def _by_replay(timeline: Timeline) -> Iterator[Problem]:
    difference = replay(timeline).difference
    if difference is not None:
        yield Problem(f"replayed, it differs at record {difference.number}")


def _differences(stored: StoredCall, again: CallRecord) -> Iterator[str]:
    kept = stored.record
    for name in CallRecord.__struct_fields__:
        if name == "turns":
            yield from _turn_differences(stored, again.turns)
        elif getattr(kept, name) != getattr(again, name) and (stored.words or name not in ("reason", "errors")):
            yield name


def _turn_differences(stored: StoredCall, again: Iterable[TurnRecord]) -> Iterator[str]:
    turns, folded = stored.record.turns, tuple(again)
    if len(turns) != len(folded):
        yield f"the number of turns ({len(turns)} stored, {len(folded)} folded)"
        return
    left_out = {*_MEASURED, *(() if stored.words else _WORDS)}
    for one, other in zip(turns, folded, strict=True):
        names = (name for name in TurnRecord.__struct_fields__ if name not in left_out)
        yield from (f"{name} of turn {one.number}" for name in names if getattr(one, name) != getattr(other, name))


def _by_sums(stored: StoredCall) -> Iterator[Problem]:
    record, cost = stored.record, stored.cost
    turns = {turn.number for turn in record.turns}
    if stray := sorted({usage.turn for usage in record.usage} - turns):
        yield Problem(f"tokens of turns that there are not: {', '.join(map(str, stray))}")
    of_call = added(_amounts(cost.charges))
    if not _same(of_call, cost.amounts):
        yield Problem("the charges do not add up to the call's cost")
    whole = _amounts(charge for charge in cost.charges if charge.turn is None)
    if not _same(added([*(turn.amounts for turn in cost.turns), *whole]), cost.amounts):
        yield Problem("the turns' costs and those of the whole call do not add up to the call's cost")
    for gap in record.usage_gaps:
        told = f"{msgspec.structs.astuple(gap.total)}, its reports add up to {msgspec.structs.astuple(gap.summed)}"
        yield Problem(f"connection {gap.connection} ({gap.model}): the provider's total of tokens is {told}")


def _amounts(charges: Iterable[Charge]) -> list[Amounts]:
    return [{charge.currency: charge.amount} for charge in charges if charge.amount is not None]


def _same(one: Amounts, other: Amounts) -> bool:
    return {key: value for key, value in one.items() if value} == {key: value for key, value in other.items() if value}
