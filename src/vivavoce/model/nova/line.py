"""The caller's audio on its way to the service: listened to, kept flowing, and given up rather than piled up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from vivavoce.audio.level_gate import Edge, SpeechDetector
from vivavoce.audio.pcm import BYTES_PER_SAMPLE, samples_for, silence
from vivavoce.events import Audio
from vivavoce.model.nova.prompt import Prompt

BACKLOG_S = 2
"""Caller audio that may wait because the service takes no more; what comes on top is given up."""
_WIRE_BYTES_PER_BYTE = 2.5  # base64 in JSON in base64 in JSON in a signed frame, at 20 ms a frame
QUIET_S = 1.0
"""A caller who sends nothing for so long is muted: until they come again the service is sent silence in their place."""
_SILENCE_MS = 100


class CallerLine:
    """One session's direction from the caller. ``unsent_bytes`` is what waits in the stream.

    What was sent on purpose in one go (a prompt, history, audio that is replayed) may take long to go out and says
    nothing of whether the service keeps up: it is not counted as backlog.
    """

    def __init__(self, prompt: Prompt, unsent_bytes: Callable[[], int], detector: SpeechDetector, rate_hz: int) -> None:
        self._prompt = prompt
        self._unsent_bytes = unsent_bytes
        self._detector = detector
        self._limit_bytes = int(BACKLOG_S * rate_hz * BYTES_PER_SAMPLE * _WIRE_BYTES_PER_BYTE)
        self._silence = silence(samples_for(_SILENCE_MS, rate_hz))
        self._excused_bytes = unsent_bytes()  # what the session begins with
        self._pieces = 0
        self._open = asyncio.Event()

    def forward(self, audio: Audio) -> tuple[bool, list[Edge]]:
        """Whether it was sent, and what is heard in it. It counts in positions either way."""
        self._pieces += 1
        unsent = self._unsent_bytes()
        self._excused_bytes = min(self._excused_bytes, unsent)
        sent = unsent - self._excused_bytes <= self._limit_bytes
        if sent:
            self._prompt.audio(audio.pcm)
            self._open.set()
        return sent, self._detector.hear(audio.pcm)

    def replay(self, audio: Audio) -> list[Edge]:
        """As :meth:`forward`, but never given up."""
        self._pieces += 1
        self.in_one_go(lambda: self._prompt.audio(audio.pcm))
        return self._detector.hear(audio.pcm)

    def in_one_go(self, send: Callable[[], None]) -> None:
        """Sends something that is no backlog of the caller's."""
        before = self._unsent_bytes()
        send()
        self._excused_bytes += max(0, self._unsent_bytes() - before)
        if self._prompt.audio_open:
            self._open.set()

    async def keep_flowing(self, muted: Callable[[list[Edge]], None]) -> None:
        """Sends silence while nothing comes: the service ends a session that it hears nothing from, and answers text
        only while audio flows. For one task; ``muted`` is told what ends with it.
        """
        await self._open.wait()
        wait_s = _SILENCE_MS / 1000
        while True:
            pieces = self._pieces
            await asyncio.sleep(wait_s)
            if self._pieces != pieces:
                wait_s = QUIET_S
                continue
            if edges := self._detector.mute():
                muted(edges)
            if self._unsent_bytes() <= self._limit_bytes:
                self._prompt.audio(self._silence)
            wait_s = _SILENCE_MS / 1000
