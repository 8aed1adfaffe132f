"""Which timelines belong to a call that goes on: its process holds an advisory lock on the file, and the lock ends with
the file's closing or the process's death, whatever kills it.

Where there are no such locks (Windows, some network file systems), the age of the file has to do: a call writes every
20 milliseconds while its caller is on the line, so one that was not written for :data:`QUIET_S` is over.
"""

from __future__ import annotations

import contextlib
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Final

QUIET_S: Final = 60
"""How long a file without a lock must be left alone until its call counts as over."""


def claim(descriptor: int) -> None:
    """Lock a file that was just made, until it is closed. Waits, for microseconds, if somebody looks at it just now.
    Does nothing where there are no locks."""
    if sys.platform != "win32":
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)


def is_live(path: Path, now: datetime) -> bool:
    """Whether somebody, of this process or another, still writes ``path``. ``now`` has an offset. Raises OSError if
    the file is not there or cannot be opened."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        locked = _is_locked(descriptor)
        return locked if locked is not None else now.timestamp() - os.fstat(descriptor).st_mtime < QUIET_S
    finally:
        os.close(descriptor)


def _is_locked(descriptor: int) -> bool | None:
    """None where there are no locks."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # given back as the file is closed
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False
