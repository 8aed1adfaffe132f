"""Sound in the place of a lost packet: the last periods of the voice go on, and fade.

In the spirit of ITU-T G.711 Appendix I: the period is found by correlation, whole periods are repeated so that short
ones do not buzz, the first 10 ms are at full level, and after 60 ms nothing is left. What comes after is faded in over
the repetition.
"""

from __future__ import annotations

import numpy as np

from vivavoce.channel.webrtc.pitch import LONGEST_MS, Sound, period

_FULL_MS = 10
_GONE_MS = 60
_LOOP_MS = 10
_JOIN_MS = 5
_HELD_MS = 2 * LONGEST_MS + _LOOP_MS


class Concealer:
    """For one stream. Every frame goes through ``heard`` or is made by ``missing``, in order."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._history: Sound = np.zeros(int(_HELD_MS * rate_hz / 1000), np.float32)
        self._loop: Sound | None = None
        self._made = 0

    def heard(self, sound: Sound) -> Sound:
        """Real sound as it is to be played: joined smoothly to what was made up before it."""
        if self._loop is not None and len(sound):
            width = min(len(sound), self._ms(_JOIN_MS))
            ahead = self._make(self._loop, width)
            ramp = np.arange(1, width + 1, dtype=np.float32) / np.float32(width + 1)
            sound = np.concatenate((ahead + (sound[:width] - ahead) * ramp, sound[width:]))
            self._loop = None
        self._remember(sound)
        return sound

    def missing(self, samples: int) -> Sound:
        """So many samples in the place of what did not come."""
        if self._loop is None:
            self._loop, self._made = self._repeatable(), 0
        return self._make(self._loop, samples)

    def _repeatable(self) -> Sound:
        """Whole periods from the end of the history, whose end runs into their beginning."""
        lag, _ = period(self._history, self._rate_hz)
        length = lag * max(1, -(-self._ms(_LOOP_MS) // lag))
        loop = self._history[-length:].copy()
        width = lag // 4
        ramp = np.arange(1, width + 1, dtype=np.float32) / np.float32(width + 1)
        before = self._history[-length - width : -length]
        loop[-width:] += (before - loop[-width:]) * ramp
        return loop

    def _make(self, loop: Sound, samples: int) -> Sound:
        places = np.arange(self._made, self._made + samples)
        full, gone = self._ms(_FULL_MS), self._ms(_GONE_MS)
        level = np.clip((gone - places) / np.float32(gone - full), 0, 1).astype(np.float32)
        made = loop[places % len(loop)] * level
        if self._made == 0:
            # The history's very end, where the first repetition does not start exactly.
            width = min(samples, len(loop) // 4)
            step = self._history[-1] - loop[-1]
            made[:width] += step * np.linspace(1, 0, width, dtype=np.float32)
        self._made += samples
        return made

    def _remember(self, sound: Sound) -> None:
        held = len(self._history)
        self._history = (
            sound[-held:].copy() if len(sound) >= held else np.concatenate((self._history[len(sound) :], sound))
        )

    def _ms(self, ms: float) -> int:
        return int(ms * self._rate_hz / 1000)
