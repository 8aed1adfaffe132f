"""What the agent says, paced: 20 ms of it every 20 ms of the loop's time, and silence where there is nothing to say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from vivavoce.audio.pcm import samples_for
from vivavoce.channel.paced import FRAME_MS, Beats
from vivavoce.channel.pacing import PlayoutQueue
from vivavoce.events import (
    Evidence,
    FinishPlaying,
    Flush,
    PausePlaying,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ResumePlaying,
)

Report = Callable[[PlayoutProgress | PlayoutStopped], None]


class FrameEncoder(Protocol):
    """Frames of 20 ms to payloads. ``clock_hz`` is that of the stream's timestamps."""

    clock_hz: int

    def encode(self, pcm: bytes) -> bytes:
        """``pcm`` is up to a frame; what is missing of it is silence."""
        ...


class Speaker:
    """The sender's task asks for payloads; what it was given is what was played, as far as this side can know.

    Nothing is encoded ahead of its time, so a flush leaves at most the packet that is being sent, and a pause the one
    after it, in which the sound fades out. The stream goes on in silence: its timestamps never stop.
    """

    def __init__(self, encoder: FrameEncoder, rate_hz: int, report: Report) -> None:
        self.frames = 0
        self._encoder = encoder
        self._frame_samples = samples_for(FRAME_MS, rate_hz)
        self._step = samples_for(FRAME_MS, encoder.clock_hz)
        self._queue = PlayoutQueue(rate_hz, Evidence.RTP)
        self._report = report
        self._beats = Beats(FRAME_MS / 1000)

    @property
    def queued_samples(self) -> int:
        return self._queue.queued_samples

    def perform(self, effect: Play | FinishPlaying | Flush | PausePlaying | ResumePlaying) -> None:
        match effect:
            case Play(response, audio):
                self._queue.play(response, audio.pcm)
            case FinishPlaying(response):
                if report := self._queue.finish(response):
                    self._report(report)
            case Flush(response):
                self._report(self._queue.flush(response))
            case PausePlaying():
                self._queue.pause()
            case ResumePlaying():
                self._queue.resume()

    async def next_payload(self) -> tuple[bytes, int]:
        """When it is due: the next payload and its timestamp."""
        await self._beats.next()
        taken = self._queue.take(self._frame_samples)
        payload = self._encoder.encode(taken.pcm)
        timestamp = self.frames * self._step
        self.frames += 1
        for report in taken.reports:
            self._report(report)
        return payload, timestamp
