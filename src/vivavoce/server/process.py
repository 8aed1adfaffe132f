"""What a server needs of the operating system for its process."""

from __future__ import annotations

import contextlib
import gc
import resource
import sys
from pathlib import Path

_OPEN_FILES = 65_536
_STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    """Memory that this process holds now; where the system does not tell, the most that it ever held."""
    try:
        return int(_STATM.read_text().split()[1]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def allow_many_connections() -> None:
    """As many open files as this process may have, within reason: each connection is one, and the usual 1024 are soon
    used up."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if most == resource.RLIM_INFINITY else min(most, _OPEN_FILES)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


_SWITCH_S = 0.0005


def keep_pauses_short() -> None:
    """For a process whose loop carries calls, once all is set up. What is there now stays, and the collector need
    not look at it again and again; a thread that writes to disk gives way ten times sooner than it usually does.
    With 45 calls the slowest hundredth of the frames took 33 ms without either, 7 with both (benchmarks/density.py).
    """
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(_SWITCH_S)
