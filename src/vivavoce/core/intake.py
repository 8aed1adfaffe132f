"""Caller audio on its way to the model: forwarded, or held while no model listens.

Invariant, checked by property test: samples received = forwarded + held + dropped. What is held is a ring: when it is
full the oldest goes, since the newest words are the ones that wait for an answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from vivavoce.events import Audio, Effect, Samples


class Intake:
    """Where the caller's samples went, counted."""

    __slots__ = ("_held", "dropped", "forwarded", "held", "received")

    def __init__(self) -> None:
        self._held: deque[Audio] = deque()
        self.received = 0
        self.forwarded = 0
        self.held = 0
        self.dropped = 0

    def forward(self, audio: Audio) -> None:
        self.received += audio.samples
        self.forwarded += audio.samples

    def drop(self, audio: Audio) -> None:
        self.received += audio.samples
        self.dropped += audio.samples

    def hold(self, audio: Audio, limit: int) -> Samples:
        """Keep ``audio`` until somebody listens; returns how many older samples had to go for it."""
        self._held.append(audio)
        self.received += audio.samples
        self.held += audio.samples
        before = self.dropped
        while self.held > limit:
            oldest = self._held.popleft()
            self.held -= oldest.samples
            self.dropped += oldest.samples
        return Samples(self.dropped - before)

    def lose(self, samples: int) -> Iterator[Effect]:
        """Samples that were forwarded and did not get through; the event itself is the record."""
        self.forwarded -= samples
        self.dropped += samples
        return iter(())

    def release(self) -> list[Audio]:
        """Everything held, in order, to be forwarded now."""
        released = list(self._held)
        self._held.clear()
        self.forwarded += self.held
        self.held = 0
        return released

    def discard(self) -> Samples:
        """Give up what is held."""
        discarded = self.held
        self._held.clear()
        self.dropped += discarded
        self.held = 0
        return Samples(discarded)
