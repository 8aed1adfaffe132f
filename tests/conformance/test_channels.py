"""Every channel that lives on the loop passes the suite, and the suite notices each rule that is broken."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from vivavoce.audio.pcm import silence
from vivavoce.channel.memory import MemoryChannel
from vivavoce.channel.microphone import MicrophoneChannel, MicrophoneSettings
from vivavoce.channel.port import EmitChannelEvent
from vivavoce.channel.wav import CallerUtterance, wav_channel
from vivavoce.conformance import ChannelUnderTest, ConformanceFailure, check_channel
from vivavoce.engine.clock import run
from vivavoce.events import (
    Audio,
    CallerAudio,
    CallerConnected,
    ChannelEffect,
    ChannelEvent,
    FinishPlaying,
    Flush,
    HangUp,
    PausePlaying,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ResponseId,
)

pytestmark = pytest.mark.timeout(30)


def check(make: Callable[[], ChannelUnderTest]) -> None:
    run(check_channel(make), virtual=True)


def memory(channel: MemoryChannel) -> ChannelUnderTest:
    async def hang_up() -> None:
        channel.hang_up()

    return ChannelUnderTest(channel, hang_up, lambda: channel.heard_pcm)


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 11_025])
def test_memory(rate_hz: int) -> None:
    check(lambda: memory(MemoryChannel(rate_hz)))


def test_wav() -> None:
    check(lambda: ChannelUnderTest(wav_channel([CallerUtterance(silence(160_000))], 16_000)))


class Device:
    """As much of ``sounddevice`` as the microphone needs, kept going by the loop."""

    class PortAudioError(Exception):
        pass

    def __init__(self) -> None:
        self.heard = bytearray()

    def RawStream(self, *, callback: Callable[..., None], blocksize: int, **_: Any) -> Device:  # noqa: N802
        self.latency = (0.01, 0.04)
        self._callback = callback
        self._block = blocksize * 2
        return self

    def start(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(0.02, self._exchange)

    def _exchange(self) -> None:
        self.start()
        playing = bytearray(self._block)
        self._callback(memoryview(bytes(self._block)), playing, self._block // 2, None, None)
        self.heard += playing

    def stop(self) -> None:
        pass

    def close(self) -> None:
        self._timer.cancel()


def test_microphone() -> None:
    check(lambda: ChannelUnderTest(MicrophoneChannel(MicrophoneSettings(8000), Device())))


# -- the suite notices ---------------------------------------------------------------------------------------------


class Wrong(MemoryChannel):
    """A sound channel with one thing wrong: ``spoil`` may change or drop (None) what is emitted."""

    def __init__(self) -> None:
        super().__init__(8000)

    async def run(self, emit: EmitChannelEvent) -> None:
        async def spoiled(event: ChannelEvent) -> None:
            for changed in self.spoil(event):
                await emit(changed)

        await super().run(spoiled)

    def spoil(self, event: ChannelEvent) -> list[ChannelEvent]:
        return [event]


class NamesAnotherRate(Wrong):
    def spoil(self, event: ChannelEvent) -> list[ChannelEvent]:
        return [CallerConnected("x", 16_000) if isinstance(event, CallerConnected) else event]


class NeverSaysConnected(Wrong):
    def spoil(self, event: ChannelEvent) -> list[ChannelEvent]:
        return [] if isinstance(event, CallerConnected) else [event]


class SendsLongFrames(Wrong):
    def spoil(self, event: ChannelEvent) -> list[ChannelEvent]:
        return [CallerAudio(Audio(silence(8000))) if isinstance(event, CallerAudio) else event]


class SendsNothing(Wrong):
    def spoil(self, event: ChannelEvent) -> list[ChannelEvent]:
        return [] if isinstance(event, CallerAudio) else [event]


class NeverReports(Wrong):
    def spoil(self, event: ChannelEvent) -> list[ChannelEvent]:
        return [] if isinstance(event, PlayoutProgress) else [event]


class ReportsBackwards(Wrong):
    def spoil(self, event: ChannelEvent) -> list[ChannelEvent]:
        if isinstance(event, PlayoutProgress) and event.played > 0:
            back = PlayoutProgress(event.response, event.played - 1, event.evidence)  # type: ignore[arg-type]
            return [event, back, event]
        return [event]


class NeverAnswersAFlush(Wrong):
    def spoil(self, event: ChannelEvent) -> list[ChannelEvent]:
        return [] if isinstance(event, PlayoutStopped) else [event]


class KeepsPlaying(Wrong):
    """Answers a flush, and goes on."""

    def perform(self, effect: ChannelEffect) -> None:
        if isinstance(effect, Flush):
            self._answers.append(PlayoutStopped(effect.response, 800, "paced"))  # type: ignore[arg-type]
        else:
            super().perform(effect)


class FlushesEverything(Wrong):
    def perform(self, effect: ChannelEffect) -> None:
        super().perform(effect)
        if isinstance(effect, Flush):
            self._queue.flush(ResponseId("next"))


class IgnoresAPause(Wrong):
    def perform(self, effect: ChannelEffect) -> None:
        if not isinstance(effect, PausePlaying):
            super().perform(effect)


class ForgetsInAPause(Wrong):
    """Takes a pause for a stop."""

    def perform(self, effect: ChannelEffect) -> None:
        super().perform(effect)
        if isinstance(effect, PausePlaying):
            self._queue._pieces.popleft()


class GoesOnAtAFlush(Wrong):
    def perform(self, effect: ChannelEffect) -> None:
        super().perform(effect)
        if isinstance(effect, Flush):
            self._queue.resume()


class NeverHangsUp(Wrong):
    def perform(self, effect: ChannelEffect) -> None:
        if not isinstance(effect, HangUp):
            super().perform(effect)


class RaisesAfterTheEnd(Wrong):
    def perform(self, effect: ChannelEffect) -> None:
        if self._hung_up:
            raise ConnectionError("closed")
        super().perform(effect)


class ForgetsEmptyResponses(Wrong):
    def perform(self, effect: ChannelEffect) -> None:
        if not (isinstance(effect, FinishPlaying) and effect.response == "empty"):
            super().perform(effect)


class PlaysInNoTime(Wrong):
    def perform(self, effect: ChannelEffect) -> None:
        super().perform(effect)
        if isinstance(effect, Play | FinishPlaying):
            self._answers.extend(self._queue.take(100_000).reports)


class LeavesATaskBehind(Wrong):
    async def run(self, emit: EmitChannelEvent) -> None:
        self.left = asyncio.create_task(asyncio.sleep(1000), name="left")
        await super().run(emit)


class SwallowsCancellation(Wrong):
    async def run(self, emit: EmitChannelEvent) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await super().run(emit)


@pytest.mark.parametrize(
    ("channel", "rule"),
    [
        (NamesAnotherRate, "names the channel's rate"),
        (NeverSaysConnected, "the first fact is CallerConnected"),
        (SendsLongFrames, "at most 100 ms"),
        (SendsNothing, "the caller's audio is emitted"),
        (NeverReports, "the last PlayoutProgress"),
        (ReportsBackwards, "never go back"),
        (PlaysInNoTime, "took its time"),
        (ForgetsEmptyResponses, "the last PlayoutProgress"),
        (NeverAnswersAFlush, "always answered with PlayoutStopped"),
        (KeepsPlaying, "nothing of a flushed response"),
        (FlushesEverything, "the last PlayoutProgress"),
        (IgnoresAPause, "nothing is played while playing is paused"),
        (ForgetsInAPause, "the last PlayoutProgress"),
        (GoesOnAtAFlush, "nothing is played while playing is paused"),
        (RaisesAfterTheEnd, "perform does not raise"),
        (NeverHangsUp, "a performed HangUp ends run"),
        (SwallowsCancellation, "cancelling run ends it"),
        (LeavesATaskBehind, "left behind: task left"),
    ],
)
def test_a_broken_rule_is_named(channel: type[Wrong], rule: str) -> None:
    with pytest.raises(ConformanceFailure, match=rule):
        check(lambda: memory(channel()))
