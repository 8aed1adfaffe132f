"""What a session has to keep in mind of the call: which model speaks for it, who took the turn last, how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from vivavoce.events import (
    CloseCall,
    CloseModel,
    ConnectionId,
    Disposition,
    ModelLost,
    OpenModel,
    SwapModel,
)
from vivavoce.wire.realtime.actions import Action, Close
from vivavoce.wire.realtime.replies import Replies
from vivavoce.wire.realtime.responses import Outcome
from vivavoce.wire.realtime.writer import Writer


class Taken(StrEnum):
    """How the agent came to yield the turn."""

    SPEECH = "speech"
    STOP = "stop"  # the client said so
    ASKED = "asked"  # something else was asked of it


class CallSeen:
    """``taken`` is how the turn was last taken."""

    __slots__ = ("_connection", "_lost", "taken")

    def __init__(self) -> None:
        self._connection: ConnectionId | None = None
        self._lost = False
        self.taken = Taken.SPEECH

    @property
    def outcome(self) -> Outcome:
        """Of a response that is broken off now."""
        return Outcome.CLIENT_CANCELLED if self.taken is Taken.STOP else Outcome.TURN_DETECTED

    def current(self, connection: ConnectionId) -> bool:
        """Facts of any other model session are late, and the call does not heed them either."""
        return connection == self._connection

    def swapped(self, effect: SwapModel) -> None:
        self._connection, self._lost = effect.connection, False

    def model_changes(self, value: OpenModel | CloseModel | ModelLost) -> None:
        """A session that is opened while there is one waits until it takes over. One that an agent's revision comes
        before is closed before it was ready, and the next one is the first.
        """
        if not isinstance(value, OpenModel):
            self._lost = self._lost or self.current(value.connection)
        elif self._connection is None or self._lost:
            self._connection, self._lost = value.connection, False


_ENDS: dict[Disposition, tuple[int, str, str]] = {
    # the close code, and the error to tell before: its code and message
    Disposition.COMPLETED: (1000, "", ""),
    Disposition.HANDOFF: (1000, "", ""),
    Disposition.SILENCE: (1000, "", ""),
    Disposition.TRANSFERRED: (1000, "", ""),
    Disposition.VOICEMAIL: (1000, "", ""),
    Disposition.CHANNEL_LOST: (1000, "", ""),
    Disposition.TOO_LONG: (1001, "session_expired", "Your session hit the maximum duration."),
    Disposition.TOO_DEAR: (1001, "spend_limit_reached", ""),  # the reason tells whose limit it was
    Disposition.STOPPED: (1001, "", ""),
    Disposition.MODEL_LOST: (1011, "model_unavailable", "The speech model was lost and could not be replaced."),
    Disposition.FAILED: (1011, "internal_error", "The server failed; try again."),
}
_REASON_BYTES = 123
"""RFC 6455, 5.5: a control frame holds 125 bytes, two of which are the code."""


def ended(effect: CloseCall, writer: Writer, replies: Replies) -> Iterator[Action]:
    """The last that a client hears."""
    code, error, message = _ENDS[effect.disposition]
    if error in ("model_unavailable", "internal_error"):
        yield from replies.over(Outcome.FAILED, {"type": "server_error", "code": error, "message": message})
    else:
        yield from replies.over(Outcome.COMPLETED)
    if error:
        yield writer.server_error(error, message or effect.reason)
    yield Close(code, (message or effect.reason).encode()[:_REASON_BYTES].decode(errors="ignore"))
