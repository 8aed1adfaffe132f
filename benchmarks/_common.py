"""What every benchmark of this project prints: as its last line one JSON object ``{"name", "machine", "measured",
"budget", "holds"}``. Timings are the best of several runs on a machine that may be busy.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
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


def on_core(core: int, command: list[str]) -> list[str]:
    """``command`` on that core alone, where there are so many and the system has a way to say so."""
    if shutil.which("taskset") is None or (os.cpu_count() or 1) <= core:
        return command
    return ["taskset", "-c", str(core), *command]


def put_first(pid: int) -> None:
    """Let a process go before all else on the machine, if we may. It has to lead a session of its own: on Linux
    niceness counts within a session, and sessions have one of their own.
    """
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, pid, -15)
        Path(f"/proc/{pid}/autogroup").write_text("-15")


def cpu_s(pid: int) -> float:
    """The CPU time of all threads of a process, to the microsecond where the system tells."""
    tasks = Path(f"/proc/{pid}/task")
    try:
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9
    except FileNotFoundError:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mib(pid: int) -> float:
    """Its memory now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


def finish(name: str, measured: dict[str, Any], budget: dict[str, Any], holds: bool) -> None:
    """The last line."""
    print(json.dumps({"name": name, "machine": machine(), "measured": measured, "budget": budget, "holds": holds}))
