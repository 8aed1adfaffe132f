"""When something sounds: stretches of time on a call's clock, in microseconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from vivavoce.audio.arrays import FULL_SCALE, to_array
from vivavoce.audio.pcm import samples_for

MERGE_US = 500_000
"""A gap no longer than this is one within an agent's speech (Full-Duplex-Bench v1.5's ``get_timing.py``)."""
SHORTEST_US = 80_000
"""What is shorter is no speech."""
AUDIBLE_DBFS = -50.0
"""On a channel without noise, a step so loud is sound."""
STEP_MS = 5


class Span(NamedTuple):
    """From ``begin_us`` up to, and without, ``end_us``."""

    begin_us: int
    end_us: int

    def holds(self, at_us: int) -> bool:
        return self.begin_us <= at_us < self.end_us

    def moved(self, by_us: int) -> Span:
        return Span(self.begin_us + by_us, self.end_us + by_us)


TOLD_US = 60_000
"""An end on the timeline and the end of its sound may lie so far apart."""


def merged(
    spans: Iterable[Span], gap_us: int = MERGE_US, shortest_us: int = SHORTEST_US, ends_us: Sequence[int] = ()
) -> tuple[Span, ...]:
    """In order; gaps of at most ``gap_us`` are closed, and then what is shorter than ``shortest_us`` is dropped. A gap
    in which one of ``ends_us`` lies, or comes as late as a channel tells of it, stays: what follows is something else.
    """
    joined: list[Span] = []
    for span in sorted(spans):
        ended = joined and any(joined[-1].end_us - TOLD_US <= end <= span.begin_us + TOLD_US for end in ends_us)
        if joined and span.begin_us - joined[-1].end_us <= gap_us and not ended:
            joined[-1] = Span(joined[-1].begin_us, max(joined[-1].end_us, span.end_us))
        else:
            joined.append(span)
    return tuple(span for span in joined if span.end_us - span.begin_us >= shortest_us)


def sounding(pcm: bytes, rate_hz: int, audible_dbfs: float = AUDIBLE_DBFS) -> tuple[Span, ...]:
    """Where a channel without noise sounds, in steps of 5 ms, gaps and all: what :func:`merged` is for."""
    step = samples_for(STEP_MS, rate_hz)
    samples = to_array(pcm)
    samples = samples[: len(samples) // step * step]
    if not len(samples):
        return ()
    power = np.mean(samples.reshape(-1, step).astype(np.float32) ** 2, axis=1)
    loud = np.concatenate(([0], power >= (FULL_SCALE * 10 ** (audible_dbfs / 20)) ** 2, [0])).astype(np.int8)
    edges = np.diff(loud)
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    us = step * 1_000_000
    return tuple(
        Span(int(begin) * us // rate_hz, int(end) * us // rate_hz) for begin, end in zip(begins, ends, strict=True)
    )


def at(spans: Sequence[Span], instant_us: int) -> Span | None:
    """The one that holds this instant."""
    return next((span for span in spans if span.holds(instant_us)), None)


def overlap_us(first: Span, second: Span) -> int:
    return max(0, min(first.end_us, second.end_us) - max(first.begin_us, second.begin_us))
