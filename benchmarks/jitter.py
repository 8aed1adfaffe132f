"""What the jitter buffer costs in delay and in sound, over seeded lossy networks, against aiortc's own in the same run.

python benchmarks/jitter.py [--quick]

In virtual time: packets of speech pass a network of ``_lossy.py``, and 20 ms are heard every 20 ms. ``behind`` is how
much later a packet is heard than on the fastest way, ``waited`` how much of that was our decision; ``made_up`` the
share of sound that was concealed, and ``gone`` the share of packets that arrived and were not heard.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from _common import best_us, finish
from _lossy import PRESETS, Preset, arrivals
from aiortc.jitterbuffer import JitterBuffer as TheirJitterBuffer
from aiortc.rtp import RtpPacket

from vivavoce.audio.arrays import to_pcm
from vivavoce.channel.webrtc.arrivals import Arrivals
from vivavoce.channel.webrtc.conceal import Concealer
from vivavoce.channel.webrtc.jitter import JitterSettings
from vivavoce.channel.webrtc.listening import Listener
from vivavoce.channel.webrtc.pitch import shorten

FRAME_S = 0.02
CLOCK_HZ, RATE_HZ = 48_000, 24_000
STEP, SAMPLES = 960, 480
BUDGET = {
    "lan_behind_mean_ms": 20.0,
    "wifi_ok_behind_mean_ms": 60.0,
    "wifi_ok_made_up_percent": 2.0,
    "wifi_bad_behind_mean_ms": 250.0,
    "wifi_bad_made_up_percent": 12.0,
    "frame_us": 400.0,
}


class Outcome(NamedTuple):
    """One network, one buffer."""

    behind_mean_ms: float
    behind_p99_ms: float
    waited_mean_ms: float
    waited_p99_ms: float
    made_up_percent: float
    gone_percent: float


def speech(seconds: int) -> list[bytes]:
    """Something with a pitch that moves, and pauses: frames of 20 ms."""
    at = np.arange(seconds * RATE_HZ) / RATE_HZ
    pitch = 130 + 30 * np.sin(2 * np.pi * 0.7 * at)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    voice = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 12))
    loud = np.clip(np.sin(2 * np.pi * 0.35 * at) * 4 + 2, 0, 1)
    noise = np.random.default_rng(1).normal(0, 20, len(at))
    pcm = to_pcm(voice * loud * 5000 + noise)
    return [pcm[place : place + 2 * SAMPLES] for place in range(0, len(pcm), 2 * SAMPLES)]


@dataclass
class Speech:
    """A decoder whose payload is the packet's number."""

    frames: list[bytes]
    clock_hz: int = CLOCK_HZ
    now_s: float = 0.0

    def __post_init__(self) -> None:
        self.heard: list[tuple[int, float]] = []

    def samples(self, payload: bytes) -> int:
        return STEP if payload else 0

    def decode(self, payload: bytes) -> bytes:
        number = int(payload)
        self.heard.append((number, self.now_s))
        return self.frames[number % len(self.frames)]


def ours(preset: Preset, seed: int, packets: int, frames: list[bytes], settings: JitterSettings) -> Outcome:
    decoder = Speech(frames)
    listener = Listener(decoder, RATE_HZ, settings)
    arrived: dict[int, float] = {}
    now_s, ticks = 0.0, 0
    waiting = []
    for arrival in arrivals(preset, seed, packets):
        while now_s + listener.until_next_s < arrival.at_s:
            now_s += listener.until_next_s
            ticks += 1
            before = len(decoder.heard)
            decoder.now_s = now_s + listener.pending_samples / RATE_HZ
            listener.frame(now_s)
            waiting += decoder.heard[before:]
        arrived[arrival.number] = arrival.at_s
        payload = str(arrival.number).encode()
        listener.insert(1, arrival.number % 2**16, arrival.number * STEP % 2**32, payload, now_s=arrival.at_s)
    made_up = listener.counts.concealed / (ticks * SAMPLES)
    return outcome(preset, decoder.heard, arrived, made_up)


def theirs(preset: Preset, seed: int, packets: int) -> Outcome:
    """aiortc's buffer gives frames out when packets come in; what it never gives is a hole in the sound."""
    buffer = TheirJitterBuffer(capacity=16, prefetch=4)
    arrived: dict[int, float] = {}
    heard: list[tuple[int, float]] = []
    for arrival in arrivals(preset, seed, packets):
        arrived[arrival.number] = arrival.at_s
        packet = RtpPacket(sequence_number=arrival.number % 2**16, timestamp=arrival.number * STEP % 2**32)
        packet._data = b""  # type: ignore[attr-defined]  # what its decoder would have put there
        packet.timestamp = arrival.number  # as a plain number: what comes out says which packet it was
        _, frame = buffer.add(packet)
        if frame is not None:
            heard.append((frame.timestamp, arrival.at_s))
    return outcome(preset, heard, arrived, 1 - len(heard) / packets)


def outcome(preset: Preset, heard: list[tuple[int, float]], arrived: dict[int, float], made_up: float) -> Outcome:
    behind = [(at_s - number * FRAME_S) * 1000 - preset.base_ms for number, at_s in heard]
    waited = [(at_s - arrived[number]) * 1000 for number, at_s in heard]
    return Outcome(
        statistics.fmean(behind),
        float(np.quantile(behind, 0.99)),
        statistics.fmean(waited),
        float(np.quantile(waited, 0.99)),
        made_up * 100,
        (1 - len(heard) / len(arrived)) * 100,
    )


def costs() -> dict[str, float]:
    """Microseconds for 20 ms, without decoding."""
    frames = speech(10)
    sound = np.frombuffer(frames[20], "<i2").astype(np.float32)
    listener = Listener(Speech(frames), RATE_HZ)
    number = 0

    def frame() -> None:
        nonlocal number
        listener.insert(1, number % 2**16, number * STEP % 2**32, str(number).encode(), now_s=number * FRAME_S)
        listener.frame(number * FRAME_S + 0.01)
        number += 1

    def conceal() -> None:
        concealer = Concealer(RATE_HZ)
        concealer.heard(sound)
        concealer.missing(SAMPLES)

    arrivals_ = Arrivals(quantile=0.97, forget=0.99, longest_ms=200)
    return {
        "frame_us": best_us(frame, repeat=5, number=500),
        "conceal_us": best_us(conceal, repeat=5, number=200),
        "shorten_us": best_us(lambda: shorten(sound, RATE_HZ, 240), repeat=5, number=200),
        "arrival_us": best_us(lambda: arrivals_.note(0, 0), repeat=5, number=500),
    }


def main() -> None:
    quick = "--quick" in sys.argv
    packets = 15_000 if quick else 360_000
    frames = speech(60)
    measured: dict[str, float] = {"minutes": packets * FRAME_S / 60}
    measured |= costs()
    print(f"{'':24} {'behind mean':>12} {'p99':>7} {'waited mean':>12} {'p99':>7} {'made up %':>10} {'gone %':>7}")
    for preset in PRESETS:
        both = {"": ours(preset, 1, packets, frames, JitterSettings()), "_aiortc": theirs(preset, 1, packets)}
        for suffix, result in both.items():
            print(f"{preset.name + suffix:24} " + " ".join(f"{value:9.1f}" for value in result))
            measured |= {f"{preset.name}{suffix}_{name}": value for name, value in result._asdict().items()}
    rounded = {name: round(value, 2) for name, value in measured.items()}
    finish("jitter", rounded, BUDGET, all(rounded[name] <= limit for name, limit in BUDGET.items()))


if __name__ == "__main__":
    main()
