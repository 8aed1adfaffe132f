"""The caller's latest audio, kept for a session that may have to take over.

While nothing is owed, only the last moment is kept, for the beginning of a word that is noticed late, and nothing that
was answered; from there on everything, up to :data:`RING_S`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from vivavoce.events import Audio

RING_S = 60
LEAD_MS = 600
NOTICE_S = 2
"""So long after sound that came late a session may still say that the caller talks in it."""


class Ring:
    """``held`` samples, of which the oldest go first; ``outrun`` counts owed ones that went for want of room."""

    __slots__ = ("_audio", "_late", "_quiet", "_since_late", "_spoken", "held", "outrun", "rate_hz")

    def __init__(self) -> None:
        self.rate_hz = 0
        self.held = 0
        self.outrun = 0
        self._audio: deque[Audio] = deque()
        self._spoken = 0  # samples since the caller began to talk, with the moment of quiet before
        self._quiet = 0  # samples since the caller last stopped, as far as is known
        self._late = 0  # samples that the session was given in one go, and may take for speech only after all of them
        self._since_late = 0

    def forward(self, audio: Audio, *, talking: bool, owed: bool) -> None:
        """Once for each sample that is forwarded."""
        self._audio.append(audio)
        self.held += audio.samples
        if talking:
            self._spoken += audio.samples
        else:
            self._quiet += audio.samples
        if owed:
            self.outrun += self._trim(RING_S * self.rate_hz)
        else:
            self._since_late += audio.samples
            if self._since_late > self._late + NOTICE_S * self.rate_hz:
                self._late = 0
            self._trim(self._lead + self._late)

    def came_late(self, samples: int) -> None:
        """So many samples are now forwarded in one go."""
        self._late, self._since_late = max(self._late, samples), 0

    def began(self, ago: int) -> None:
        """The caller talks, since ``ago`` samples: what a session says of replayed sound comes after all of it."""
        ago = max(0, ago)
        self._spoken = min(self.held, ago + min(max(0, self._quiet - ago), self._lead))

    def ended(self, ago: int) -> None:
        """The caller stopped ``ago`` samples ago."""
        self._quiet = max(0, ago)

    def taken_over(self) -> None:
        """Another session hears what is held, from its first sample on."""
        self._quiet = self.held

    def answered(self, *, talking: bool) -> None:
        """What the caller had said was answered; if they talk, what they say now was not."""
        self.outrun = 0
        self._trim(self._spoken if talking else 0)

    def __iter__(self) -> Iterator[Audio]:
        return iter(tuple(self._audio))

    @property
    def _lead(self) -> int:
        return LEAD_MS * self.rate_hz // 1000

    def _trim(self, limit: int) -> int:
        """Drop the oldest pieces that are wholly beyond the newest ``limit`` samples; returns how much went."""
        before = self.held
        while self._audio and self.held - self._audio[0].samples >= limit:
            self.held -= self._audio.popleft().samples
        return before - self.held
