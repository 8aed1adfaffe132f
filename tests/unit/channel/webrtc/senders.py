"""A caller's packets for the tests of what is heard of them: each carries its own number as its sound."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

from vivavoce.channel.webrtc.jitter import JitterSettings
from vivavoce.channel.webrtc.listening import Listener

CLOCK_HZ = 48_000
RATE_HZ = 24_000
FRAME_S = 0.02
STEP = 960
SAMPLES = 480


class NumberedDecoder:
    """The payload is the number of the packet; its sound is a constant, by which it can be told."""

    clock_hz = CLOCK_HZ

    def __init__(self) -> None:
        self.decoded: list[int] = []

    def samples(self, payload: bytes) -> int:
        return STEP if payload else 0

    def decode(self, payload: bytes) -> bytes | None:
        number = int(payload)
        self.decoded.append(number)
        return array("h", [1000 + number % 5000] * SAMPLES).tobytes()


@dataclass
class Line:
    """A listener, and packets on their way to it: number and time of arrival, in seconds."""

    arrivals: Iterable[tuple[int, float]]
    first_sequence: int = 0
    first_timestamp: int = 0
    settings: JitterSettings = field(default_factory=JitterSettings)

    def __post_init__(self) -> None:
        self.decoder = NumberedDecoder()
        self.listener = Listener(self.decoder, RATE_HZ, self.settings)
        self.now_s = 0.0
        self.frames = 0
        self._coming = sorted(self.arrivals, key=lambda arrival: arrival[1])

    def listen(self, until_s: float) -> None:
        """Frame after frame until ``until_s``."""
        while self.now_s < until_s:
            self.now_s += self.listener.until_next_s
            while self._coming and self._coming[0][1] <= self.now_s:
                number, at_s = self._coming.pop(0)
                self.insert(number, at_s)
            frame = self.listener.frame(self.now_s)
            assert len(frame) == 2 * SAMPLES
            self.frames += 1

    def insert(self, number: int, at_s: float, ssrc: int = 1, timestamp: int | None = None) -> None:
        timestamp = self.first_timestamp + number * STEP if timestamp is None else timestamp
        sequence = (self.first_sequence + number) % 2**16
        self.listener.insert(ssrc, sequence, timestamp % 2**32, str(number).encode(), now_s=at_s)

    @property
    def standing_ms(self) -> float:
        """What waits to be heard."""
        waiting = self.listener.buffer.waiting_samples * 1000 / CLOCK_HZ
        return waiting + self.listener.pending_samples * 1000 / RATE_HZ


def steady(count: int, delay_s: float = 0.01, first: int = 0) -> list[tuple[int, float]]:
    """Packets that all take the same time."""
    return [(number, number * FRAME_S + delay_s) for number in range(first, first + count)]
