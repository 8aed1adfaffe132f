"""A bounded first-in first-out queue of audio, each piece tagged with what it belongs to."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from vivavoce.audio.pcm import BYTES_PER_SAMPLE, samples_in
from vivavoce.errors import UsageError

Tag = TypeVar("Tag", bound=Hashable)


@dataclass(frozen=True, slots=True)
class BufferStatistics:
    """All in samples. ``pushed == taken + cleared + queued``; what was ``refused`` was never pushed."""

    queued: int
    peak: int
    pushed: int
    taken: int
    cleared: int
    refused: int


class AudioBuffer(Generic[Tag]):
    """Holds at most ``limit_samples``. Of a piece that does not fit, the beginning is kept and the rest refused.

    The end of speech is lost rather than its middle: what was queued is never dropped behind its owner's back. A push
    costs the same however much is queued; a take costs as much as it takes.
    """

    def __init__(self, limit_samples: int) -> None:
        if limit_samples <= 0:
            raise UsageError(f"a buffer of {limit_samples} samples", hint="a buffer holds at least one sample")
        self.limit_samples = limit_samples
        self._pieces: deque[tuple[Tag, bytes]] = deque()
        self._begun_bytes = 0  # of the oldest piece, already taken
        self._queued = 0
        self._peak = 0
        self._pushed = 0
        self._taken = 0
        self._cleared = 0
        self._refused = 0

    @property
    def queued_samples(self) -> int:
        return self._queued

    def push(self, tag: Tag, pcm: bytes) -> int:
        """Queue a piece; the answer is how many samples at its end were refused."""
        offered = samples_in(pcm)
        kept = min(offered, self.limit_samples - self._queued)
        self._refused += offered - kept
        if kept:
            self._pieces.append((tag, pcm if kept == offered else pcm[: kept * BYTES_PER_SAMPLE]))
            self._pushed += kept
            self._queued += kept
            self._peak = max(self._peak, self._queued)
        return offered - kept

    def take(self, samples: int) -> list[tuple[Tag, bytes]]:
        """The oldest ``samples``, or all there are if that is less, in the pieces they came in."""
        wanted = min(samples, self._queued) * BYTES_PER_SAMPLE
        self._queued -= wanted // BYTES_PER_SAMPLE
        self._taken += wanted // BYTES_PER_SAMPLE
        out: list[tuple[Tag, bytes]] = []
        while wanted > 0:
            tag, pcm = self._pieces[0]
            begin, end = self._begun_bytes, min(len(pcm), self._begun_bytes + wanted)
            out.append((tag, pcm[begin:end]))  # a slice of all the bytes is the same object, not a copy
            wanted -= end - begin
            if end == len(pcm):
                self._pieces.popleft()
                end = 0
            self._begun_bytes = end
        return out

    def clear(self) -> dict[Tag, int]:
        """Drop everything; the answer is how many samples of each tag were dropped, oldest tag first."""
        dropped: dict[Tag, int] = {}
        begun = self._begun_bytes
        for tag, pcm in self._pieces:
            dropped[tag] = dropped.get(tag, 0) + (len(pcm) - begun) // BYTES_PER_SAMPLE
            begun = 0
        self._pieces.clear()
        self._begun_bytes = 0
        self._cleared += self._queued
        self._queued = 0
        return dropped

    def statistics(self) -> BufferStatistics:
        return BufferStatistics(self._queued, self._peak, self._pushed, self._taken, self._cleared, self._refused)
