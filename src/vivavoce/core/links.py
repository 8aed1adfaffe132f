"""The two wires of a call: the channel to the caller, and the connections to models.

A call has one channel and, in time, several model connections: the next one in the order of preference when the first
will not open, and, overlapping, a renewed session or another model. Only one of them is *current*; what any other says
is late.
"""

from __future__ import annotations

from enum import StrEnum

from vivavoce.core.machine import Machine
from vivavoce.events import ConnectionId


class Link(StrEnum):
    """How a wire stands."""

    OPENING = "opening"
    LIVE = "live"
    GONE = "gone"


class LinkMove(StrEnum):
    """What can happen to a wire."""

    OPEN = "open"
    LOSE = "lose"  # the other side left, failed, or never came
    CLOSE = "close"  # we left


LINK_TABLE = {
    (Link.OPENING, LinkMove.OPEN): Link.LIVE,
    (Link.OPENING, LinkMove.LOSE): Link.GONE,
    (Link.OPENING, LinkMove.CLOSE): Link.GONE,
    (Link.LIVE, LinkMove.LOSE): Link.GONE,
    (Link.LIVE, LinkMove.CLOSE): Link.GONE,
}


def link() -> Machine[Link, LinkMove]:
    return Machine(LINK_TABLE, Link.OPENING)


class ModelLinks:
    """The model connections of a call; connection ``n`` is the ``n``-th opened, counted from 1."""

    __slots__ = ("_links", "model")

    def __init__(self) -> None:
        self._links: list[Machine[Link, LinkMove]] = []
        self.model = -1  # index into the plan's models of the current connection

    @property
    def current(self) -> ConnectionId:
        """The connection that speaks for the call; 0 before the first was opened."""
        return ConnectionId(len(self._links))

    @property
    def state(self) -> Link:
        return self._links[-1].state if self._links else Link.GONE

    @property
    def live(self) -> bool:
        return bool(self._links) and self._links[-1].state is Link.LIVE

    def open_next(self) -> ConnectionId:
        """Begin a connection to the next model in the order of preference; it becomes the current one."""
        self._links.append(link())
        self.model += 1
        return self.current

    def can(self, move: LinkMove) -> bool:
        return bool(self._links) and self._links[-1].can(move)

    def move(self, move: LinkMove) -> None:
        self._links[-1].move(move)
