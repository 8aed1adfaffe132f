"""A caller behind a client: what the client says becomes facts, what it leaves out becomes silence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.unit.channel.line import ride
from vivavoce.audio.pcm import samples_for, silence
from vivavoce.channel.client import FILL_MS, WAITING_LIMIT_MS, ClientChannel
from vivavoce.engine.clock import run
from vivavoce.events import (
    Audio,
    CallerAudio,
    CallerConnected,
    CallerHungUp,
    CallerText,
    ChannelEffect,
    ChannelEvent,
    ChannelLost,
    Flush,
    HangUp,
    ResponseId,
)

RATE_HZ = 8000
R = ResponseId("r")
FRAME = CallerAudio(Audio(b"\1\0" * 160))


def line(*, fills: bool = True) -> tuple[ClientChannel, list[ChannelEffect]]:
    performed: list[ChannelEffect] = []
    return ClientChannel("client", RATE_HZ, performed.append, fills=fills), performed


def talk(channel: ClientChannel, script: Callable[[], Awaitable[None]]) -> list[ChannelEvent]:
    """Everything that the channel emitted while the client did ``script`` and then hung up."""
    emitted: list[ChannelEvent] = []

    async def emit(event: ChannelEvent) -> None:
        emitted.append(event)

    async def both() -> None:
        running = asyncio.create_task(channel.run(emit))
        await script()
        channel.put(CallerHungUp("bye"))
        await running

    run(both(), virtual=True)
    return emitted


def test_facts_come_in_their_order_and_nothing_after_the_end() -> None:
    channel, _ = line()

    async def say() -> None:
        for event in (FRAME, CallerText("hi"), FRAME, CallerHungUp("gone"), CallerText("too late")):
            channel.put(event)

    assert talk(channel, say) == [
        CallerConnected("client", RATE_HZ),
        FRAME,
        CallerText("hi"),
        FRAME,
        CallerHungUp("gone"),
    ]


def test_a_wire_that_broke_ends_it() -> None:
    channel, _ = line()

    async def say() -> None:
        channel.put(ChannelLost("reset"))

    assert talk(channel, say)[-1] == ChannelLost("reset")


def test_a_hang_up_is_performed_before_the_line_is_gone() -> None:
    channel, performed = line()
    emitted = ride(channel, {50: [Flush(R)], 100: [HangUp("done")]})
    assert performed == [Flush(R), HangUp("done")]
    assert CallerHungUp() not in [event for _, event in emitted]


def test_a_client_that_says_nothing_is_silent_at_the_pace_of_the_clock() -> None:
    channel, _ = line()

    async def say_nothing() -> None:
        await asyncio.sleep(2.05)

    emitted = talk(channel, say_nothing)
    filling = CallerAudio(Audio(silence(samples_for(FILL_MS, RATE_HZ))))
    assert emitted[1:-1] == [filling] * 19, "from the second tenth of a second on"


def test_a_client_that_talks_is_not_filled_and_one_that_stops_is() -> None:
    channel, _ = line()

    async def say() -> None:
        for _ in range(50):
            channel.put(FRAME)
            await asyncio.sleep(0.02)
        await asyncio.sleep(1)

    sizes = [event.audio.samples for event in talk(channel, say) if isinstance(event, CallerAudio)]
    assert sizes[:50] == [160] * 50
    assert set(sizes[50:]) == {800}
    assert 8 <= len(sizes[50:]) <= 9


@pytest.mark.parametrize("fills", [True, False])
def test_sound_that_never_stops_is_not_filled(fills: bool) -> None:
    channel, _ = line(fills=fills)

    async def wait() -> None:
        await asyncio.sleep(1)

    assert (len(talk(channel, wait)) > 2) == fills


def test_who_sends_too_much_has_to_wait_until_half_of_it_was_taken() -> None:
    channel, _ = line()
    gate = asyncio.Event()
    taken: list[ChannelEvent] = []

    async def slow(event: ChannelEvent) -> None:
        if isinstance(event, CallerAudio):
            await gate.wait()
        taken.append(event)

    async def both() -> None:
        running = asyncio.create_task(channel.run(slow))
        frames = WAITING_LIMIT_MS // 20
        for _ in range(frames + 2):
            await channel.room()
            channel.put(FRAME)
            await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(channel.room(), 5)
        gate.set()
        await channel.room()
        channel.put(CallerHungUp())
        await running
        await channel.room()
        assert taken.count(FRAME) == frames + 2

    run(both(), virtual=True)
