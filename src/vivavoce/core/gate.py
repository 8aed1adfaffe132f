"""The caller's audio on its way to the model, where it may have to wait until it is known whose turn it is.

Positions count from the caller's first sample. What comes out is what went in, in order and to the sample, but for the
stretches that the model is not to hear. Those become the line's own background, from just before: a detector that
follows the level of a noisy line takes it for a voice when it comes back after digital silence.
"""

from __future__ import annotations

from array import array
from collections import deque

from vivavoce.events import Audio

BACKGROUND_SAMPLES = 2_400
"""So much of what came before is made into background: 50 to 300 ms, by the call's rate."""

PAST_PIECES = 32
"""As many pieces make at least that, unless they are shorter than any channel's."""


class Gate:
    """``received`` samples came in, ``held`` of them are still here."""

    __slots__ = ("_past", "_waiting", "held", "received")

    def __init__(self) -> None:
        self._waiting: deque[Audio] = deque()
        self._past: deque[Audio] = deque(maxlen=PAST_PIECES)  # the last that went out, and was heard
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
        self._past.extend(released)
        return released

    def pass_by(self, audio: Audio) -> None:
        """It need not wait at all."""
        self.received += audio.samples
        self._past.append(audio)

    def forget(self) -> None:
        """What went out was not for the model's ears, in no form."""
        self._past.clear()

    def mute(self, begin: int, end: int) -> int:
        """Make background of what is still here of that stretch; returns the samples that it was."""
        at = self.received - self.held
        muted = 0
        kept: list[Audio] = []
        rest: list[Audio] = []
        for audio in self._waiting:
            first = min(max(begin - at, 0), audio.samples)
            last = min(max(end - at, first), audio.samples)
            if first:
                kept.append(audio.part(0, first))
            if last < audio.samples:
                rest.append(audio.part(last, audio.samples))
            muted += last - first
            at += audio.samples
        before = b"".join(audio.pcm for audio in (*self._past, *kept))[-2 * BACKGROUND_SAMPLES :]
        self._waiting = deque([*kept, *([background(before, muted)] if muted else []), *rest])
        return muted


def background(before: bytes, samples: int) -> Audio:
    """``samples`` that sound as ``before`` did: it is played to and fro, so that there is no seam."""
    if not before:
        return Audio(bytes(2 * samples))
    there = array("h", before)
    there.reverse()
    back = array("h", before)
    cycle = (there + back).tobytes()
    return Audio((cycle * (2 * samples // len(cycle) + 1))[: 2 * samples])
