"""Digits that the caller says, written down outside the model's hearing: with a grammar of nothing else."""

from __future__ import annotations

from collections import deque

from vivavoce.audio.resample import resample
from vivavoce.voice.detector import DETECTOR_RATE_HZ
from vivavoce.voice.recogniser import Recogniser

LOOKBACK_FRAMES = 20
LONGEST_FRAMES = 1_250
"""20 s; what is said after that without a pause is another piece."""


class SpokenDigits:
    """Of one call: what the caller says between pauses, and the digits of it, in their order."""

    def __init__(self, rate_hz: int, recogniser: Recogniser) -> None:
        self._rate_hz = rate_hz
        self._recogniser = recogniser
        self._past: deque[bytes] = deque(maxlen=LOOKBACK_FRAMES)
        self._talk: list[bytes] = []
        self._asked: deque[int] = deque()

    def hear(self, frame: bytes, *, talks: bool) -> str:
        """The next frame, and whether a voice is heard; digits that have become known, mostly none."""
        if talks and not self._talk:
            self._talk = list(self._past)
        if talks:
            self._talk.append(frame)
        if self._talk and (not talks or len(self._talk) >= LONGEST_FRAMES):
            self.finish()
        self._past.append(frame)
        return self._known()

    def finish(self) -> None:
        """What was said so far is a piece."""
        number = self._recogniser.submit(resample(b"".join(self._talk), self._rate_hz, DETECTOR_RATE_HZ))
        self._talk = []
        if number is not None:
            self._asked.append(number)

    def _known(self) -> str:
        digits = ""
        while self._asked and (answer := self._recogniser.answer(self._asked[0])) is not None:
            self._asked.popleft()
            digits += answer
        return digits
