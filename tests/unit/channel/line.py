"""A channel alone on a virtual loop: what it emits, with instants in milliseconds, and wishes at given moments."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from vivavoce.channel.port import Channel
from vivavoce.engine.clock import run
from vivavoce.events import ChannelEffect, ChannelEvent

Emitted = list[tuple[float, ChannelEvent]]


def ride(channel: Channel, wishes: Mapping[int, Iterable[ChannelEffect]] | None = None, limit_s: float = 60) -> Emitted:
    """Run ``channel`` to its end, performing ``wishes`` at their milliseconds. Takes no real time."""
    return run(_ride(channel, wishes or {}, limit_s), virtual=True)


async def _ride(channel: Channel, wishes: Mapping[int, Iterable[ChannelEffect]], limit_s: float) -> Emitted:
    loop = asyncio.get_running_loop()
    emitted: Emitted = []

    async def emit(event: ChannelEvent) -> None:
        emitted.append((round(loop.time() * 1000, 6), event))

    def perform(effects: Iterable[ChannelEffect]) -> None:
        for effect in effects:
            channel.perform(effect)

    for ms, effects in wishes.items():
        loop.call_at(ms / 1000, perform, effects)
    async with asyncio.timeout(limit_s):
        await channel.run(emit)
    return emitted
