"""From a stream of audio to what the caller said: voice detection, end-pointing and recognition in step.

Runs in the worker process; knows nothing of pipes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from vivavoce.model.local.dialogue.port import Expecting
from vivavoce.model.local.ear_denoise import Denoiser
from vivavoce.model.local.ear_endpointing import RATE_HZ, WINDOW_SAMPLES, Began, Ended, Endpointer
from vivavoce.model.local.ear_frames import EarEvent, PartialText, SpeechStarted, SpeechStopped, Utterance
from vivavoce.model.local.ear_recogniser import Recogniser
from vivavoce.model.local.ear_turn_text import TurnText

Detector = Callable[[bytes], float]
"""The probability that there is speech in a window of ``WINDOW_SAMPLES``."""

_WINDOW_BYTES: Final = 2 * WINDOW_SAMPLES
# 320 ms before the windows that a turn begins with, so that a soft first sound is not cut off.
_PREROLL_WINDOWS: Final = 10 + 4
_WINDOWS_PER_PARTIAL: Final = 3


class Hearing:
    """One caller's stream."""

    def __init__(self, detector: Detector, recogniser: Recogniser, turn_text: TurnText) -> None:
        self._detector = detector
        self._recogniser = recogniser
        self._denoise = Denoiser().feed if recogniser.wants_denoised else bytes
        self._turn_text = turn_text
        self._endpointer = Endpointer()
        self._unjudged = bytearray()
        self._preroll: deque[bytes] = deque(maxlen=_PREROLL_WINDOWS)
        self._text = ""
        self._windows = 0

    def expect(self, expecting: Expecting, complete: Sequence[str] = ()) -> None:
        self._turn_text.expect(expecting, complete)

    def agent_speaking(self, speaking: bool) -> None:
        self._endpointer.agent_speaking = speaking

    def skip(self, samples: int) -> None:
        """Counts audio that was lost on its way here."""
        self._endpointer.skip(samples)

    def audio(self, pcm: bytes) -> Iterator[EarEvent]:
        """Works on ``pcm`` as far as it fills windows."""
        self._unjudged += pcm
        while len(self._unjudged) >= _WINDOW_BYTES:
            window = bytes(self._unjudged[:_WINDOW_BYTES])
            del self._unjudged[:_WINDOW_BYTES]
            yield from self._window(window)

    def _window(self, window: bytes) -> Iterator[EarEvent]:
        probability = self._detector(window)
        cleaned = self._denoise(window)
        if self._endpointer.in_turn:
            self._recogniser.feed(cleaned)
            yield from self._partial()
        else:
            self._preroll.append(cleaned)
        match self._endpointer.window(probability, self._allowed_silence_samples()):
            case Began(at_samples):
                yield SpeechStarted(at_samples)
                self._recogniser.begin()
                self._recogniser.feed(b"".join(self._preroll))
                self._preroll.clear()
            case Ended(began_samples, at_samples):
                yield SpeechStopped(at_samples)
                self._text = ""
                yield Utterance(self._recogniser.finish(), began_samples, at_samples)

    def _partial(self) -> Iterator[PartialText]:
        self._windows += 1
        if self._windows % _WINDOWS_PER_PARTIAL == 0 and (text := self._recogniser.partial()) != self._text:
            self._text = text
            yield PartialText(text)

    def _allowed_silence_samples(self) -> int:
        text = self._recogniser.partial() if self._endpointer.pausing else ""
        return self._turn_text.allowed_silence_ms(text) * RATE_HZ // 1000
