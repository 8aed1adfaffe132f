"""Who took a call that we made, by the first seconds of what they say: a person says a few words and waits, a machine
goes on, and beeps when it is our turn.
"""

from __future__ import annotations

from math import log2

from vivavoce.events import Answerer
from vivavoce.voice.presence import FRAME_MS
from vivavoce.voice.sound import Moment

PERSON_WAITS_MS = 700
"""So long after their first words nobody said more."""
PERSON_SAYS_MS = 2_200
"""A person's greeting is at most so long: "hello, this is Peter Smith speaking"."""
MACHINE_SAYS_MS = 2_800
"""Whoever talks for so long, with no pause of ``PERSON_WAITS_MS``, reads a text."""
BEEP_MS = 150
BEEP_HZ = (400, 2_100)
SHORT_MS = 60
"""Less sound is a click on the line, not an answer."""
_STEADY_OCTAVES = 0.02
_STEADY_DB = 4.0
_TONE = 0.85
"""So much of the power of 32 ms lies within one narrow peak."""


class AnswererJudge:
    """Shown each frame of the line from its first one on; says each verdict once. A beep is told whenever it comes
    after a machine, or before anything else; the tones of a line that rings are over before it is answered.
    """

    def __init__(self) -> None:
        self.verdict: Answerer | None = None
        self._spoken_ms = 0
        self._pause_ms = 0
        self._beep = _Beep()

    @property
    def done(self) -> bool:
        """Nothing more will be said."""
        return self.verdict in (Answerer.PERSON, Answerer.BEEP)

    def hear(self, sound: Moment | None, *, speech: bool) -> Answerer | None:
        """``sound`` is None where the line is soft; ``speech``: a voice is being heard."""
        if self.done:
            return None
        if self._beep.hear(sound):
            return self._say(Answerer.BEEP)
        if self._beep.begins:
            return None  # a tone is no talk
        if speech:
            self._spoken_ms += FRAME_MS + self._pause_ms
            self._pause_ms = 0
        elif self._spoken_ms:
            self._pause_ms += FRAME_MS
        return self._verdict()

    def _verdict(self) -> Answerer | None:
        if self._spoken_ms >= MACHINE_SAYS_MS and self.verdict is None:
            return self._say(Answerer.MACHINE)
        if self._pause_ms < PERSON_WAITS_MS or self.verdict is not None:
            return None
        if self._spoken_ms < SHORT_MS:
            self._spoken_ms = self._pause_ms = 0
            return None
        return self._say(Answerer.PERSON if self._spoken_ms <= PERSON_SAYS_MS else Answerer.MACHINE)

    def _say(self, answerer: Answerer) -> Answerer:
        self.verdict = answerer
        return answerer


class _Beep:
    """A steady tone."""

    def __init__(self) -> None:
        self._frames = 0
        self._hz = 0.0
        self._level_db = 0.0

    @property
    def begins(self) -> bool:
        """It has been steady for a while."""
        return self._frames * FRAME_MS >= BEEP_MS // 2

    def hear(self, sound: Moment | None) -> bool:
        """Whether it has lasted long enough with this frame."""
        if sound is None or sound.tonal < _TONE or not BEEP_HZ[0] <= sound.tone_hz <= BEEP_HZ[1]:
            self._frames = 0
            return False
        same = self._frames and abs(log2(sound.tone_hz / self._hz)) < _STEADY_OCTAVES
        steady = same and abs(sound.level_db - self._level_db) < _STEADY_DB
        self._frames = self._frames + 1 if steady else 1
        self._hz, self._level_db = sound.tone_hz, sound.level_db
        return self._frames * FRAME_MS >= BEEP_MS
