"""Figures over several turns, and the summary of a call."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from vivavoce.ledger.turns import Turn


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile: the smallest value that at least ``share`` (0 to 1) of all do not exceed."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def first_audio_ms(turns: Sequence[Turn]) -> list[float]:
    """The latency of every turn that was answered, tools or not."""
    return [turn.first_audio_ms for turn in turns if turn.first_audio_ms is not None]
