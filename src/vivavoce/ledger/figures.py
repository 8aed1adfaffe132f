"""Figures over several turns, and the summary of a call."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from vivavoce.errors import UsageError
from vivavoce.ledger.turns import Turn

_ROUNDING = 1e-9
"""0.07 * 100 is a little more than 7 in binary, and must not become the eighth."""

RESAMPLES = 1_000
_FEWEST_CALLS = 2


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile: the smallest value that at least ``share`` (0 to 1) of all do not exceed."""
    if not 0 <= share <= 1:
        raise UsageError(f"a percentile at the share {share}", hint="0.95 is the 95th percentile")
    if not values:
        return None
    rank = ceil(share * len(values) - _ROUNDING)
    return sorted(values)[max(0, rank - 1)]


def bootstrap_interval(
    values_by_call: Sequence[Sequence[float]], share: float, seed: int = 0
) -> tuple[float, float] | None:
    """Between which values that percentile lies, with 95 % confidence: calls are drawn anew, with their turns, since
    turns of one call are not independent of each other. The same for the same seed. None for fewer than two calls.
    """
    import numpy as np  # late: most who import this want no interval

    calls = [values for values in values_by_call if values]
    if len(calls) < _FEWEST_CALLS:
        return None
    whose = np.repeat(np.arange(len(calls)), [len(values) for values in calls])
    values = np.concatenate([np.asarray(values, dtype=float) for values in calls])
    order = np.argsort(values, kind="stable")
    whose, values = whose[order], values[order]
    draw = np.random.default_rng(seed)
    found: list[float] = []
    for _ in range(RESAMPLES):
        times = np.bincount(draw.integers(len(calls), size=len(calls)), minlength=len(calls))
        up_to = np.cumsum(times[whose])  # so many of the drawn values are no greater
        rank = max(1, ceil(share * int(up_to[-1]) - _ROUNDING))
        found.append(float(values[np.searchsorted(up_to, rank)]))
    low, high = percentile(found, 0.025), percentile(found, 0.975)
    return None if low is None or high is None else (low, high)


def first_audio_ms(turns: Sequence[Turn]) -> list[float]:
    """The latency of every turn that was answered, tools or not."""
    return [turn.first_audio_ms for turn in turns if turn.first_audio_ms is not None]
