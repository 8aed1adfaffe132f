"""The two wires of a call: the channel to the caller, and the connections to models.

A call has one channel and, in time, several model connections: the next one in the order of preference when the first
will not open, another of the same model before the first one's time is up or when it was lost. One of them is
*current* and speaks for the call; beside it there may be one *spare*, opened early and not yet spoken to. What any
other says is late.
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

NO_CONNECTION = ConnectionId(0)


def link() -> Machine[Link, LinkMove]:
    return Machine(LINK_TABLE, Link.OPENING)


_NOWHERE = Machine(LINK_TABLE, Link.GONE)


class ModelLinks:
    """The model connections of a call; connection ``n`` is the ``n``-th opened, counted from 1."""

    __slots__ = ("_link", "_opened", "_spare_link", "current", "model", "spare", "speaks")

    def __init__(self) -> None:
        self._opened: list[int] = []  # which model each connection is to
        self._link = _NOWHERE
        self._spare_link = _NOWHERE
        self.current = NO_CONNECTION  # the connection that speaks for the call
        self.spare = NO_CONNECTION
        self.speaks = True  # the current one can be told what to say
        self.model = -1  # index into the plan's models of the current connection

    @property
    def state(self) -> Link:
        return self._link.state

    @property
    def spare_state(self) -> Link:
        return self._spare_link.state

    def is_spare(self, connection: ConnectionId) -> bool:
        return connection == self.spare != NO_CONNECTION

    @property
    def live(self) -> bool:
        return self._link.state is Link.LIVE

    def open(self, model: int) -> ConnectionId:
        """Begin a connection to the model with this index; it becomes the current one."""
        self.model = model
        self.current, self._link = self._next(model), link()
        return self.current

    def open_spare(self, model: int) -> ConnectionId:
        """Begin another connection beside the current one, mostly to the same model."""
        self.spare, self._spare_link = self._next(model), link()
        return self.spare

    def promote(self) -> ConnectionId:
        """The spare becomes the current connection; returns the one that was."""
        old, self.current, self._link = self.current, self.spare, self._spare_link
        self.spare, self._spare_link = NO_CONNECTION, _NOWHERE
        self.model = self._opened[self.current - 1]
        return old

    def can(self, move: LinkMove) -> bool:
        return self._link.can(move)

    def move(self, move: LinkMove) -> None:
        self._link.move(move)

    def spare_can(self, move: LinkMove) -> bool:
        return self._spare_link.can(move)

    def move_spare(self, move: LinkMove) -> None:
        """A spare that is gone is no spare any more."""
        if self._spare_link.move(move) is Link.GONE:
            self.spare, self._spare_link = NO_CONNECTION, _NOWHERE

    def model_of(self, connection: ConnectionId) -> int | None:
        """Which model it is to, gone or not; None if it was never opened."""
        return self._opened[connection - 1] if 0 < connection <= len(self._opened) else None

    def _next(self, model: int) -> ConnectionId:
        self._opened.append(model)
        return ConnectionId(len(self._opened))
