"""A recogniser of a few words, for what is not the model's to hear: PocketSphinx, in a process that all calls share,
since it works for tens of milliseconds at a time.

Nothing here blocks, and nothing needs an event loop: the pipes are read and written with each frame that is heard.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import struct
import subprocess
import sys
from enum import IntEnum
from functools import lru_cache
from importlib.util import find_spec
from typing import Protocol

from vivavoce.voice.worker_frames import Frames, pack

_WORKER = (sys.executable, "-P", "-m", "vivavoce.voice.recogniser_worker")
_READ_BYTES = 65_536
_OUTBOX_LIMIT_BYTES = 4_000_000
"""Two minutes of talk that wait: what comes then is not written down."""
_QUESTION = struct.Struct("<BI")


class Kind(IntEnum):
    """What is listened for."""

    DIGITS = 0
    WORDS = 1


def question(kind: Kind, pcm: bytes, before: bytes) -> bytes:
    """A piece of talk, and what the line sounded like before it."""
    return _QUESTION.pack(kind, len(before)) + before + pcm


def read_question(payload: bytes) -> tuple[Kind, bytes, bytes]:
    kind, length = _QUESTION.unpack_from(payload)
    begin = _QUESTION.size
    return Kind(kind), payload[begin + length :], payload[begin : begin + length]


def why_not_digits() -> str:
    """Empty if digits that are said can be written down here, else what to install: then there are the keys alone."""
    if find_spec("pocketsphinx") is not None:
        return ""
    return "spoken digits need PocketSphinx: pip install 'vivavoce[local]'"


class Recogniser(Protocol):
    """Takes pieces of talk, and has their words some time later."""

    def submit(self, pcm: bytes, kind: Kind = Kind.DIGITS, before: bytes = b"") -> int | None:
        """A piece at 16 kHz: the number of its answer. None where there is no room."""
        ...

    def answer(self, number: int) -> str | None:
        """The digits, or the order to stop, maybe none; None while it is not known. Each is given once."""
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

    def submit(self, pcm: bytes, kind: Kind = Kind.DIGITS, before: bytes = b"") -> int | None:
        if len(self._outbox) + len(pcm) > _OUTBOX_LIMIT_BYTES:
            return None
        self._number += 1
        self._outbox += pack(self._number, question(kind, pcm, before))
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
                self._answers.update((number, said.decode()) for number, said in self._frames.feed(data))

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
