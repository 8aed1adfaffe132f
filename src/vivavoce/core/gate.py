"""The caller's audio on its way to the model, where it may have to wait until it is known whose turn it is.

Positions count from the caller's first sample. What comes out is what went in, in order and to the sample, but for the
stretches that the model is to hear as silence.
"""

from __future__ import annotations

from collections import deque

from vivavoce.events import Audio


class Gate:
    """``received`` samples came in, ``held`` of them are still here."""

    __slots__ = ("_waiting", "held", "received")

    def __init__(self) -> None:
        self._waiting: deque[Audio] = deque()
        self.received = 0
        self.held = 0

    def take(self, audio: Audio) -> None:
        self.received += audio.samples
        self.held += audio.samples
        self._waiting.append(audio)

    def release(self, keep: int = 0) -> list[Audio]:
        """What need not wait: everything but the newest ``keep`` samples, in the pieces in which it came."""
        released: list[Audio] = []
        while self._waiting and self.held - self._waiting[0].samples >= keep:
            audio = self._waiting.popleft()
            self.held -= audio.samples
            released.append(audio)
        return released

    def mute(self, begin: int, end: int) -> int:
        """Make silence of what is still here of that stretch; returns the samples that it was."""
        at = self.received - self.held
        muted = 0
        pieces: list[Audio] = []
        for audio in self._waiting:
            first = min(max(begin - at, 0), audio.samples)
            last = min(max(end - at, first), audio.samples)
            for piece, silent in ((audio.part(0, first), False), (audio.part(first, last), True)):
                if piece.samples:
                    pieces.append(piece.silenced() if silent else piece)
            if last < audio.samples:
                pieces.append(audio.part(last, audio.samples))
            muted += last - first
            at += audio.samples
        self._waiting = deque(pieces)
        return muted
