"""What the caller has said, typed or was promised and has no answer yet: kept, so that another session can answer it.

An answer is the first audio of a response, or a tool call; to a tool's result only a response is one, since a model may
ask for more before it speaks. Words spoken into the agent's own are *doubtful*: they may
be a "mm-hm" that wants none, so they are owed an answer for a few seconds only, unless the model takes them for an
interruption. A model that has given no sign of life since has not ignored them.

That the caller has stopped is noticed late, and a quick model answers before: the position at which the speech ended
tells whether the answer was to all of it.
"""

from __future__ import annotations

import msgspec

from vivavoce.core.ring import Ring
from vivavoce.events import (
    Audio,
    ConnectionId,
    ForwardText,
    Instant,
    RequestReply,
    ResponseId,
    ReturnToolResult,
    Samples,
    Speak,
)

DOUBT_US = 5_000_000
"""So long after words into the agent's speech the model may still answer them."""

Ask = ForwardText | RequestReply | ReturnToolResult | Speak


class Owed:
    """The caller's unanswered speech, in ``ring``, and the wishes that a response has not followed yet."""

    __slots__ = (
        "_answered_at",
        "_doubtful",
        "_ended",
        "asks",
        "last_sign",
        "position",
        "ring",
        "since",
        "speech",
        "talking",
        "withdrawn",
    )

    def __init__(self) -> None:
        self.ring = Ring()
        self.asks: list[Ask] = []
        self.withdrawn: set[ResponseId] = set()  # texts to be spoken that no other session is to be asked for
        self.speech = False  # the ring holds speech that wants an answer, or may
        self.talking = False
        self.since: Instant | None = None  # when an answer became due
        self.last_sign = Instant(0)  # when the model last said anything
        self._doubtful = False
        self._ended = Instant(0)  # when the caller last stopped
        self.position = Samples(0)  # samples that the current session was given
        self._answered_at = -1  # where that was when it last answered while the caller seemed to talk

    def forward(self, audio: Audio) -> None:
        """Once for each sample that is forwarded."""
        self.position = Samples(self.position + audio.samples)
        self.ring.forward(audio, talking=self.talking, owed=self.speech)

    def began(self, now: Instant, at: Samples, *, into_agent: bool) -> None:
        """The caller talks, from ``at`` on in what the current session was given; ``into_agent`` says that the agent
        does too.
        """
        if self.speech and self._ignored_by(now):
            self._settle_speech()
        self._doubtful = into_agent and (self._doubtful or not self.speech)
        self._answered_at = -1
        self.talking = self.speech = True
        self.ring.began(self.position - at)

    def ended(self, now: Instant, at: Samples) -> None:
        """The caller stopped talking, ``at`` that position in what the current session was given."""
        self.talking = False
        self._ended = now
        self.ring.ended(self.position - at)
        if at <= self._answered_at:
            self._settle_speech()
        elif self.speech:
            self._due(now)

    def taken(self) -> None:
        """The model let these words interrupt the agent: it means to answer them."""
        self._doubtful = False

    def ask(self, wish: Ask, now: Instant) -> None:
        self.asks.append(wish)
        self._due(now)

    def pass_on(self, connection: ConnectionId) -> None:
        """What is asked, and still wanted, for the session that takes over."""
        wanted = [ask for ask in self.asks if not (isinstance(ask, Speak) and ask.response in self.withdrawn)]
        self.asks[:] = [msgspec.structs.replace(ask, connection=connection) for ask in wanted]

    def address(self, connection: ConnectionId, now: Instant) -> list[Ask]:
        """What was asked before anybody listened, for the session that does now."""
        self.asks[:] = [msgspec.structs.replace(ask, connection=connection) for ask in self.asks]
        self.since = now if self.asks else None
        return self.asks

    def answered(self, speak: Speak | None = None, *, by_tool: bool = False) -> None:
        """By a response or a tool call; if it is the one that ``speak`` asked for, it answers that and nothing else."""
        if speak is not None:
            self.asks.remove(speak)
        else:
            kept = Speak | ReturnToolResult if by_tool else Speak
            self.asks = [ask for ask in self.asks if isinstance(ask, kept)]
            self._settle_speech()
        if not self.asks and not (self.speech and not self.talking):
            self.since = None

    def ignored(self) -> None:
        """What the caller said wants no answer."""
        self._settle_speech()
        if not self.asks:
            self.since = None

    def taken_over(self, now: Instant) -> None:
        """Another session is given what is in the ring, and counts from there. It has yet to find out whether the
        caller talks: until it says so, an answer is due.
        """
        self.position = Samples(self.ring.held)
        self._answered_at = -1
        self.ring.taken_over()
        if self.talking:
            self.talking = False
            self._ended = now
            self._due(now)

    def is_owed(self, now: Instant) -> bool:
        """Something waits for an answer. Words that were doubtful for too long do not any more."""
        return bool(self.asks) or (self.speech and not self._ignored_by(now))

    def is_owed_by_dead(self) -> bool:
        """The same for a session that was lost: what happened after its last sign of life it has not ignored."""
        return self.is_owed(self.last_sign)

    @property
    def certain(self) -> bool:
        """The model must be expected to say something next."""
        return bool(self.asks) or self._unanswered

    def awaits_words(self, now: Instant) -> bool:
        """The model is about to answer what the caller said, or has not been silent about it for long."""
        return self._unanswered and (self.since is None or now - self.since < DOUBT_US)

    @property
    def _unanswered(self) -> bool:
        return self.speech and not self.talking and not self._doubtful

    def speak_of(self, response: str) -> Speak | None:
        """The wish that this response fulfils."""
        return next((ask for ask in self.asks if isinstance(ask, Speak) and ask.response == response), None)

    def _settle_speech(self) -> None:
        """What the caller has said was answered, or wants no answer; what they are saying does."""
        self.speech = self.talking
        self._answered_at = self.position if self.talking else -1
        self._doubtful = False
        self.ring.answered(talking=self.talking)

    def _ignored_by(self, instant: Instant) -> bool:
        return self._doubtful and not self.talking and instant - self._ended > DOUBT_US

    def _due(self, now: Instant) -> None:
        if self.since is None:
            self.since = now
