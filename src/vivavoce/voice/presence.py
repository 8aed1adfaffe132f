"""Whether a voice is on the line: a level gate that is always on, and behind it the detector."""

from __future__ import annotations

from collections import deque

from vivavoce.audio.level import SILENCE_DBFS
from vivavoce.audio.level_gate import NoiseFloor
from vivavoce.voice.detector import Detector, Waking
from vivavoce.voice.sound import Moment, level_dbfs

FRAME_MS = 16
"""Half a chunk of the detector."""
ABOVE_FLOOR_DB = 8.0
"""A frame so much louder than the softest of the last three seconds is worth the detector. Single frames of steady
pink noise reach 6 dB.
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
TRUSTED_FRAMES = 64
"""While the agent is silent nothing is decided by the caller's voice, and it is enough to ask each second whether it
still is one.
"""
EVIDENT_FRAMES = 4
"""So many frames in a row that hiss, or that have a pitch, are a voice before the detector says so: it does not take
an "s" for speech before the vowel after it comes.
"""
HISSES = 0.7
PITCHED = 0.75
FADES_DB = 32.0
"""So much softer than its loudest moment it is no voice any more, but its echo in the room."""
DIPS_FRAMES = 5
"""In noise a voice dips below the level of the gate for less than so many frames."""
AUDIBLE_HANGOVER_FRAMES = 8
"""128 ms without speech end a voice while the agent speaks: that it was so short is what tells a backchannel."""
HANGOVER_FRAMES = 25
"""400 ms otherwise: the pauses within a sentence are shorter."""


class LevelFloor:
    """How loud each frame is, and whether it stands out of the line's noise."""

    def __init__(self) -> None:
        self.level_dbfs = SILENCE_DBFS
        self._floor = NoiseFloor()

    @property
    def dbfs(self) -> float:
        return self._floor.dbfs

    def hear(self, frame: bytes) -> bool:
        level = self.level_dbfs = level_dbfs(frame)
        loud = level >= QUIETEST_DBFS and level >= self._floor.dbfs + ABOVE_FLOOR_DB
        self._floor.push(level)
        return loud


class Presence:
    """``begin``: where the voice that is being heard began, None while there is none. ``end``: where its last speech
    so far ended. Both in frames from the caller's first sample. ``confirmed``: the detector takes it for speech, too.
    """

    def __init__(self, rate_hz: int, detector: Detector) -> None:
        self.begin: int | None = None
        self.end = 0
        self.confirmed = False
        self.frames = 0
        self._waking = Waking(rate_hz, detector)
        self._past: deque[tuple[bytes, bool]] = deque(maxlen=LOOKBACK_FRAMES)
        self._evident = _Evidence()
        self._trusted = 0

    @property
    def awake(self) -> bool:
        """Whether every frame has to be looked at."""
        return self._waking.awake or self.begin is not None

    @property
    def peak_db(self) -> float:
        """Of the voice that is being heard."""
        return self._evident.peak_db

    def pass_by(self, frame: bytes) -> None:
        """The next frame, soft, while the detector sleeps."""
        self.frames += 1
        self._past.append((frame, False))

    def hear(self, frame: bytes, moment: Moment, *, loud: bool, agent_audible: bool, least: int = 1) -> bool:
        """The next frame. Whether a voice started or stopped with it; it does not start before ``least`` loud frames in
        a row.
        """
        self.frames += 1
        self._past.append((frame, loud))
        evident = self._evident
        evident.hear(moment, loud)
        self._ask(frame, agent_audible)
        if self.begin is None:
            return self._may_start(least)
        return self._may_stop(AUDIBLE_HANGOVER_FRAMES if agent_audible else HANGOVER_FRAMES)

    def _ask(self, frame: bytes, agent_audible: bool) -> None:
        """The detector, unless what it said is to be trusted."""
        waking, evident = self._waking, self._evident
        self._trusted = 0 if agent_audible or self.begin is None else self._trusted - 1
        if self._trusted > 0:
            return
        chance = waking.hear(frame) if waking.awake else waking.wake([past for past, _ in self._past])
        if chance is not None:
            evident.chance = chance
        if not agent_audible and self.begin is not None and evident.chance >= STARTS:
            self._trusted = TRUSTED_FRAMES
            waking.sleep()

    def _may_start(self, least: int) -> bool:
        evident = self._evident
        sure = evident.chance >= STARTS and evident.soft < 2 and evident.loud >= least
        if sure or evident.hissing >= EVIDENT_FRAMES or evident.pitched >= EVIDENT_FRAMES:
            self.begin, self.end = max(self.end, self.frames - self._loud_frames()), self.frames
            self.confirmed = sure
            evident.peak_db = evident.recent_db
            return True
        if evident.soft >= AWAKE_FRAMES:
            self._waking.sleep()
            evident.chance = 0.0
        return False

    def _may_stop(self, hangover: int) -> bool:
        evident = self._evident
        self.confirmed = self.confirmed or evident.chance >= STARTS
        if evident.goes_on():
            self.end = self.frames
        if self.frames - self.end < hangover:
            return False
        self.begin = None
        return True

    def _loud_frames(self) -> int:
        """How far back the sound reaches: to where two frames in a row were soft."""
        soft = 0
        for count, (_, loud) in enumerate(reversed(self._past)):
            soft = 0 if loud else soft + 1
            if soft == 2:
                return max(1, count - 1)
        return len(self._past)


class _Evidence:
    """What the last frames say for a voice. Counts are of frames in a row."""

    def __init__(self) -> None:
        self.soft = 0
        self.loud = 0
        self.hissing = 0
        self.pitched = 0
        self.chance = 0.0
        self.level_db = SILENCE_DBFS
        self.recent_db = SILENCE_DBFS
        self.peak_db = SILENCE_DBFS
        self._has_pitch = False

    def hear(self, moment: Moment, loud: bool) -> None:
        self.level_db = moment.level_db
        self.recent_db = max(moment.level_db, self.recent_db) if loud else moment.level_db
        self._has_pitch = moment.voicing >= PITCHED
        self.soft = 0 if loud else self.soft + 1
        self.loud = self.loud + 1 if loud else 0
        self.hissing = self.hissing + 1 if loud and moment.hiss >= HISSES else 0
        self.pitched = self.pitched + 1 if loud and self._has_pitch else 0

    def goes_on(self) -> bool:
        """Whether the last frame still is of a voice that has begun."""
        self.peak_db = max(self.peak_db, self.level_db)
        if self.level_db < self.peak_db - FADES_DB:
            return False
        if self.soft:
            return self.soft < DIPS_FRAMES and self.chance >= STARTS
        return self.chance >= GOES_ON or self._has_pitch or self.hissing > 0
