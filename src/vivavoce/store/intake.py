"""What the bookkeeper has yet to do: calls that just ended come first, then what was found, oldest first."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

LIMIT: Final = 1000
"""How many calls that ended are remembered; what is beyond, a search of their folders finds."""


class Waiting(NamedTuple):
    """``fresh``: it ended in this process while the bookkeeper was there."""

    call: str
    since: datetime
    fresh: bool


class Intake:
    """What says so is for any thread, costs about a microsecond and never waits. The rest belongs to the bookkeeper's
    thread."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._ended: deque[Waiting] = deque()  # appending and taking are whole steps
        self._found: deque[Waiting] = deque()
        self._in_hand: list[Waiting] = []
        self._search_due = True  # before the first search nobody knows what is there

    @property
    def search_due(self) -> bool:
        return self._search_due

    @property
    def in_hand(self) -> list[Waiting]:
        return list(self._in_hand)

    @property
    def waiting(self) -> int:
        return len(self._ended) + len(self._found) + len(self._in_hand)

    @property
    def oldest(self) -> datetime | None:
        """From any thread: since when the one that waits longest does."""
        ends = []
        for queue in (self._in_hand, self._found, self._ended):
            with contextlib.suppress(IndexError):  # empty, perhaps just now
                ends.append(queue[0].since)
        return min(ends, default=None)

    def ended(self, call: str, now: datetime) -> None:
        """From any thread."""
        if len(self._ended) < self._limit:
            self._ended.append(Waiting(call, now, fresh=True))
        else:
            self._search_due = True

    def ask_search(self) -> None:
        """From any thread."""
        self._search_due = True

    def begin_search(self) -> None:
        """What ends from here on and cannot be remembered asks for another search."""
        self._search_due = False

    def found(self, calls: Iterable[tuple[str, datetime]]) -> None:
        """All that there is, in the place of what was found before."""
        known = {one.call for one in (*self._ended.copy(), *self._in_hand)}
        self._found = deque(Waiting(call, since, fresh=False) for call, since in calls if call not in known)

    def take(self, most: int) -> list[Waiting]:
        """They count as waiting until :meth:`done`, or :meth:`give_back`."""
        for queue in (self._ended, self._found):
            while queue and len(self._in_hand) < most:
                self._in_hand.append(queue.popleft())
        return list(self._in_hand)

    def done(self) -> None:
        """With all that was taken and not given back."""
        self._in_hand.clear()

    def give_back(self, calls: Iterable[Waiting], *, last: bool = False) -> None:
        """Not done with these: they are next again, or come after all others."""
        for one in calls if last else reversed(list(calls)):
            self._in_hand.remove(one)
            queue = self._ended if one.fresh else self._found
            (queue.append if last else queue.appendleft)(one)
