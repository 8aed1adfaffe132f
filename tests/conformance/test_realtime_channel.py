"""A Realtime client that plays by itself is a channel like any other, though nobody hears what it plays."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import msgspec
import pytest

from tests.unit.wire.realtime.line import OFFER, ONE
from vivavoce.channel.client import ClientChannel
from vivavoce.channel.port import EmitChannelEvent
from vivavoce.conformance import ChannelUnderTest, check_channel
from vivavoce.engine.clock import now_us, run
from vivavoce.events import CallerHungUp, ChannelEffect, Instant, OpenModel, Play, ResponseId, ResponseStarted
from vivavoce.wire.realtime.actions import Action, Emit
from vivavoce.wire.realtime.configuration import AudioOver, Interruption
from vivavoce.wire.realtime.front import BEGIN_AFTER_US, Front

pytestmark = pytest.mark.timeout(30)


class RealtimeClient(ClientChannel):
    """The protocol in front of a client that says nothing, fed with wishes as the call would feed it."""

    def __init__(self, policy: Interruption) -> None:
        numbers = iter(range(1_000))
        offer = msgspec.structs.replace(OFFER, interruption=policy)
        self._front = Front(offer, lambda kind: f"{kind}_{next(numbers)}", audio_over=AudioOver.EVENTS)
        self._begun: set[ResponseId] = set()
        self._timer: asyncio.TimerHandle | None = None
        super().__init__("realtime", 24_000, self._observe, abilities=self._front.abilities)

    async def run(self, emit: EmitChannelEvent) -> None:
        now = now_us()
        self._front.open(now)
        self._front.time_passed(Instant(now + BEGIN_AFTER_US))
        self._do(self._front.observe(OpenModel(ONE, 0), now))
        try:
            await super().run(emit)
        finally:
            self._stop()

    def _observe(self, effect: ChannelEffect) -> None:
        if isinstance(effect, Play) and effect.response not in self._begun:
            self._begun.add(effect.response)
            self._do(self._front.observe(ResponseStarted(ONE, effect.response), now_us()))
        self._do(self._front.observe(effect, now_us()))

    def _do(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if isinstance(action, Emit):
                self.put(action.event)
        self._stop()
        if (due := self._front.deadline) is not None and not self._over:
            self._timer = asyncio.get_running_loop().call_at(due / 1_000_000, self._time_passed)

    def _time_passed(self) -> None:
        self._do(self._front.time_passed(now_us()))

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


@pytest.mark.parametrize("policy", ["model", "hybrid"])
def test_realtime(policy: Interruption) -> None:
    def make() -> ChannelUnderTest:
        client = RealtimeClient(policy)

        async def hang_up() -> None:
            client.put(CallerHungUp())

        return ChannelUnderTest(client, hang_up)

    run(check_channel(make), virtual=True)
