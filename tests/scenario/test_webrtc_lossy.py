"""A whole call by WebRTC over a network that loses, delays and reorders: real sockets, real Opus, real time."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from _browser import Browser, Called, Tone, call, until
from _lossy import PRESETS, Network, Preset, impair

from vivavoce.events import Audio, FinishPlaying, Play, PlayoutProgress, ResponseId

pytestmark = pytest.mark.slow

ANSWER = ResponseId("r1")
TALK_S = 4
WORST = next(preset for preset in PRESETS if preset.name == "wifi_bad")
STALL = Preset("stall", 5, 0)


def protocols_of(connection: Any) -> list[Any]:
    transport = connection.getTransceivers()[0].sender.transport.transport
    return list(transport._connection._protocols)


async def talk(called: Called) -> None:
    """The caller hums, the agent says two seconds, and an event goes each way."""
    begun = len(called.told.pcm)
    called.peer.perform(Play(ANSWER, Audio(bytes(2 * 24_000 * 2))))
    called.peer.perform(FinishPlaying(ANSWER))
    called.peer.send(b'{"type":"there"}')
    await called.browser.send('{"type":"back"}')
    await until(lambda: len(called.told.pcm) >= begun + TALK_S * 50, wait_s=TALK_S + 3)


def test_a_bad_network_costs_some_sound_and_nothing_else() -> None:
    async def scenario() -> None:
        async with call(browser=Browser(Tone(440))) as called:
            for seed, connection in enumerate((called.browser.connection, called.peer._connection)):
                impair(protocols_of(connection), Network(WORST, seed))
            await talk(called)
            await until(lambda: called.browser.events and called.told.texts, wait_s=10)
            assert called.told.texts == ['{"type":"back"}']
            assert called.browser.events == ['{"type":"there"}']
            progress = [report for report in called.told.reports if isinstance(report, PlayoutProgress)]
            assert progress[-1].played == 2 * 24_000
            statistics = called.peer.statistics
            assert statistics is not None
            assert statistics.concealed_ms <= 0.3 * TALK_S * 1000
            assert statistics.delay_mean_ms <= 300
            heard = np.frombuffer(b"".join(called.told.pcm[-2 * 50 :]), "<i2")
            spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
            assert float(np.argmax(spectrum)) * 24_000 / len(heard) == pytest.approx(440, abs=5)

    asyncio.run(scenario())


def test_after_a_stall_the_delay_goes_back() -> None:
    """Nothing for 300 ms, then all of it: three seconds later it is as if nothing had been."""

    async def scenario() -> None:
        async with call(browser=Browser(Tone(440))) as called:
            network = Network(STALL, 0)
            impair(protocols_of(called.browser.connection), network)
            await until(lambda: len(called.told.pcm) > 50)
            network.stall_until(asyncio.get_running_loop().time() + 0.3)
            await until(lambda: len(called.told.pcm) > 50 + 5 * 50, wait_s=8)
            listener = called.peer._listener
            assert listener is not None
            assert max(list(listener.buffer.delays_ms)[-20:]) < 250  # the machine's own stalls included
            assert listener.buffer.counts.discarded_samples <= 960 * 5

    asyncio.run(scenario())
