"""The client's clock: positions in the audio it sent, whichever model session heard it."""

from __future__ import annotations

from vivavoce.events import ConnectionId, Samples


class InputClock:
    """Model sessions count from the first sample they were given; a client counts all it has sent.

    The call passes its caller's audio on in order, so what a session was given ends where the audio passed on so far
    ends. Audio that we made ourselves (silence that ends a turn) is on no client's clock.
    """

    __slots__ = ("_ahead", "_given", "_made", "_passed", "received")

    def __init__(self) -> None:
        self.received = 0  # of the client
        self._made = 0  # by ourselves
        self._passed = 0  # on to any session, or given up
        self._given: dict[ConnectionId, int] = {}
        self._ahead: dict[ConnectionId, int] = {}  # what a session was not given, before its first sample

    def receive(self, samples: int) -> None:
        self.received += samples

    def make(self, samples: int) -> None:
        self._made += samples

    def forward(self, connection: ConnectionId, samples: int) -> None:
        self._passed += samples
        self._give(connection, samples)

    def replay(self, connection: ConnectionId, samples: int) -> None:
        """Heard before by another session."""
        self._give(connection, samples)

    def drop(self, samples: int) -> None:
        self._passed += samples

    def swap(self, connection: ConnectionId) -> None:
        self._given = {connection: 0}
        self._ahead.clear()

    def position(self, connection: ConnectionId, at: Samples) -> int:
        """Where on the client's clock that is."""
        return max(0, min(self.received, at + self._ahead.get(connection, 0) - self._made))

    def _give(self, connection: ConnectionId, samples: int) -> None:
        given = self._given[connection] = self._given.get(connection, 0) + samples
        self._ahead[connection] = self._passed - given
