"""Whether a word or two, said into the agent's speech, is an order to stop or a backchannel: "wait" and "okay" sound
alike to everything that measures sound (docs/decisions/0701), and are told by what they mean.

PocketSphinx listens for a few dozen English words of both kinds, in the process that writes digits down too. The noise
of the line is taken out before, by what the line sounded like just before the voice (spectral subtraction: S. Boll,
1979; with over-subtraction and a floor as in M. Berouti et al., 1979).
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from vivavoce.audio.arrays import to_array, to_pcm
from vivavoce.audio.resample import resample
from vivavoce.events import VoiceStopped
from vivavoce.voice.detector import DETECTOR_RATE_HZ
from vivavoce.voice.recogniser import Kind, Recogniser

# "But" is none of them: an "uh-huh" is heard as one.
ORDERS = (
    "stop", "stop it", "wait", "wait a minute", "no", "no no", "no wait", "hold on", "hang on", "sorry", "excuse me",
    "listen", "one moment",
)  # fmt: skip
BACKCHANNELS = (
    "mm", "mm hm", "uh huh", "yeah", "yes", "okay", "right", "sure", "i see", "got it", "oh", "oh okay", "um", "good",
    "great", "ah", "all right",
)  # fmt: skip
PRONUNCIATIONS = {"mm": "M", "hm": "HH M"}
"""Words that are none in the dictionary."""
BEFORE_FRAMES = 18
"""288 ms of the line before the voice."""
MARGIN_FRAMES = 6
SHORTEST_FRAMES = 20
"""With the silence after it: no order is as short as half a "mm-hm"."""
LONGEST_FRAMES = 44
"""What is longer is no word or two."""
PATIENCE_FRAMES = 10
"""So long after the voice its words are waited for."""
_WINDOW = 512
_STEP = 128
_OVER = 3.0
_LEAST = 0.08
_BEGINNINGS = frozenset(order.partition(" ")[0] for order in ORDERS)


def grammar() -> str:
    """JSGF: one of them."""
    return f"#JSGF V1.0;\ngrammar words;\npublic <said> = {' | '.join((*ORDERS, *BACKCHANNELS))};\n"


def is_order(words: str) -> bool:
    """Half an order is one too: a decoder stops where the sound does."""
    return words.partition(" ")[0] in _BEGINNINGS


def cleaned(pcm: bytes, before: bytes) -> bytes:
    """16 kHz PCM16 without the steady noise that ``before`` is a sample of."""
    sound = to_array(pcm).astype(np.float64)
    noise = np.mean(np.abs(_spectra(to_array(before).astype(np.float64))) ** 2, axis=0) if before else 0.0
    spectra = _spectra(np.concatenate((np.zeros(_WINDOW), sound, np.zeros(_WINDOW))))
    power = np.abs(spectra) ** 2
    power = (power + np.roll(power, 1, axis=0) + np.roll(power, -1, axis=0)) / 3
    gain = np.sqrt(np.maximum(1 - _OVER * noise / np.maximum(power, 1e-9), _LEAST**2))
    return to_pcm(_joined(spectra * gain)[_WINDOW : _WINDOW + len(sound)])


def _spectra(sound: NDArray[np.float64]) -> NDArray[np.complex128]:
    if len(sound) < _WINDOW:
        sound = np.pad(sound, (0, _WINDOW - len(sound)))
    frames = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::_STEP]
    return np.fft.rfft(frames * _window(), axis=1)


def _joined(spectra: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Overlap-add, each sample by the windows that it was seen through."""
    window = _window()
    sound = np.zeros(len(spectra) * _STEP + _WINDOW)
    seen = np.zeros_like(sound)
    for index, frame in enumerate(np.fft.irfft(spectra, _WINDOW, axis=1)):
        at = index * _STEP
        sound[at : at + _WINDOW] += frame * window
        seen[at : at + _WINDOW] += window**2
    return np.asarray(sound / np.maximum(seen, 1e-3), dtype=np.float64)


def _window() -> NDArray[np.float64]:
    return np.hanning(_WINDOW + 1)[:-1]


class SpokenWords:
    """Of one call: the last second of the line, and what is asked of it."""

    def __init__(self, rate_hz: int, recogniser: Recogniser) -> None:
        self._rate_hz = rate_hz
        self._recogniser = recogniser
        self._line: deque[bytes] = deque(maxlen=BEFORE_FRAMES + MARGIN_FRAMES + LONGEST_FRAMES + 16)
        self._asked: int | None = None
        self._patience = 0
        self.stopped: VoiceStopped | None = None
        """What is told once it is known what the voice said; None while nothing is waited for."""

    def hear(self, frame: bytes) -> None:
        self._line.append(frame)

    def ask(self, voice_frames: int, stopped: VoiceStopped) -> bool:
        """What the last ``voice_frames`` were; False if it is too much, or nobody can be asked."""
        if not SHORTEST_FRAMES <= voice_frames <= LONGEST_FRAMES:
            return False
        line = list(self._line)
        begin = max(0, len(line) - voice_frames - MARGIN_FRAMES)
        said = resample(b"".join(line[begin:]), self._rate_hz, DETECTOR_RATE_HZ)
        before = resample(b"".join(line[max(0, begin - BEFORE_FRAMES) : begin]), self._rate_hz, DETECTOR_RATE_HZ)
        self._asked = self._recogniser.submit(said, Kind.WORDS, before)
        self._patience = PATIENCE_FRAMES
        self.stopped = stopped if self._asked is not None else None
        return self.stopped is not None

    def answer(self) -> bool | None:
        """Whether it was an order, once that is known, or given up; None as long as it is waited for. Once a frame."""
        assert self._asked is not None, "something was asked"
        answer = self._recogniser.answer(self._asked)
        self._patience -= 1
        if answer is None and self._patience > 0:
            return None
        self.give_up()
        return bool(answer)

    def give_up(self) -> None:
        """Something else is heard."""
        self._asked = self.stopped = None
