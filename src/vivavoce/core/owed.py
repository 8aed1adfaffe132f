"""What the caller has said, typed or was promised and has no answer yet: kept, so that another session can answer it.

Of the caller's audio a ring is kept: while nothing is owed, only the last moment, for the beginning of a word that is
noticed late, and nothing that was answered; from there on everything, up to :data:`RING_S`. An answer is the first
audio of a response, or a tool call. Words spoken into the agent's own are *doubtful*: they may be a "mm-hm" that wants
none, so they are owed an answer for a few seconds only, unless the model takes them for an interruption. A model that
has given no sign of life since has not ignored them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from vivavoce.events import Audio, ForwardText, Instant, ReturnToolResult, Samples, Speak

RING_S = 60
LEAD_MS = 600
DOUBT_US = 5_000_000
"""So long after words into the agent's speech the model may still answer them."""

Ask = ForwardText | ReturnToolResult | Speak


class Owed:
    """The caller's unanswered audio, and the wishes that a response has not followed yet."""

    __slots__ = (
        "_audio",
        "_doubtful",
        "_ended",
        "_quiet",
        "_speech",
        "_spoken",
        "asks",
        "held",
        "last_sign",
        "outrun",
        "rate_hz",
        "since",
        "talking",
    )

    def __init__(self) -> None:
        self.rate_hz = 0
        self.asks: list[Ask] = []
        self.outrun = 0  # owed samples that the ring had no room for
        self.held = 0  # samples in the ring
        self.talking = False
        self._audio: deque[Audio] = deque()
        self._speech = False  # the ring holds speech that wants an answer
        self._spoken = 0  # samples since the caller began to talk, with the moment of quiet before
        self._quiet = 0  # samples since the caller last stopped
        self._doubtful = False
        self._ended = Instant(0)  # when the caller last stopped
        self.since: Instant | None = None  # when an answer became due
        self.last_sign = Instant(0)  # when the model last said anything

    def forward(self, audio: Audio) -> None:
        """Once for each sample that is forwarded."""
        self._audio.append(audio)
        self.held += audio.samples
        if self.talking:
            self._spoken += audio.samples
        else:
            self._quiet += audio.samples
        if self._speech:
            self.outrun += self._trim(RING_S * self.rate_hz)
        else:
            self._trim(LEAD_MS * self.rate_hz // 1000)

    def began(self, now: Instant, *, into_agent: bool) -> None:
        """The caller talks; ``into_agent`` says that the agent does too."""
        if self._speech and self._ignored_by(now):
            self.answered()
        self.talking = True
        self._spoken = min(self._quiet, self.held, LEAD_MS * self.rate_hz // 1000)
        self._doubtful = into_agent and (self._doubtful or not self._speech)
        self._speech = True

    def ended(self, now: Instant) -> None:
        self.talking = False
        self._quiet = 0
        self._ended = now
        self._due(now)

    def taken(self) -> None:
        """The model let these words interrupt the agent: it means to answer them."""
        self._doubtful = False

    def ask(self, wish: Ask, now: Instant) -> None:
        self.asks.append(wish)
        self._due(now)

    def answered(self, speak: Speak | None = None) -> None:
        """By a response or a tool call; if it is the one that ``speak`` asked for, it answers that and nothing else."""
        if speak is not None:
            self.asks.remove(speak)
            return
        self.asks = [ask for ask in self.asks if isinstance(ask, Speak)]
        self._doubtful = False
        self._speech = self.talking
        self.since = None
        self.outrun = 0
        self._trim(self._spoken if self.talking else 0)

    def is_owed(self, now: Instant) -> bool:
        """Something waits for an answer. Words that were doubtful for too long do not any more."""
        return bool(self.asks) or (self._speech and not self._ignored_by(now))

    def is_owed_by_dead(self) -> bool:
        """The same for a session that was lost: what happened after its last sign of life it has not ignored."""
        return self.is_owed(self.last_sign)

    def _ignored_by(self, instant: Instant) -> bool:
        return self._doubtful and not self.talking and instant - self._ended > DOUBT_US

    @property
    def certain(self) -> bool:
        """The model must be expected to say something next."""
        return bool(self.asks) or (self._speech and not self.talking and not self._doubtful)

    @property
    def speech(self) -> bool:
        return self._speech

    def replay(self) -> Iterator[Audio]:
        """What another session must hear, oldest first. It stays owed."""
        return iter(tuple(self._audio))

    def speak_of(self, response: str) -> Speak | None:
        """The wish that this response fulfils."""
        return next((ask for ask in self.asks if isinstance(ask, Speak) and ask.response == response), None)

    def _due(self, now: Instant) -> None:
        if self.since is None:
            self.since = now

    def _trim(self, limit: int) -> Samples:
        """Drop the oldest pieces that are wholly beyond the newest ``limit`` samples; returns how much went."""
        before = self.held
        while self._audio and self.held - self._audio[0].samples >= limit:
            self.held -= self._audio.popleft().samples
        return Samples(before - self.held)
