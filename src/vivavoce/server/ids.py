"""Ids that say which worker has what they name."""

from __future__ import annotations

import re

_MARK = re.compile(r"-w([1-9][0-9]?)\Z")


def marked(plain_id: str, worker: int) -> str:
    """The id of something that ``worker`` has; unchanged for 0, the only process."""
    return f"{plain_id}-w{worker}" if worker else plain_id


def worker_of(marked_id: str) -> int:
    """0 if the id tells none."""
    found = _MARK.search(marked_id)
    return int(found[1]) if found else 0
