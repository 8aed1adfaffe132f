"""What a voice into the agent's speech is, frame by frame, by what can be measured of it.

In the first third of a second "I see" and "I would like" are alike, whatever is measured (docs/decisions/0701). What
tells them apart is that one ends. So a voice that dies away by then is taken for a backchannel, and for the caller's
turn after all if it goes on.
"""

from __future__ import annotations

from dataclasses import dataclass

from vivavoce.events import VoiceJudged, VoiceKind
from vivavoce.voice.sound import Moment

JUDGED_FRAMES = 22
"""352 ms after it was told, before the core takes the turn for it: whether it dies away is looked at now."""
DIES_DB = 10.0
"""Its last 48 ms are so much softer than its loudest. With less, more interruptions have such a dip just then."""
TURN_FRAMES = 40
"""Speech of 640 ms is no backchannel: the longest of the usual ones, "okay yeah", has about 700 with its fading end."""
CONFIRMED_FRAMES = 18
"""What the detector does not take for speech within 288 ms is none."""
OTHERS_FRAMES = 8
"""Somebody else is told by loudness after 128 ms: a voice's first sounds are softer than its vowels."""
SOFTER_DB = 10.0
"""So much softer than this caller is somebody else, or somewhere else; a soft "mm-hm" among them is no loss."""
DOUBT_DB = 12.0
"""And so much more before those 128 ms are over."""
CLOSE_FRAMES = 32
"""A voice that goes on within half a second is the same, and what it said before counts."""
_STRONG_DB = 15.0


@dataclass(slots=True)
class Voice:
    """A voice that is being heard into the agent's speech. Counts are in frames."""

    kind: VoiceKind
    began: int = 0  # which frame
    told: int = 0  # since it was told of
    active: int = 0  # with speech
    peak_db: float = -200.0
    certain: bool = False
    last_db: tuple[float, ...] = ()


class Kinds:
    """Judges one voice after another. ``usual_db``: how loud this caller is, where that is known."""

    def __init__(self) -> None:
        self.usual_db: float | None = None
        self.voice: Voice | None = None
        self._before = 0  # active frames of the voice before
        self._ended = -CLOSE_FRAMES

    def begin(self, frame: int, heard: int, *, peak_db: float, may_be_echo: bool) -> VoiceKind:
        """A voice of ``heard`` frames so far is told of: what it is taken for by now."""
        kind = VoiceKind.CALLER
        if may_be_echo:
            kind = VoiceKind.ECHO
        elif self.usual_db is not None and peak_db < self.usual_db - SOFTER_DB - DOUBT_DB:
            kind = VoiceKind.OTHERS
        carried = self._before if frame - heard - self._ended < CLOSE_FRAMES else 0
        self.voice = Voice(kind, began=frame - heard, active=carried + heard, peak_db=peak_db)
        return kind

    def end(self, frame: int) -> None:
        if self.voice is not None:
            self._before, self._ended, self.voice = self.voice.active, frame, None

    def hear(self, sound: Moment, *, speech: bool, confirmed: bool) -> VoiceJudged | None:
        """The next moment of the voice; what it is taken for, where that changes."""
        voice = self.voice
        if voice is None or voice.kind is VoiceKind.ECHO:
            return None
        voice.told += 1
        voice.peak_db = max(voice.peak_db, sound.level_db)
        voice.active += speech and sound.level_db > voice.peak_db - _STRONG_DB
        voice.last_db = (*voice.last_db[-2:], sound.level_db)
        kind, certain = self._taken_for(voice, confirmed)
        if kind is voice.kind and certain == voice.certain:
            return None
        voice.kind, voice.certain = kind, certain
        return VoiceJudged(kind, certain)

    def _taken_for(self, voice: Voice, confirmed: bool) -> tuple[VoiceKind, bool]:
        if self._is_softer(voice):
            return (VoiceKind.OTHERS if voice.told >= OTHERS_FRAMES else voice.kind), False
        if not confirmed:
            return (VoiceKind.NOISE if voice.told >= CONFIRMED_FRAMES else voice.kind), False
        if voice.active >= TURN_FRAMES:
            return VoiceKind.CALLER, True
        if voice.kind in (VoiceKind.NOISE, VoiceKind.OTHERS):
            return VoiceKind.CALLER, False
        if voice.told == JUDGED_FRAMES and sum(voice.last_db) / len(voice.last_db) < voice.peak_db - DIES_DB:
            return VoiceKind.BACKCHANNEL, False
        return voice.kind, voice.certain

    def _is_softer(self, voice: Voice) -> bool:
        return self.usual_db is not None and voice.peak_db < self.usual_db - SOFTER_DB


class UsualLevel:
    """How loud this caller is: the median of the peaks of what they said while the agent was silent, each time at least
    ``LEAST_FRAMES``, and of what took the turn from it.
    """

    LEAST_FRAMES = 25
    VOICES = 1

    def __init__(self) -> None:
        self._peaks: list[float] = []
        self._levels: list[float] = []

    def hear(self, sound: Moment) -> None:
        self._levels.append(sound.level_db)

    def add(self, peak_db: float) -> None:
        """Something that was surely the caller's."""
        self._peaks = [*self._peaks[-6:], peak_db]

    def stop(self) -> float | None:
        """The voice ended; the level, where enough was heard."""
        levels, self._levels = sorted(self._levels), []
        if len(levels) >= self.LEAST_FRAMES:
            self.add(levels[-1])
        return sorted(self._peaks)[len(self._peaks) // 2] if len(self._peaks) >= self.VOICES else None
