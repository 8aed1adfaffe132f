"""What every benchmark of this project prints: as its last line one JSON object ``{"name", "machine", "measured",
"budget", "holds"}``. Timings are the best of several runs on a machine that may be busy.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    cpu = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        cpu = names[0] if names else cpu
    return {"cpu": cpu, "cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}


def best_us(action: Callable[[], object], *, repeat: int, number: int) -> float:
    """Microseconds for one ``action``: the best mean of ``repeat`` runs of ``number`` each."""
    best = float("inf")
    for _ in range(repeat):
        started = time.perf_counter()
        for _ in range(number):
            action()
        best = min(best, (time.perf_counter() - started) / number)
    return best * 1e6


def finish(name: str, measured: dict[str, Any], budget: dict[str, Any], holds: bool) -> None:
    """The last line."""
    print(json.dumps({"name": name, "machine": machine(), "measured": measured, "budget": budget, "holds": holds}))
