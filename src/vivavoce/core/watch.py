"""Never silence for ever: a session that owes an answer and says nothing is given up.

Watched only where the model asks for it (:attr:`~vivavoce.events.ModelReady.reply_limit_us`). Two ways to be silent:
the caller waits for an answer and nothing at all comes of it, or a reply was begun and does not go on. As long as the
provider counts tokens it listens; but once it has written down what it heard, counting is no answer.
"""

from __future__ import annotations

from typing import get_args

from vivavoce.core.parts import Parts
from vivavoce.core.timers import Timer
from vivavoce.events import (
    AudioLost,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTranscribed,
    ConnectionId,
    Event,
    Instant,
    ModelEvent,
    ModelLost,
    UsageReported,
)

GRACE_US = 5_000_000
"""A caller who goes on talking to a silent model is not given up on in mid-sentence, nor right after it."""
PATIENCE = 2
"""So many sessions in a row may say nothing to the same words."""

_SIGNS = frozenset(get_args(ModelEvent)) - {CallerSpeechStarted, CallerSpeechStopped, AudioLost, ModelLost}


class Watch:
    """How long the current session may go on saying nothing."""

    __slots__ = ("_heard", "_parts", "_sign", "limit_us", "silences")

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.limit_us = 0
        self.silences = 0  # sessions given up since the last answer
        self._sign = Instant(0)  # when the model last said anything that is an answer, or may become one
        self._heard = False  # the model has written down what it should answer

    def answered(self) -> None:
        self.silences = 0
        self._heard = False

    def settle(self, event: Event, now: Instant) -> None:
        parts, talk = self._parts, self._parts.talk
        if isinstance(event, CallerTranscribed) and event.final and event.text:
            self._heard = True
        is_sign = self._is_sign(event)
        if is_sign:
            self._sign = now
        awaited = parts.owed.certain and talk.agent_quiet
        if not (self.limit_us and parts.models.live and not parts.tools.running and (talk.response or awaited)):
            parts.timers.clear(Timer.REPLY)
        elif is_sign or not parts.timers.is_set(Timer.REPLY):
            unplayed_us = talk.playouts.unplayed * 1_000_000 // parts.rate_hz if parts.rate_hz else 0
            silent_since = max(self._sign, parts.owed.since or 0)
            parts.timers.set(Timer.REPLY, max(silent_since + self.limit_us + unplayed_us, now + GRACE_US))

    def gives_up(self) -> bool:
        """The time is over. True if other sessions would say nothing either: what seemed to want an answer, and was
        never written down as words, was noise.
        """
        self.silences += 1
        return self.silences >= PATIENCE

    @property
    def noise_only(self) -> bool:
        return self._listens and self._parts.talk.response is None

    def _is_sign(self, event: Event) -> bool:
        if isinstance(event, UsageReported) and not (self._parts.talk.response is None and self._listens):
            return False
        return is_sign_of_life(event, self._parts.models.current)

    @property
    def _listens(self) -> bool:
        """It may still be hearing what it should answer."""
        return not self._heard and not self._parts.owed.asks


def is_sign_of_life(event: Event, connection: ConnectionId) -> bool:
    """Whether the model at the other end of this connection must be there for that: whether the caller talks may be
    heard on this side of the wire.
    """
    return type(event) in _SIGNS and event.connection == connection  # type: ignore[union-attr]  # all of those have one
