"""The paced channel: an exact schedule, whatever the loop does in between."""

import asyncio
import time

import pytest

from tests.unit.channel.line import ride
from vivavoce.audio.pcm import silence
from vivavoce.channel.paced import Beats, PacedChannel
from vivavoce.engine.clock import run
from vivavoce.errors import UsageError
from vivavoce.events import (
    Ability,
    Audio,
    CallerAudio,
    CallerConnected,
    CallerHungUp,
    ChannelEvent,
    Evidence,
    FinishPlaying,
    Flush,
    HangUp,
    PausePlaying,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ResponseId,
    ResumePlaying,
    Samples,
)

R = ResponseId("r")


class Talker:
    """Says a little less than a frame each time, ``frames`` times, then hangs up; keeps what it heard."""

    def __init__(self, frames: int = 1_000_000) -> None:
        self.frames = frames
        self.heard: list[bytes] = []
        self.asked: list[int] = []

    def speak(self, samples: int, heard: bytes) -> bytes | None:
        self.heard.append(heard)
        if len(self.asked) == self.frames:
            return None
        self.asked.append(samples)
        return b"\1\0" * (samples - 1)


def test_emits_a_frame_every_20_ms_and_fills_it_with_silence() -> None:
    emitted = ride(PacedChannel("test", 16_000, Talker(3)))
    frame = b"\1\0" * 319 + b"\0\0"
    assert [at for at, _ in emitted] == [0, 20, 40, 60, 80]
    assert emitted[0][1] == CallerConnected("test", 16_000, (Ability.PAUSE,))
    assert [event.audio.pcm for _, event in emitted if isinstance(event, CallerAudio)] == [frame] * 3
    assert emitted[-1][1] == CallerHungUp()


def test_an_odd_rate_does_not_drift() -> None:
    caller = Talker(50)
    ride(PacedChannel("test", 11_025, caller))
    assert sum(caller.asked) == 11_025
    assert set(caller.asked) == {220, 221}


def test_what_is_played_is_what_the_caller_hears() -> None:
    caller = Talker(4)
    channel = PacedChannel("test", 8000, caller)
    pcm = bytes(range(200)) * 2
    emitted = ride(channel, {30: [Play(R, Audio(pcm)), FinishPlaying(R)]})
    assert caller.heard == [b"", pcm[:320], pcm[320:], b"", b""]
    assert (60, PlayoutProgress(R, Samples(200), Evidence.PACED)) in emitted


def test_a_flush_is_answered_with_the_next_frame_and_nothing_more_is_heard() -> None:
    caller = Talker(6)
    emitted = ride(
        PacedChannel("test", 8000, caller), {10: [Play(R, Audio(silence(8000)))], 50: [Flush(R)], 70: [HangUp("done")]}
    )
    assert (60, PlayoutStopped(R, Samples(320), Evidence.PACED)) in emitted
    assert [len(heard) // 2 for heard in caller.heard] == [160, 160, 0]


def test_a_finished_response_without_audio_is_reported() -> None:
    emitted = ride(PacedChannel("test", 8000, Talker(2)), {10: [FinishPlaying(R)]})
    assert (20, PlayoutProgress(R, Samples(0), Evidence.PACED)) in emitted


def test_hanging_up_ends_the_line_without_a_word() -> None:
    emitted = ride(PacedChannel("test", 8000, Talker()), {50: [HangUp("done")]})
    assert [at for at, _ in emitted] == [0, 20, 40]
    assert not any(isinstance(event, CallerHungUp) for _, event in emitted)


def test_after_a_stall_it_catches_up_and_drops_nothing() -> None:
    async def stalled() -> tuple[list[float], float]:
        loop = asyncio.get_running_loop()
        frames: list[float] = []

        async def emit(event: ChannelEvent) -> None:
            if isinstance(event, CallerAudio):
                frames.append(round(loop.time() * 1000))
                if len(frames) == 2:
                    await asyncio.sleep(0.5)  # the call is behind: its source waits

        await PacedChannel("test", 8000, Talker(50)).run(emit)
        return frames, round(loop.time() * 1000)

    frames, ended = run(stalled(), virtual=True)
    assert frames[:2] == [20, 40]
    assert frames[2:27] == [540] * 25
    assert frames[27] == 560
    assert len(frames) == 50
    assert ended == 1020


def test_a_minute_takes_no_minute() -> None:
    began = time.perf_counter()
    ride(PacedChannel("test", 8000, Talker(3000)), limit_s=100)
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("rate_hz", [0, -1, 4000, 96_000])
def test_a_rate_that_no_call_has_is_refused(rate_hz: int) -> None:
    with pytest.raises(UsageError, match="choose 8000 to 48000 Hz"):
        PacedChannel("test", rate_hz, Talker())


def test_a_beat_that_is_given_up_as_it_falls_due_is_no_mistake() -> None:
    mistakes: list[object] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: mistakes.append(context))
        waiting = asyncio.create_task(Beats(0.02).next())
        loop.call_later(0.02, waiting.cancel)
        await asyncio.sleep(0.1)
        assert waiting.cancelled()

    run(main(), virtual=True)
    assert not mistakes


def test_a_pause_lets_the_caller_hear_nothing_and_then_the_rest() -> None:
    async def talk() -> list[bytes]:
        caller = Talker()
        channel = PacedChannel("test", 8000, caller)

        async def emit(_: ChannelEvent) -> None:
            pass

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(channel.run(emit))
            channel.perform(Play(R, Audio(b"\1\1" * 640)))
            await asyncio.sleep(0.03)
            channel.perform(PausePlaying())
            await asyncio.sleep(0.1)
            channel.perform(ResumePlaying())
            await asyncio.sleep(0.1)
            channel.perform(HangUp("over"))
        return caller.heard

    lengths = [len(heard) // 2 for heard in run(talk(), virtual=True)]
    assert lengths == [160, 40, 0, 0, 0, 0, 160, 160, 120, 0, 0]
