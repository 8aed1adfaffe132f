"""How many live calls one core carries, and what a call costs: CPU, memory, added latency.

python benchmarks/density.py [--quick]

Callers by the Realtime protocol over WebSocket say recorded speech at real time, 20 ms in an event; the model behind, a
Nova Sonic that costs little, speaks nearly all the time. The server is ``vivavoce serve`` on one core, fresh for each
number of calls; callers and model are processes on another. A run in which the callers themselves were late by more
than 10 ms in the slowest hundredth says nothing and is tried again.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from _common import finish
from _realtime_stage import Calls, Died, Outcome, serving

BUDGET = {"calls_at_p99_10_ms": 100, "kib_per_call": 1024}
P99_MS = 10.0
STEPS = (1, 10, 25, 50, 100, 150)
QUICK_STEPS = (1, 25, 100)
TRIES = 3


def run(calls: int, seconds: float) -> Outcome | None:
    """None if the server could not carry so many at all."""
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as (nova, server):
        try:
            load = Calls(nova, server, Path(name), calls, seconds)
            load.begin()
            outcome = load.finish()
        except Died as death:
            print(f"{calls:4} calls: {death}", flush=True)
            return None
    print(outcome.line(), flush=True)
    return outcome


def keeps_time(outcome: Outcome | None) -> bool:
    """Whether that many calls were carried as they should be."""
    if outcome is None or not outcome.valid:
        return False
    return outcome.p99_ms <= P99_MS and not outcome.lost_calls and not outcome.out_missing


def step(calls: int, seconds: float, tries: int) -> Outcome | None:
    """The best of some tries: on a machine with other work the slowest hundredth tells of that."""
    best: Outcome | None = None
    for _ in range(tries):
        outcome = run(calls, seconds)
        if outcome is not None and (best is None or (outcome.valid, -outcome.p99_ms) > (best.valid, -best.p99_ms)):
            best = outcome
        if keeps_time(outcome):
            break
    return best


def figures(outcome: Outcome) -> dict[str, Any]:
    return {
        "valid": outcome.valid,
        "cpu_percent": outcome.cpu_percent,
        "kib_per_call": round(outcome.kib_per_call),
        "out_ms": outcome.out_ms,
        "back_ms": outcome.back_ms,
        "load_late_ms": outcome.lag_ms,
        "frames_missing": outcome.out_missing,
        "calls_lost": outcome.lost_calls,
    }


def main() -> None:
    quick = "--quick" in sys.argv
    measured: dict[str, Any] = {"calls_at_p99_10_ms": 0, "kib_per_call": None, "steps": {}}
    for calls in QUICK_STEPS if quick else STEPS:
        outcome = step(calls, 4.0 if quick else 20.0, 1 if quick else TRIES)
        if outcome is None:
            break
        measured["steps"][calls] = figures(outcome)
        if keeps_time(outcome):
            measured["calls_at_p99_10_ms"] = calls
        if calls >= 10:  # what the first call brings along is not what a call costs
            measured["kib_per_call"] = round(outcome.kib_per_call)
    holds = (
        measured["calls_at_p99_10_ms"] >= BUDGET["calls_at_p99_10_ms"]
        and measured["kib_per_call"] is not None
        and measured["kib_per_call"] <= BUDGET["kib_per_call"]
    )
    finish("density", measured, BUDGET, holds)


if __name__ == "__main__":
    main()
