"""Caller and agent on one clock: two tracks become one stereo stream, piece by piece, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from vivavoce.audio.arrays import PCM16, to_array
from vivavoce.errors import UsageError


class Track(IntEnum):
    """Whose sound; the value is the channel in the stereo stream."""

    CALLER = 0
    AGENT = 1


@dataclass(frozen=True, slots=True)
class MixerStatistics:
    """All in samples: written so far (of each track), and refused for being late or too far ahead."""

    flushed: int
    late: int
    ahead: int


class StereoMixer:
    """Places audio at sample positions of one clock and gives it back interleaved: caller left, agent right.

    - Where nothing was placed there is silence.
    - Where two pieces of one track overlap, the one placed last is heard.
    - What lies before the position already flushed is late, what lies ``window_samples`` or more after it is too far
      ahead: that part is left out and counted, the rest is placed.
    """

    def __init__(self, window_samples: int) -> None:
        if window_samples <= 0:
            raise UsageError(f"a window of {window_samples} samples", hint="a window has at least one sample")
        self.window_samples = window_samples
        self._pending = np.zeros((0, len(Track)), PCM16)  # grows as needed, at most to the window
        self._end = 0  # of what was placed, in rows of _pending; the rows after it are silent
        self._flushed = 0
        self._late = 0
        self._ahead = 0

    def place(self, track: Track, start_samples: int, pcm: bytes) -> int:
        """Put a piece where it belongs; the answer is how many of its samples were left out."""
        samples = to_array(pcm)
        at = start_samples - self._flushed
        late = min(len(samples), max(0, -at))
        ahead = min(len(samples) - late, max(0, at + len(samples) - self.window_samples))
        self._late += late
        self._ahead += ahead
        kept = samples[late : len(samples) - ahead]
        if len(kept):
            begin, end = at + late, at + late + len(kept)
            self._make_room(end)
            self._pending[begin:end, track] = kept
            self._end = max(self._end, end)
        return late + ahead

    def flush_until(self, position_samples: int) -> bytes:
        """Everything from the last flush up to this position, interleaved. What is placed there later is late."""
        wanted = position_samples - self._flushed
        if wanted <= 0:
            return b""
        ready = min(wanted, self._end)
        stereo = self._pending[:ready].tobytes() + bytes((wanted - ready) * len(Track) * PCM16.itemsize)
        left = self._end - ready
        self._pending[:left] = self._pending[ready : self._end]
        self._pending[left : self._end] = 0
        self._end = left
        self._flushed = position_samples
        return stereo

    @property
    def placed_until_samples(self) -> int:
        """Where the last sample placed ends; flushing up to here gives all there is."""
        return self._flushed + self._end

    def statistics(self) -> MixerStatistics:
        return MixerStatistics(flushed=self._flushed, late=self._late, ahead=self._ahead)

    def _make_room(self, rows: int) -> None:
        if rows > len(self._pending):
            grown = np.zeros((min(self.window_samples, max(rows, 2 * len(self._pending))), len(Track)), PCM16)
            grown[: self._end] = self._pending[: self._end]
            self._pending = grown
