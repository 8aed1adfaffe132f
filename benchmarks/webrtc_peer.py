"""What a WebRTC caller costs, and how long its sound waits here: real peers, real Opus, real time, on this machine.

python benchmarks/webrtc_peer.py [--quick]

``cpu``: so many peers in this process, all heard and spoken to, their other ends in another process; percent of a core
for each. ``delay``: how long packets wait in the jitter buffer when the way to us is one of ``_lossy.py``; both ends
are in this process, so that the machine's own pauses are in it, and no budget
is held to it: ``jitter.py`` measures the same exactly.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import multiprocessing.connection
import os
import sys
import time
from contextlib import suppress

import numpy as np
from _browser import Browser, Told, Tone, call
from _common import finish
from _lossy import PRESETS, Network, Preset, impair

from vivavoce.channel.webrtc.peer import RATE_HZ, PeerSettings, WebRtcPeer
from vivavoce.engine.clock import loop_time_s
from vivavoce.events import Audio, Play, ResponseId

PRESET_NAMES = ("lan", "wifi_ok", "wifi_bad")
BUDGET = {"cpu_percent_per_peer": 6.0}
SETTLE_S = 1.0


class Deaf(Told):
    """Keeps nothing of what it hears."""

    async def audio(self, pcm: bytes) -> None:
        pass


def speech(seconds: float) -> bytes:
    """A voice of a kind, noise included: what an encoder has to work on."""
    at = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    voice = 6000 * np.sin(2 * np.pi * 140 * at) + 3000 * np.sin(2 * np.pi * 840 * at)
    return bytes((voice + np.random.default_rng(1).normal(0, 600, len(at))).astype("<i2").tobytes())


def callers(pipe: multiprocessing.connection.Connection, count: int) -> None:
    """The other process: so many browsers, until it is told to stop."""

    async def all_of_them() -> None:
        browsers = []
        for number in range(count):
            browsers.append(Browser(Tone(200 + number)))
            pipe.send(await browsers[-1].offer())
            await browsers[-1].accept(await asyncio.to_thread(pipe.recv))
        await asyncio.to_thread(pipe.recv)
        os._exit(0)

    asyncio.run(all_of_them())


async def cpu_percent(pipe: multiprocessing.connection.Connection, count: int, seconds: float) -> float:
    """Of a core, for each peer."""
    runs, tolds, peers = [], [], []
    for _ in range(count):
        peers.append(WebRtcPeer(PeerSettings(), loop_time_s))
        pipe.send(await peers[-1].answer(await asyncio.to_thread(pipe.recv)))
        tolds.append(Deaf())
        runs.append(asyncio.create_task(peers[-1].run(tolds[-1])))
    for told in tolds:
        await told.is_open.wait()
    pcm = Audio(speech(seconds + SETTLE_S + 1))
    for peer in peers:
        peer.perform(Play(ResponseId("r"), pcm))
    await asyncio.sleep(SETTLE_S)
    used_s, begun_s = time.process_time(), time.perf_counter()
    await asyncio.sleep(seconds)
    share = (time.process_time() - used_s) / (time.perf_counter() - begun_s)
    for run in runs:
        run.cancel()
    await asyncio.gather(*runs, return_exceptions=True)
    pipe.send("stop")
    return share / count * 100


def cpu(count: int, seconds: float) -> float:
    """As :func:`cpu_percent`, with the other process."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=callers, args=(theirs, count))
    process.start()
    try:
        return asyncio.run(cpu_percent(ours, count, seconds))
    finally:
        with suppress(AttributeError):
            process.kill()
        process.join()


class Far(Browser):
    """A browser that a network is between."""

    def __init__(self, preset: Preset) -> None:
        super().__init__(Tone(200))
        self._network = Network(preset, 1)

    async def offer(self) -> str:
        offer = await super().offer()
        transport = self.connection.getTransceivers()[0].sender.transport.transport
        impair(transport._connection._protocols, self._network)
        return offer


async def delay(preset: Preset, seconds: float) -> dict[str, float]:
    """One call over such a network."""
    async with call(browser=Far(preset)) as called:
        await asyncio.sleep(seconds)
        statistics = called.peer.statistics
        assert statistics is not None
        return {
            f"{preset.name}_delay_mean_ms": statistics.delay_mean_ms,
            f"{preset.name}_delay_p50_ms": statistics.delay_p50_ms,
            f"{preset.name}_delay_p99_ms": statistics.delay_p99_ms,
            f"{preset.name}_made_up_percent": statistics.concealed_ms / seconds / 10,
        }


def main() -> None:
    quick = "--quick" in sys.argv
    count, seconds = (5, 6.0) if quick else (10, 30.0)
    measured: dict[str, float] = {"peers": count, "cpu_percent_per_peer": cpu(count, seconds)}
    for preset in PRESETS:
        if preset.name in PRESET_NAMES:
            measured |= asyncio.run(delay(preset, seconds if quick else 60.0))
    rounded = {name: round(value, 2) for name, value in measured.items()}
    for name, value in rounded.items():
        print(f"{name:28} {value:10}", f"(budget {BUDGET[name]})" if name in BUDGET else "")
    finish("webrtc_peer", rounded, BUDGET, all(rounded[name] <= limit for name, limit in BUDGET.items()))


if __name__ == "__main__":
    main()
