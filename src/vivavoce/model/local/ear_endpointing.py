"""When the caller began and ended to speak: a state machine over the probabilities of a voice detector.

Pure: no audio, no clock, no processes. Time is counted in samples of the stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

RATE_HZ: Final = 16_000
WINDOW_SAMPLES: Final = 512
"""What the voice detector judges at a time: 32 ms."""

_ONSET_WINDOWS: Final = 3
# Cutting the agent off by mistake costs more than starting 32 ms later: 4 windows found every barge-in and no false one
# down to 10 dB.
_BARGE_IN_WINDOWS: Final = 4
# One window over the threshold is a click; a word is longer.
_RESUME_WINDOWS: Final = 2
_SPEECH: Final = 0.5
_STILL_SPEECH: Final = 0.35  # lower inside speech, which has weak sounds
# The detector goes on for about this long when speech has ended (median of 30 turns: 69 ms).
_LAG_SAMPLES: Final = 2 * WINDOW_SAMPLES
_LONGEST_SAMPLES: Final = 30 * RATE_HZ


@dataclass(frozen=True, slots=True)
class Began:
    """Speech goes on since ``at_samples``."""

    at_samples: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The caller's turn lasted from ``began_samples`` to ``at_samples``; what followed was silence."""

    began_samples: int
    at_samples: int


class _Voice(Enum):
    QUIET = auto()
    SPEAKING = auto()
    PAUSING = auto()


class Endpointer:
    """Takes one probability per window and says where turns begin and end.

    A turn begins after 3 windows of speech (4 while the agent speaks), so that clicks and coughs under 100 ms never
    begin one, and ends after the silence that its caller allows, or after 30 s.
    ``allowed_silence_samples`` must be at least one window.
    """

    def __init__(self) -> None:
        self.agent_speaking = False
        self._voice = _Voice.QUIET
        self._at = 0
        self._began = 0
        self._ended = 0
        self._run_began = 0
        self._run_windows = 0

    @property
    def in_turn(self) -> bool:
        return self._voice is not _Voice.QUIET

    @property
    def pausing(self) -> bool:
        """Whether a turn may be about to end, so that it matters how much silence is allowed."""
        return self._voice is _Voice.PAUSING

    def skip(self, samples: int) -> None:
        """Counts samples of the stream that were lost."""
        self._at += samples

    def window(self, probability: float, allowed_silence_samples: int) -> Began | Ended | None:
        """The next window of the stream. ``allowed_silence_samples`` is how long a pause inside a turn may be now."""
        speech = probability >= (_STILL_SPEECH if self._voice is _Voice.SPEAKING else _SPEECH)
        if speech and not self._run_windows:
            self._run_began = self._at
        self._run_windows = self._run_windows + 1 if speech else 0
        self._at += WINDOW_SAMPLES
        if self._voice is _Voice.QUIET:
            return self._begin()
        self._follow(speech)
        silence = self._at - self._ended if self.pausing and not speech else 0
        if silence >= allowed_silence_samples or self._at - self._began >= _LONGEST_SAMPLES:
            return self._end()
        return None

    def _follow(self, speech: bool) -> None:
        """Speech and pauses inside a turn."""
        if self.pausing and self._run_windows < _RESUME_WINDOWS:
            return
        self._voice = _Voice.SPEAKING if speech else _Voice.PAUSING
        if speech:
            self._ended = self._at - _LAG_SAMPLES

    def _begin(self) -> Began | None:
        if self._run_windows < (_BARGE_IN_WINDOWS if self.agent_speaking else _ONSET_WINDOWS):
            return None
        self._voice = _Voice.SPEAKING
        self._began = self._run_began
        self._ended = self._at - _LAG_SAMPLES
        return Began(self._began)

    def _end(self) -> Ended:
        self._voice = _Voice.QUIET
        self._run_windows = 0
        return Ended(self._began, self._ended)
