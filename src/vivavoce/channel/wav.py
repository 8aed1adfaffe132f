"""A caller made of sound files, who waits for the agent, or barges in at given moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vivavoce.audio.files import read_audio
from vivavoce.audio.level import peak_dbfs
from vivavoce.audio.pcm import BYTES_PER_SAMPLE, samples_in
from vivavoce.audio.resample import resample
from vivavoce.channel.paced import PacedChannel
from vivavoce.errors import AudioFileError, UsageError

SILENT_DBFS = -60.0
"""A file whose loudest sample is softer than this holds no speech."""
AUDIBLE_DBFS = -50.0
"""The caller hears the agent in a frame whose loudest sample is at least this."""
PATIENCE_MS = 900
GIVE_UP_MS = 20_000
"""Longer than a model session that says nothing is waited for, so that another one can still answer."""


@dataclass(frozen=True, slots=True)
class CallerUtterance:
    """What the caller says in one go.

    With ``barge_in_after_ms`` it is said so long after the agent has begun to be heard; if the agent falls silent
    before that, it is said like any other. ``text`` is what was said, where that is known.
    """

    pcm: bytes
    barge_in_after_ms: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Where in the caller's audio an utterance lies, in samples; ``over_agent`` if the agent was being heard."""

    utterance: CallerUtterance
    begin: int
    end: int
    over_agent: bool


@dataclass(frozen=True, slots=True)
class Manners:
    """How a caller takes turns.

    ``patience_ms``: the agent's turn counts as over after so much quiet. ``give_up_ms``: how long the caller waits for
    an agent that says nothing at all. ``greeted``: the caller lets the agent speak first. ``straight``: everything is
    said without a pause, and only the last reply is waited for.
    """

    patience_ms: int = PATIENCE_MS
    give_up_ms: int = GIVE_UP_MS
    greeted: bool = True
    straight: bool = False


class ScriptedCaller:
    """Says each utterance when the agent has answered the last, hangs up when it has answered the last of all.

    ``spoken`` grows as utterances are said.
    """

    def __init__(self, utterances: Sequence[CallerUtterance], rate_hz: int, manners: Manners | None = None) -> None:
        _check(utterances)
        self.spoken: list[Spoken] = []
        self._utterances = tuple(utterances)
        self._manners = manners or Manners()
        self._ear = _Ear(rate_hz)
        self._at = 0  # position in the caller's audio
        self._said_bytes = 0  # of the utterance being said
        self._saying: CallerUtterance | None = None

    def speak(self, samples: int, heard: bytes) -> bytes | None:
        self._ear.hear(samples, heard)
        if self._saying is None and self._my_turn():
            if len(self.spoken) == len(self._utterances):
                return None
            self._begin(self._utterances[len(self.spoken)])
        frame = self._say(samples)
        self._at += samples
        return frame

    def _my_turn(self) -> bool:
        manners, ear, done = self._manners, self._ear, len(self.spoken)
        if done < len(self._utterances):
            if manners.straight or (done == 0 and not manners.greeted):
                return True
            barge_in_ms = self._utterances[done].barge_in_after_ms
            if barge_in_ms is not None and ear.talking_ms is not None and ear.talking_ms >= barge_in_ms:
                return True
        return ear.quiet_ms >= (manners.give_up_ms if ear.talking_ms is None else manners.patience_ms)

    def _begin(self, utterance: CallerUtterance) -> None:
        self._saying = utterance
        self._said_bytes = 0
        end = self._at + samples_in(utterance.pcm)
        self.spoken.append(Spoken(utterance, self._at, end, over_agent=self._ear.hears))

    def _say(self, samples: int) -> bytes:
        if self._saying is None:
            return b""
        frame = self._saying.pcm[self._said_bytes : self._said_bytes + samples * BYTES_PER_SAMPLE]
        self._said_bytes += len(frame)
        if self._said_bytes == len(self._saying.pcm):
            self._saying = None
            self._ear.forget()
        return frame


class _Ear:
    """What the caller has heard of the agent since the caller last spoke."""

    def __init__(self, rate_hz: int) -> None:
        self.hears = False
        self._rate_hz = rate_hz
        self._quiet = 0
        self._talking: int | None = None

    @property
    def quiet_ms(self) -> int:
        """Since the agent was last heard, or since the caller last spoke."""
        return self._quiet * 1000 // self._rate_hz

    @property
    def talking_ms(self) -> int | None:
        """Since the agent was first heard; None if it was not."""
        return None if self._talking is None else self._talking * 1000 // self._rate_hz

    def hear(self, samples: int, heard: bytes) -> None:
        self.hears = peak_dbfs(heard) >= AUDIBLE_DBFS
        self._quiet = 0 if self.hears else self._quiet + samples
        if self._talking is not None:
            self._talking += samples
        elif self.hears:
            self._talking = samples

    def forget(self) -> None:
        self._quiet = 0
        self._talking = None


def wav_channel(
    utterances: Sequence[CallerUtterance],
    rate_hz: int = 16_000,
    manners: Manners | None = None,
    name: str = "wav",
) -> PacedChannel:
    """A channel with a :class:`ScriptedCaller` on the line."""
    return PacedChannel(name, rate_hz, ScriptedCaller(utterances, rate_hz, manners))


def load_utterances(
    paths: Sequence[Path], barge_in: Mapping[int, int] | None = None, rate_hz: int = 16_000
) -> list[CallerUtterance]:
    """One utterance a file, at ``rate_hz``. ``barge_in`` says after how many ms those with these indices (from 0) barge
    in. Raises :class:`AudioFileError` for what is no sound, or no sound that anyone could hear.
    """
    after_ms = dict(barge_in or {})
    if unknown := sorted(index for index in after_ms if not 0 <= index < len(paths)):
        raise UsageError(f"no file {unknown[0]} to barge in with", hint=f"there are {len(paths)}; the first is 0")
    return [CallerUtterance(_load(path, rate_hz), after_ms.get(index)) for index, path in enumerate(paths)]


def _load(path: Path, rate_hz: int) -> bytes:
    recording = read_audio(path)
    if peak_dbfs(recording.pcm) < SILENT_DBFS:
        raise AudioFileError(
            f"{path} is silent: nothing in it is louder than {SILENT_DBFS:.0f} dBFS",
            hint="give a recording in which somebody speaks",
        )
    return resample(recording.pcm, recording.rate_hz, rate_hz)


def _check(utterances: Sequence[CallerUtterance]) -> None:
    if not utterances:
        raise UsageError("a caller with nothing to say", hint="give at least one utterance")
    for number, utterance in enumerate(utterances, start=1):
        if not samples_in(utterance.pcm):
            raise UsageError(f"utterance {number} is empty", hint="give audio that holds speech")
        if (utterance.barge_in_after_ms or 0) < 0:
            raise UsageError(
                f"utterance {number} barges in after {utterance.barge_in_after_ms} ms", hint="give 0 ms or more"
            )
