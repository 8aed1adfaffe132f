"""The caller in the same process."""

import asyncio

import pytest

from tests.unit.channel.line import ride
from vivavoce.audio.pcm import silence
from vivavoce.channel.memory import Heard, MemoryChannel
from vivavoce.engine.clock import run
from vivavoce.errors import UsageError
from vivavoce.events import Audio, CallerAudio, CallerHungUp, CallerText, ChannelEvent, HangUp, Play, ResponseId

R = ResponseId("r")


def test_keeps_what_was_heard_and_when() -> None:
    channel = MemoryChannel(8000)
    pcm = b"\1\0" * 200
    ride(channel, {30: [Play(R, Audio(pcm))], 100: [HangUp("done")]})
    assert channel.heard == [Heard(160, pcm[:320]), Heard(320, pcm[320:])]
    assert channel.heard_pcm == pcm


def test_a_listener_hears_instead() -> None:
    pieces: list[Heard] = []
    channel = MemoryChannel(8000, listener=pieces.append)
    ride(channel, {0: [Play(R, Audio(silence(160)))], 100: [HangUp("done")]})
    assert pieces == [Heard(0, silence(160))]
    assert channel.heard == []


def test_says_types_and_hangs_up_in_order() -> None:
    async def talk() -> list[ChannelEvent]:
        channel = MemoryChannel(8000)
        emitted: list[ChannelEvent] = []

        async def emit(event: ChannelEvent) -> None:
            emitted.append(event)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(channel.run(emit))
            channel.say(b"\1\0" * 200)
            await channel.said()
            channel.type("hello")
            channel.hang_up()
        return emitted[1:]

    emitted = run(talk(), virtual=True)
    audio = b"".join(event.audio.pcm for event in emitted if isinstance(event, CallerAudio))
    assert audio == b"\1\0" * 200 + silence(120)
    assert emitted[-2:] == [CallerText("hello"), CallerHungUp()]


def test_half_a_sample_cannot_be_said() -> None:
    with pytest.raises(UsageError, match="whole 16-bit samples"):
        MemoryChannel().say(b"\0")
