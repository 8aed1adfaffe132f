"""The client's clock: positions in the audio it sent, whichever model session heard it.

Model sessions count from the first sample they were given; a client counts all it has sent. Between the two lies what
the call heard, in order: the client's audio, and silence that was put in where none came or to end a turn. What the
client sent is known again by being the very same piece.
"""

from __future__ import annotations

from collections import deque

from vivavoce.events import Audio, ConnectionId, Samples

_SENT_LIMIT = 8_192
"""Pieces on their way into the call; a minute of 20 ms, which is what a call holds, is 3,000."""
_RUNS_LIMIT = 64


class InputClock:
    """``received`` is how much the client has sent so far."""

    __slots__ = ("_ahead", "_given", "_passed", "_runs", "_sent", "received")

    def __init__(self) -> None:
        self.received = 0
        self._sent: deque[tuple[Audio, int]] = deque(maxlen=_SENT_LIMIT)  # and where on the client's clock each begins
        self._passed = 0  # on to any session, or given up
        self._runs: deque[list[int]] = deque(maxlen=_RUNS_LIMIT)  # place in the call, on the client's clock, length
        self._given: dict[ConnectionId, int] = {}
        self._ahead: dict[ConnectionId, int] = {}  # what a session was not given, before its first sample

    def send(self, audio: Audio) -> None:
        """The client's, and on its way into the call."""
        self._sent.append((audio, self.received))
        self.received += audio.samples

    def keep(self, samples: int) -> None:
        """The client's, and not on its way."""
        self.received += samples

    def forward(self, connection: ConnectionId, audio: Audio) -> None:
        """The call passed this on."""
        sent = self._sent
        if sent and (sent[0][0] is audio or any(piece is audio for piece, _ in sent)):
            piece, at = sent.popleft()
            while piece is not audio:  # those before it were given up
                piece, at = sent.popleft()
            self._mark(at, audio.samples)
        self._passed += audio.samples
        self._give(connection, audio.samples)

    def replay(self, connection: ConnectionId, samples: int) -> None:
        """Heard before by another session."""
        self._give(connection, samples)

    def drop(self, samples: int) -> None:
        self._passed += samples

    def swap(self, connection: ConnectionId) -> None:
        self._given = {connection: 0}
        self._ahead.clear()

    def position(self, connection: ConnectionId, at: Samples) -> int:
        """Where on the client's clock that is; in silence that was put in, where it was."""
        return self._client(at + self._ahead.get(connection, 0))

    def place(self, at: Samples) -> int:
        """The same of a position in the caller's audio, of which the end may still be on its way."""
        missing = at - self._passed
        if missing > 0 and self._sent:
            return min(self._sent[0][1] + missing, self.received)
        return self._client(at)

    def _client(self, place: int) -> int:
        for begin, client, length in reversed(self._runs):
            if begin <= place:
                return client + min(place - begin, length)
        return 0

    def _mark(self, client: int, samples: int) -> None:
        if self._runs:
            begin, last, length = self._runs[-1]
            if begin + length == self._passed and last + length == client:
                self._runs[-1][2] += samples
                return
        self._runs.append([self._passed, client, samples])

    def _give(self, connection: ConnectionId, samples: int) -> None:
        given = self._given[connection] = self._given.get(connection, 0) + samples
        self._ahead[connection] = self._passed - given
