"""A channel that keeps the pace of a phone line by the loop's clock: 20 ms in and 20 ms out, fifty times a second.

Made for callers that are made of data. Real time, faster or virtual is the loop's choice
(:func:`vivavoce.engine.clock.run`), not the channel's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from vivavoce.audio.pcm import samples_in, silence
from vivavoce.channel.pacing import PlayoutQueue
from vivavoce.channel.port import EmitChannelEvent
from vivavoce.errors import UsageError
from vivavoce.events import (
    Ability,
    Audio,
    CallerAudio,
    CallerConnected,
    CallerHungUp,
    ChannelEffect,
    ChannelEvent,
    FinishPlaying,
    Flush,
    HangUp,
    PausePlaying,
    Play,
    ResumePlaying,
)

FRAME_MS = 20
LOWEST_RATE_HZ = 8_000
HIGHEST_RATE_HZ = 48_000


class CallerSource(Protocol):
    """Who is on the line."""

    def speak(self, samples: int, heard: bytes) -> bytes | None:
        """The caller's next ``samples``, or None to hang up; what is shorter is filled with silence, as on a phone.

        ``heard`` is what was played to the caller meanwhile, without filling: empty while the agent says nothing.
        """
        ...


class PacedChannel:
    """One call of a :class:`CallerSource`, on an absolute schedule.

    After a stall it catches up frame by frame and drops nothing: its time is its count of samples.
    """

    def __init__(self, name: str, rate_hz: int, caller: CallerSource) -> None:
        if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
            raise UsageError(f"a call at {rate_hz} Hz", hint=f"choose {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz")
        self.name = name
        self.rate_hz = rate_hz
        self._caller = caller
        self._queue = PlayoutQueue(rate_hz)
        self._answers: deque[ChannelEvent] = deque()  # facts that arose between two frames
        self._hung_up = False

    async def run(self, emit: EmitChannelEvent) -> None:
        beats = Beats(FRAME_MS / 1000)
        await emit(CallerConnected(self.name, self.rate_hz, (Ability.PAUSE,)))
        frames = samples = 0
        while True:
            await beats.next()
            frames += 1
            until = frames * FRAME_MS * self.rate_hz // 1000
            if self._hung_up or not await self._frame(emit, until - samples):
                return
            samples = until

    def perform(self, effect: ChannelEffect) -> None:
        match effect:
            case Play(response, audio):
                self._queue.play(response, audio.pcm)
            case FinishPlaying(response):
                if report := self._queue.finish(response):
                    self._answers.append(report)
            case Flush(response):
                self._answers.append(self._queue.flush(response))
            case PausePlaying():
                self._queue.pause()
            case ResumePlaying():
                self._queue.resume()
            case HangUp():
                self._hung_up = True

    async def _frame(self, emit: EmitChannelEvent, samples: int) -> bool:
        """One frame in and out; False if the caller hung up. Reports go first: caller audio may have to wait."""
        played = self._queue.take(samples)
        spoken = self._caller.speak(samples, played.pcm)
        self._answers.extend(played.reports)
        while self._answers:
            await emit(self._answers.popleft())
        if spoken is None:
            await emit(CallerHungUp())
            return False
        await emit(CallerAudio(Audio(spoken + silence(samples - samples_in(spoken)))))
        return True


class Beats:
    """Every ``period_s`` of loop time from now on. A beat that is late moves none of those after it."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._first_s = 0.0
        self._count = 0

    async def next(self) -> None:
        """Returns when the next beat is due: after others had their turn even if that is past."""
        loop = asyncio.get_running_loop()
        due = loop.create_future()
        if self._count == 0:
            timer = loop.call_later(self._period_s, _fall_due, due)
            self._first_s = timer.when()
        else:
            timer = loop.call_at(self._first_s + self._count * self._period_s, _fall_due, due)
        self._count += 1
        try:
            await due
        finally:
            timer.cancel()


def _fall_due(due: asyncio.Future[None]) -> None:
    if not due.done():  # whoever waited may have been cancelled just now
        due.set_result(None)
