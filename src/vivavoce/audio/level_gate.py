"""Whether somebody talks on the line, by loudness against the noise that is there.

Cheap enough to run on every line, all the time. It cannot tell speech from other loud sounds; what must, asks a
detector that costs more, and only while this gate is open (``vivavoce.voice``).

The noise floor is the softest stretch of the last three seconds: speech has gaps within that time, a fan or a held tone
has none and becomes the floor.
"""

from __future__ import annotations

from collections import deque
from math import log10
from typing import NamedTuple, Protocol

import numpy as np

from vivavoce.audio.arrays import FULL_SCALE, to_array
from vivavoce.audio.framing import Framer
from vivavoce.audio.level import SILENCE_DBFS
from vivavoce.audio.pcm import samples_for

FRAME_MS = 20
ABOVE_FLOOR_DB = 12.0
"""A frame so much louder than the floor is speech."""
QUIETEST_DBFS = -50.0
"""Softer than this nothing is speech, whatever the floor."""
FIRST_FLOOR_DBFS = -40.0
"""Before the first three seconds are over the floor is at most this: louder noise is rarer than a caller who talks at
once.
"""
ONSET_FRAMES = 3
"""So many loud frames in a row are a beginning: a click has fewer."""
HANGOVER_FRAMES = 20
"""So many soft frames in a row are an end: the gaps within words are shorter."""
_STRETCH_FRAMES = 15
_STRETCHES = 10


class Edge(NamedTuple):
    """Speech starts, or stops, at this position in the caller's audio."""

    starts: bool
    at: int


class SpeechDetector(Protocol):
    """Hears a caller's audio. Edges alternate, beginning with a start; positions grow."""

    def hear(self, pcm: bytes) -> list[Edge]:
        """The edges that are known with this stretch; each may lie before it."""
        ...

    def mute(self) -> list[Edge]:
        """No more audio comes for now: whoever was talking has stopped."""
        ...


class LevelGate:
    """The simplest :class:`SpeechDetector`: a floor that follows the line, and a level above it."""

    def __init__(self, rate_hz: int) -> None:
        self._framer = Framer(samples_for(FRAME_MS, rate_hz))
        self._floor = NoiseFloor()
        self._at = 0  # of the next frame
        self._loud = 0  # frames in a row
        self._last_loud: int | None = None  # where the last loud frame ended; None while nobody talks

    def hear(self, pcm: bytes) -> list[Edge]:
        edges: list[Edge] = []
        for frame in self._framer.push(pcm):
            self._hear_frame(frame, edges)
        return edges

    def mute(self) -> list[Edge]:
        self._loud = 0
        if self._last_loud is None:
            return []
        at, self._last_loud = self._last_loud, None
        return [Edge(starts=False, at=at)]

    def _hear_frame(self, frame: bytes, edges: list[Edge]) -> None:
        size = self._framer.frame_samples
        level = level_dbfs(frame)
        is_loud = level >= max(QUIETEST_DBFS, self._floor.dbfs + ABOVE_FLOOR_DB)
        self._floor.push(level)
        self._at += size
        self._loud = self._loud + 1 if is_loud else 0
        if self._last_loud is None:
            if self._loud == ONSET_FRAMES:
                self._last_loud = self._at
                edges.append(Edge(starts=True, at=self._at - ONSET_FRAMES * size))
        elif is_loud:
            self._last_loud = self._at
        elif self._at - self._last_loud >= HANGOVER_FRAMES * size:
            edges.extend(self.mute())


class NoiseFloor:
    """The level of the softest frame of the last three seconds, in stretches of 300 ms."""

    def __init__(self) -> None:
        self._past = deque([FIRST_FLOOR_DBFS], maxlen=_STRETCHES)
        self._stretch: list[float] = []
        self.dbfs = FIRST_FLOOR_DBFS

    def push(self, level: float) -> None:
        self._stretch.append(level)
        if level < self.dbfs:
            self.dbfs = level
        if len(self._stretch) == _STRETCH_FRAMES:
            self._past.append(min(self._stretch))
            self._stretch.clear()
            self.dbfs = min(self._past)


def level_dbfs(frame: bytes) -> float:
    """The level of a short piece, at the least cost. Square sums of some thousand samples are exact enough in single
    precision.
    """
    samples = to_array(frame).astype(np.float32)
    energy = float(np.dot(samples, samples))
    return 10 * log10(energy / len(samples) / FULL_SCALE**2) if energy else SILENCE_DBFS
