"""Figures over calls: rates, means and percentiles, each with its count and the interval in which it may lie.

Turns of one call are not independent of each other, so intervals come from drawing whole calls anew (the bootstrap),
with a seed: the same calls give the same interval. Under ten events there is no figure, only their count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vivavoce.ledger.figures import percentile

FEWEST = 10
DRAWS = 1_000
SEED = 20260302
_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Figure:
    """``value`` is None where there are too few ``events``; ``low`` and ``high`` enclose it at 95 %."""

    value: float | None
    events: int
    calls: int
    low: float | None = None
    high: float | None = None

    @property
    def too_few(self) -> bool:
        return self.value is None


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles over all events, and over the worst of each call."""

    events: int
    calls: int
    p50: float | None = None
    p95: float | None = None
    worst_p50: float | None = None
    worst_p95: float | None = None


def ratio(hits_and_events: Sequence[tuple[int, int]], fewest: int = FEWEST) -> Figure:
    """Hits per event over calls, each given as its own two counts. It may exceed 1 where hits are not events."""
    return _figure(np.array([counts for counts in hits_and_events if counts != (0, 0)], float).reshape(-1, 2), fewest)


def rate(outcomes: Sequence[Sequence[bool]], fewest: int = FEWEST) -> Figure:
    """The share of what came out well, over calls."""
    return ratio([(sum(call), len(call)) for call in outcomes], fewest)


def mean(values: Sequence[Sequence[float]], fewest: int = FEWEST) -> Figure:
    """The mean over all events of all calls."""
    return _figure(np.array([(sum(call), len(call)) for call in values if call], float).reshape(-1, 2), fewest)


def spread(values: Sequence[Sequence[float]], fewest: int = FEWEST) -> Spread:
    every = [value for call in values for value in call]
    worst = [max(call) for call in values if call]
    if len(every) < fewest:
        return Spread(len(every), len(worst))
    found: Callable[[Sequence[float], float], float | None] = percentile
    return Spread(len(every), len(worst), found(every, 0.5), found(every, 0.95), found(worst, 0.5), found(worst, 0.95))


def _figure(sums: NDArray[np.float64], fewest: int) -> Figure:
    """``sums`` has a row a call: what is added up, and the events."""
    calls, events = len(sums), int(sums[:, 1].sum())
    if events < fewest:
        return Figure(None, events, calls)
    drawn = np.random.default_rng(SEED).integers(0, calls, (DRAWS, calls))
    totals = sums[drawn].sum(axis=1)
    shares = totals[totals[:, 1] > 0]
    values = shares[:, 0] / shares[:, 1]
    low, high = np.quantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Figure(float(sums[:, 0].sum() / events), events, calls, float(low), float(high))
