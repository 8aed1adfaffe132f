"""A caller in the same process: for tests, and for putting an agent inside another program."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from vivavoce.audio.pcm import BYTES_PER_SAMPLE, samples_in
from vivavoce.channel.paced import PacedChannel
from vivavoce.events import CallerText


class Heard(NamedTuple):
    """What was played to the caller from sample ``at`` of the call on."""

    at: int
    pcm: bytes


class MemoryChannel(PacedChannel):
    """What is handed to :meth:`say` is said at a talker's pace; the caller is silent otherwise.

    Everything played is kept in ``heard``, or goes to ``listener`` instead, which must not block. All methods are for
    the call's own loop.
    """

    def __init__(
        self, rate_hz: int = 16_000, name: str = "memory", listener: Callable[[Heard], None] | None = None
    ) -> None:
        self.heard: list[Heard] = []
        self._voice = _Voice(listener or self.heard.append)
        super().__init__(name, rate_hz, self._voice)

    @property
    def heard_pcm(self) -> bytes:
        """All that was played, without the pauses."""
        return b"".join(piece.pcm for piece in self.heard)

    def say(self, pcm: bytes) -> None:
        """Say this after what is still to be said."""
        self._voice.say(pcm)

    def type(self, text: str) -> None:
        self._answers.append(CallerText(text))

    def hang_up(self) -> None:
        """Hang up now, whatever is still to be said."""
        self._voice.leaves = True

    async def said(self) -> None:
        """Returns when everything has been said. The channel must be running."""
        await self._voice.all_said.wait()


class _Voice:
    """A :class:`~vivavoce.channel.paced.CallerSource`."""

    def __init__(self, listener: Callable[[Heard], None]) -> None:
        self.leaves = False
        self.all_said = asyncio.Event()
        self.all_said.set()
        self._listener = listener
        self._unsaid = bytearray()
        self._at = 0

    def say(self, pcm: bytes) -> None:
        if samples_in(pcm):
            self._unsaid += pcm
            self.all_said.clear()

    def speak(self, samples: int, heard: bytes) -> bytes | None:
        if heard:
            self._listener(Heard(self._at, heard))
        self._at += samples
        if self.leaves:
            return None
        frame = bytes(self._unsaid[: samples * BYTES_PER_SAMPLE])
        del self._unsaid[: len(frame)]
        if not self._unsaid:
            self.all_said.set()
        return frame
