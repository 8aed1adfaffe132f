"""What the server adds to one call's way, out to the model and back to the caller.

python benchmarks/added_latency.py [--quick]

Out is from a caller's sending 20 ms to the model's having its last sample; back from the model's sending sound to the
caller's having it. All on one machine, the server on a core of its own where there are two; the best of some tries,
since the slowest hundredth of one call is a handful of frames that anything else on the machine can delay.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from _common import finish
from _realtime_stage import Calls, Outcome, serving

BUDGET = {"websocket_p50_ms": 1.0, "websocket_p99_ms": 5.0}


def by_websocket(seconds: float, tries: int) -> Outcome:
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as (nova, server):
        for _ in range(tries):
            calls = Calls(nova, server, Path(name), 1, seconds)
            calls.begin()
            outcomes.append(calls.finish())
            print(outcomes[-1].line(), flush=True)
    return min(outcomes, key=lambda outcome: (not outcome.valid, outcome.p99_ms))


def main() -> None:
    quick = "--quick" in sys.argv
    best = by_websocket(6.0 if quick else 30.0, 3)
    measured = {
        "websocket_p50_ms": max(best.out_ms["p50"], best.back_ms["p50"]),
        "websocket_p99_ms": max(best.out_ms["p99"], best.back_ms["p99"]),
        "websocket_out_ms": best.out_ms,
        "websocket_back_ms": best.back_ms,
        "load_late_ms": best.lag_ms,
    }
    holds = best.valid and all(float(measured[name]) <= limit for name, limit in BUDGET.items())  # type: ignore[arg-type]
    finish("added_latency", measured, BUDGET, holds)


if __name__ == "__main__":
    main()
