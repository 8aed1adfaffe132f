"""A network that loses, delays and reorders packets, from a seed: the presets of the WebRTC measurements.

Delay is ``base_ms`` and a random part of standard deviation ``jitter_ms``, gamma or Pareto. Packets queue: none
overtakes another, but a ``reordered`` share takes 30 ms longer for itself alone. Losses come in bursts (Gilbert):
in all a share of ``lost``, ``burst`` packets on average at a time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

REORDERED_MS = 30
PARETO_SHAPE = 3.0  # the heaviest tail for which a standard deviation can be stated with some confidence
GAMMA_SHAPE = 2.0


@dataclass(frozen=True)
class Preset:
    name: str
    base_ms: float
    jitter_ms: float
    pareto: bool = False
    lost: float = 0.0
    burst: float = 1.0
    reordered: float = 0.0


PRESETS = (
    Preset("clean", 5, 0),
    Preset("lan", 5, 1),
    Preset("wifi_ok", 20, 8, lost=0.005, burst=1.5),
    Preset("lte", 45, 20, lost=0.005, burst=2, reordered=0.001),
    Preset("wifi_bad", 60, 60, pareto=True, lost=0.03, burst=2, reordered=0.01),
)


class Arrival(NamedTuple):
    number: int
    at_s: float


class Network:
    """One direction. ``pass_through`` says when a packet sent now arrives, or that it does not."""

    def __init__(self, preset: Preset, seed: int) -> None:
        self.preset = preset
        self._random = random.Random(f"{preset.name} {seed}")
        self._losing = False
        self._free_s = 0.0

    def pass_through(self, now_s: float) -> float | None:
        preset = self.preset
        if self._is_lost():
            return None
        at_s = max(self._free_s, now_s + (preset.base_ms + self._jitter_ms()) / 1000)
        if self._random.random() < preset.reordered:
            return at_s + REORDERED_MS / 1000
        self._free_s = at_s
        return at_s

    def stall_until(self, until_s: float) -> None:
        """Nothing arrives before then; what was sent meanwhile arrives at once."""
        self._free_s = max(self._free_s, until_s)

    def _is_lost(self) -> bool:
        preset = self.preset
        if not preset.lost:
            return False
        leave = 1 / preset.burst
        enter = leave * preset.lost / (1 - preset.lost)
        self._losing = self._random.random() < (1 - leave if self._losing else enter)
        return self._losing

    def _jitter_ms(self) -> float:
        """At least 0, with the preset's standard deviation."""
        preset = self.preset
        if not preset.jitter_ms:
            return 0.0
        if preset.pareto:
            shape = PARETO_SHAPE
            deviation = float((shape / ((shape - 1) ** 2 * (shape - 2))) ** 0.5)
            return (self._random.paretovariate(shape) - 1) * preset.jitter_ms / deviation
        return self._random.gammavariate(GAMMA_SHAPE, preset.jitter_ms / float(GAMMA_SHAPE**0.5))


def arrivals(preset: Preset, seed: int, packets: int, frame_s: float = 0.02) -> Iterator[Arrival]:
    """When each packet of a steady stream arrives, in order of arrival."""
    network = Network(preset, seed)
    underway: list[Arrival] = []
    for number in range(packets):
        sent_s = number * frame_s
        ready = sorted((each for each in underway if each.at_s <= sent_s), key=lambda each: each.at_s)
        yield from ready
        underway = [each for each in underway if each.at_s > sent_s]
        at_s = network.pass_through(sent_s)
        if at_s is not None:
            underway.append(Arrival(number, at_s))
    yield from sorted(underway, key=lambda each: each.at_s)


def _send(transport: Any, data: bytes, address: tuple[str, int]) -> None:
    if not transport.is_closing():
        transport.sendto(data, address)


def impair(protocols: Iterable[Any], network: Network) -> None:
    """Send what goes out of these sockets (aioice's protocols) through ``network`` from now on, on the running loop."""
    loop = asyncio.get_running_loop()
    for protocol in protocols:

        async def send_data(data: bytes, address: tuple[str, int], transport: Any = protocol.transport) -> None:
            at_s = network.pass_through(loop.time())
            if at_s is not None:
                loop.call_at(at_s, _send, transport, data, address)

        protocol.send_data = send_data
