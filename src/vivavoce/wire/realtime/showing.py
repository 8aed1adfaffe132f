"""When a client is shown that the caller speaks.

Clients that play by themselves drop what they have as soon as they see ``input_audio_buffer.speech_started``. Where it
is decided here whose turn it is, speech is shown when it has the turn: the agent is silent, or was cut off. What the
model says of it meanwhile waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from vivavoce.events import CallerSpeechStarted, CallerSpeechStopped, CallerTranscribed, ConnectionId, Samples
from vivavoce.wire.realtime.actions import Send
from vivavoce.wire.realtime.parts import Parts
from vivavoce.wire.realtime.turns import CallerTurns

OfATurn = CallerSpeechStarted | CallerSpeechStopped | CallerTranscribed


class TurnsShown:
    """``waiting``: there is something that the client was not told yet."""

    __slots__ = ("_parts", "_turns", "_waiting")

    def __init__(self, parts: Parts, turns: CallerTurns) -> None:
        self._parts = parts
        self._turns = turns
        self._waiting: deque[OfATurn] = deque()

    @property
    def waiting(self) -> bool:
        return bool(self._waiting)

    def hear(self, fact: OfATurn, *, quiet: bool) -> Iterator[Send]:
        """``quiet``: nothing of the agent is heard, or waits to be."""
        begins = isinstance(fact, CallerSpeechStarted)
        if self._waiting or (begins and not quiet and self._parts.configuration.floor_is_ours):
            self._waiting.append(fact)
        else:
            yield from self._tell(fact)

    def taken(self, at: Samples) -> Iterator[Send]:
        """A voice from ``at`` on in the caller's audio has the turn, whether or not the model has heard it yet."""
        yield from self.release()
        yield from self._turns.taken(at)

    def reply_begins(self, connection: ConnectionId) -> Iterator[Send]:
        """A reply follows what it answers."""
        yield from self.release()
        yield from self._turns.reply_begins(connection)

    def release(self) -> Iterator[Send]:
        while self._waiting:
            yield from self._tell(self._waiting.popleft())

    def _tell(self, fact: OfATurn) -> Iterator[Send]:
        match fact:
            case CallerSpeechStarted():
                yield from self._turns.started(fact)
            case CallerSpeechStopped():
                yield from self._turns.stopped(fact)
            case CallerTranscribed():
                yield from self._turns.transcribed(fact)
