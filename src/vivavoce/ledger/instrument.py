"""How far off a latency may be, which is told beside it, and from how many turns on a percentile says something."""

from __future__ import annotations

from collections.abc import Mapping

from vivavoce.ledger.record import Basis

FEW_TURNS = 10
"""Percentiles of fewer turns are told, and marked."""

ERROR_MS: Mapping[Basis, float] = {
    Basis.EVENTS: 20.0,  # a frame: docs/reference/metrics.md, how exact it is
    Basis.PLAYED: 20.0,
    Basis.AUDIO: 40.0,  # of nineteen of twenty turns on a quiet line: docs/reference/measured-latency.md
}
"""More or less, in milliseconds."""
