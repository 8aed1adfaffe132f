"""Digits that the caller says, written down outside the model's hearing: by PocketSphinx with a grammar of nothing
else, in a process that all calls share, since it works for tens of milliseconds at a time.

Nothing here blocks, and nothing needs an event loop: the pipes are read and written with each frame that is heard.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
from collections import deque
from functools import lru_cache
from importlib.util import find_spec
from typing import Protocol

from vivavoce.audio.resample import resample
from vivavoce.voice.detector import DETECTOR_RATE_HZ
from vivavoce.voice.digits_frames import Frames, pack

_WORKER = (sys.executable, "-P", "-m", "vivavoce.voice.digits_worker")
_READ_BYTES = 65_536
_OUTBOX_LIMIT_BYTES = 4_000_000
"""Two minutes of talk that wait: what comes then is not written down."""
LOOKBACK_FRAMES = 20
LONGEST_FRAMES = 1_250
"""20 s; what is said after that without a pause is another piece."""


def why_not_digits() -> str:
    """Empty if digits that are said can be written down here, else what to install: then there are the keys alone."""
    if find_spec("pocketsphinx") is not None:
        return ""
    return "spoken digits need PocketSphinx: pip install 'vivavoce[local]'"


class Recogniser(Protocol):
    """Takes pieces of talk, and has their digits some time later."""

    def submit(self, pcm: bytes) -> int | None:
        """A piece at 16 kHz: the number of its answer. None where there is no room."""
        ...

    def answer(self, number: int) -> str | None:
        """The digits, maybe none; None while they are not known. Each is given once."""
        ...


class SharedRecogniser:
    """The process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  # our own program
            _WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._to, False)
        os.set_blocking(self._from, False)
        self._outbox = bytearray()
        self._frames = Frames()
        self._answers: dict[int, str] = {}
        self._number = 0

    @property
    def works(self) -> bool:
        return self._process.poll() is None

    def submit(self, pcm: bytes) -> int | None:
        if len(self._outbox) + len(pcm) > _OUTBOX_LIMIT_BYTES:
            return None
        self._number += 1
        self._outbox += pack(self._number, pcm)
        self._exchange()
        return self._number

    def answer(self, number: int) -> str | None:
        if number not in self._answers:
            self._exchange()
        if number not in self._answers and not self.works:
            return ""
        return self._answers.pop(number, None)

    def _exchange(self) -> None:
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            while self._outbox:
                del self._outbox[: os.write(self._to, self._outbox)]
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._from, _READ_BYTES):
                self._answers.update((number, digits.decode()) for number, digits in self._frames.feed(data))

    def close(self) -> None:
        """Ends the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.kill()
        self._process.wait()


@lru_cache
def _started() -> list[SharedRecogniser]:
    return []


def shared_recogniser() -> Recogniser | None:
    """The one of this process, started if need be; None where PocketSphinx is missing."""
    if why_not_digits():
        return None
    started = _started()
    if not started or not started[-1].works:
        started[:] = [SharedRecogniser()]
        atexit.register(started[-1].close)
    return started[-1]


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
