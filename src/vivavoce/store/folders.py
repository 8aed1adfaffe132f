"""The folder of all calls: which of them the store does not have yet."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from vivavoce.timeline.live import is_live
from vivavoce.timeline.write import TIMELINE_FILE

SLICE: Final = 500
"""How many folders are looked at in one go."""


class Knows(Protocol):
    """The part of a :class:`~vivavoce.store.port.Keeper` that a search needs."""

    def missing(self, calls: list[str]) -> set[str]: ...


class Stamp(NamedTuple):
    """By which a file is told from what it was."""

    size: int
    changed_ns: int


class Found(NamedTuple):
    """A call that is over and not kept. ``stamp`` is its timeline's."""

    call: str
    stamp: Stamp


def unkept(store: Knows, calls: Path, now: datetime, pause: Callable[[], None]) -> Iterator[Found]:
    """Oldest first. Calls that go on, in whatever process, are left out. ``pause`` is called now and then, so that
    others may work too. Raises what the store raises."""
    names = _names(calls)
    for begin in range(0, len(names), SLICE):
        some = names[begin : begin + SLICE]
        missing = store.missing(some)
        pause()
        for call in some:
            if call in missing and (stamp := _over(calls / call / TIMELINE_FILE, now)) is not None:
                yield Found(call, stamp)


def stamp_of(timeline: Path) -> Stamp | None:
    """None where the file is not there or cannot be looked at."""
    try:
        status = timeline.stat()
    except OSError:
        return None
    return Stamp(status.st_size, status.st_mtime_ns)


def _names(calls: Path) -> list[str]:
    """Of all folders in there. A call's name begins with its date, so that sorted they are by age."""
    try:
        with os.scandir(calls) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def _over(timeline: Path, now: datetime) -> Stamp | None:
    try:
        return None if is_live(timeline, now) else stamp_of(timeline)
    except FileNotFoundError:
        return None  # no call's folder, or one that was just taken away
    except OSError:
        return stamp_of(timeline)  # whoever reads it will say what is wrong
