"""Figures over several turns, and the summary of a call."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from vivavoce.errors import UsageError
from vivavoce.ledger.turns import Turn

_ROUNDING = 1e-9
"""0.07 * 100 is a little more than 7 in binary, and must not become the eighth."""


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile: the smallest value that at least ``share`` (0 to 1) of all do not exceed."""
    if not 0 <= share <= 1:
        raise UsageError(f"a percentile at the share {share}", hint="0.95 is the 95th percentile")
    if not values:
        return None
    rank = ceil(share * len(values) - _ROUNDING)
    return sorted(values)[max(0, rank - 1)]


def first_audio_ms(turns: Sequence[Turn]) -> list[float]:
    """The latency of every turn that was answered, tools or not."""
    return [turn.first_audio_ms for turn in turns if turn.first_audio_ms is not None]
