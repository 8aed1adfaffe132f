"""Whether a voice is on the line: a level gate that is always on, and behind it the detector."""

from __future__ import annotations

from collections import deque
from math import log10

import numpy as np

from vivavoce.audio.arrays import FULL_SCALE, to_array
from vivavoce.audio.level import SILENCE_DBFS
from vivavoce.audio.level_gate import NoiseFloor
from vivavoce.audio.pcm import samples_for
from vivavoce.voice.detector import Detector, Waking

FRAME_MS = 16
"""Half a chunk of the detector."""
ABOVE_FLOOR_DB = 8.0
"""A frame so much louder than the softest of the last three seconds is worth the detector. Single frames of steady
noise reach 6 dB.
"""
QUIETEST_DBFS = -55.0
"""Softer than this nothing is a voice."""
LOOKBACK_FRAMES = 20
"""320 ms that the detector hears when it is woken: with less it is later to be sure."""
AWAKE_FRAMES = 20
"""It goes back to sleep after so many soft frames in a row."""
STARTS = 0.4
"""The detector's chance of speech at which a voice starts, and below which it goes on."""
GOES_ON = 0.25
AUDIBLE_HANGOVER_FRAMES = 8
"""128 ms without speech end a voice while the agent speaks: that it was so short is what tells a backchannel."""
HANGOVER_FRAMES = 25
"""400 ms otherwise: the pauses within a sentence are shorter."""


_BLOCKS = 4
"""The mean over 4 ms is taken out."""


class Presence:
    """``begin``: where the voice that is being heard began, None while there is none. ``end``: where its last speech
    so far ended. Both in frames from the caller's first sample.
    """

    def __init__(self, rate_hz: int, detector: Detector) -> None:
        self.frame_samples = samples_for(FRAME_MS, rate_hz)
        self.begin: int | None = None
        self.end = 0
        self.level_dbfs = QUIETEST_DBFS
        self._floor = NoiseFloor()
        self._waking = Waking(rate_hz, detector)
        self._past: deque[tuple[bytes, bool]] = deque(maxlen=LOOKBACK_FRAMES)
        self._soft = 0  # frames in a row
        self._frames = 0

    @property
    def awake(self) -> bool:
        """Whether the detector hears."""
        return self._waking.awake

    def hear(self, frame: bytes, *, agent_audible: bool) -> bool:
        """The next frame. Whether a voice started or stopped with it."""
        self._frames += 1
        level = self.level_dbfs = level_dbfs(frame)
        loud = level >= QUIETEST_DBFS and level >= self._floor.dbfs + ABOVE_FLOOR_DB
        self._floor.push(level)
        self._past.append((frame, loud))
        self._soft = 0 if loud else self._soft + 1
        if not self._waking.awake and not loud:
            return False
        return self._judge(frame, AUDIBLE_HANGOVER_FRAMES if agent_audible else HANGOVER_FRAMES)

    def _judge(self, frame: bytes, hangover: int) -> bool:
        chance = self._waking.hear(frame) if self._waking.awake else self._waking.wake([past for past, _ in self._past])
        if self.begin is None:
            return self._may_start(chance)
        if chance is not None and chance >= GOES_ON and self._soft < 2:
            self.end = self._frames
        if self._frames - self.end < hangover:
            return False
        self.begin = None
        return True

    def _may_start(self, chance: float | None) -> bool:
        if chance is not None and chance >= STARTS and self._soft < 2:
            self.begin, self.end = max(self.end, self._frames - self._loud_frames()), self._frames
            return True
        if self._soft >= AWAKE_FRAMES:
            self._waking.sleep()
        return False

    def _loud_frames(self) -> int:
        """How far back the sound reaches: to where two frames in a row were soft."""
        soft = 0
        for count, (_, loud) in enumerate(reversed(self._past)):
            soft = 0 if loud else soft + 1
            if soft == 2:
                return max(1, count - 1)
        return len(self._past)


def level_dbfs(frame: bytes) -> float:
    """The level above some 125 Hz: below it is hum, and most of the wavering of a noise."""
    samples = to_array(frame).astype(np.float32)
    sums = samples.reshape(_BLOCKS, -1).sum(axis=1)
    energy = float(samples @ samples) - float(sums @ sums) * _BLOCKS / len(samples)
    return 10 * log10(energy / len(samples) / FULL_SCALE**2) if energy > 1 else SILENCE_DBFS
