"""A caller who says nothing: after a while the agent speaks up."""

from __future__ import annotations

from vivavoce.events import Instant


class Idle:
    """Counts from when the agent was last heard; once it has spoken up, not again before it has said something."""

    __slots__ = ("_armed", "_since")

    def __init__(self) -> None:
        self._armed = False  # the agent has said something since
        self._since: Instant | None = None

    def settle(self, *, quiet: bool, now: Instant) -> None:
        """``quiet``: nobody says anything, and nobody is about to."""
        if not quiet:
            self._since = None
        elif self._since is None:
            self._since = now

    def agent_spoke(self) -> None:
        self._armed = True

    def deadline(self, timeout_ms: int) -> Instant | None:
        if not (timeout_ms and self._armed) or self._since is None:
            return None
        return Instant(self._since + timeout_ms * 1000)

    def spend(self) -> None:
        """It has come."""
        self._armed = False
        self._since = None
