"""Which of the caller's packets to play now, and whether to wait, hurry or give up. Pure: time is an argument.

The measure of everything is a packet's *age*: how long ago it would have come on the fastest way. It is played when its
age reaches the target, which follows from how late packets have been (:mod:`vivavoce.channel.webrtc.arrivals`).

- Nothing has come: the sound is stretched or concealed, and what comes late is still played. That is how the delay
  grows, at once and only as far as needed; a word that came late is worth more than its punctuality.
- A packet is missing and a later one is here: it is concealed for as long as it would have lasted. The delay stays.
- The delay is more than it need be, or less: ``surplus_ms`` says by how much to shorten or lengthen the sound.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from dataclasses import dataclass, field, replace
from enum import Enum
from math import ceil, inf
from typing import NamedTuple

from vivavoce.channel.webrtc.arrivals import Arrivals


class Packet(NamedTuple):
    """One packet of sound as RTP brings it; ``samples`` is how long it lasts, in units of the timestamp's clock."""

    ssrc: int
    sequence: int
    timestamp: int
    samples: int
    payload: bytes


class Filler(Enum):
    """What to play where there is no packet."""

    CONCEAL = "conceal"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class JitterSettings:
    """``frame_ms`` is how often sound is taken. No packet waits for more than ``longest_ms`` on purpose; what is older
    than ``bound_ms`` is given up. ``quantile`` of the packets should be in time.
    """

    frame_ms: int = 20
    longest_ms: int = 200
    bound_ms: int = 500
    quantile: float = 0.97
    forget: float = 0.99


@dataclass(slots=True)
class JitterCounts:
    """Packets, and samples of the stream's clock. ``late`` ones came after their place was passed, or once more.
    ``discarded`` ones were given up to catch up, or belonged to a stream that ended.
    """

    received: int = 0
    played: int = 0
    late: int = 0
    reordered: int = 0
    discarded: int = 0
    received_samples: int = 0
    played_samples: int = 0
    late_samples: int = 0
    discarded_samples: int = 0
    lost_samples: int = 0
    """Of the sender's time: stretches that were passed over although packets were sent for them."""
    paused_samples: int = 0
    """Of the sender's time: stretches for which nothing was sent."""


class _Waiting(NamedTuple):
    """A packet with its place in the whole stream; compares by it."""

    sequence: int
    timestamp: int
    packet: Packet
    arrived_ms: float


# More than any real gap (10 s of 20 ms packets, and of time) means that the sender began anew.
_LARGEST_SEQUENCE_STEP = 500
_LARGEST_TIME_STEP_S = 30
_SILENCE_AFTER_MS = 100
_MARGIN_MS, _MARGIN = 2, 0.1  # above the target, so that its own wavering costs nothing
_DEFICIT_MS = 7  # less than this below it nothing is put in
_REMEMBERED_DELAYS = 3_000  # a minute of 20 ms packets


@dataclass(slots=True)
class _Stream:
    """Where one source's stream is. Sequence numbers and timestamps are counted on beyond 16 and 32 bits."""

    ssrc: int
    arrivals: Arrivals
    newest_sequence: int
    newest_timestamp: int
    next_sequence: int
    next_timestamp: int
    waiting: list[_Waiting] = field(default_factory=list)

    def placed(self, packet: Packet) -> tuple[int, int]:
        """Sequence and timestamp, counted on from the newest ones."""
        sequence = self.newest_sequence + _signed(packet.sequence - self.newest_sequence, 16)
        return sequence, self.newest_timestamp + _signed(packet.timestamp - self.newest_timestamp, 32)


class JitterBuffer:
    """For one receiver. Packets go in by ``insert``; whoever needs sound asks ``take``, packet by packet."""

    def __init__(self, rate_hz: int, settings: JitterSettings | None = None) -> None:
        """``rate_hz`` is the clock of the timestamps: 48000 for Opus, whatever it carries."""
        self.settings = settings or JitterSettings()
        self.counts = JitterCounts()
        self.delays_ms: deque[float] = deque(maxlen=_REMEMBERED_DELAYS)
        """How long each of the packets played last had waited here."""
        self._per_ms = rate_hz / 1000
        self._stream: _Stream | None = None
        self._filled_ms = inf  # put in the place of packets since the last one that was played

    @property
    def target_ms(self) -> float:
        return self._stream.arrivals.target_ms if self._stream else 0.0

    @property
    def waiting_samples(self) -> int:
        return sum(waiting.packet.samples for waiting in self._stream.waiting) if self._stream else 0

    def insert(self, packet: Packet, now_s: float) -> None:
        """A packet is here. In any order, any number of times, of whatever source; the newest source counts."""
        self.counts.received += 1
        self.counts.received_samples += packet.samples
        stream = self._stream_of(packet)
        sequence, timestamp = stream.placed(packet)
        stream.arrivals.note(timestamp / self._per_ms, now_s * 1000)
        if sequence > stream.newest_sequence:
            stream.newest_sequence, stream.newest_timestamp = sequence, timestamp
        elif sequence < stream.newest_sequence:
            self.counts.reordered += 1
        waiting = _Waiting(sequence, timestamp, packet, now_s * 1000)
        again = any(other.sequence == sequence for other in stream.waiting)
        if again or sequence < stream.next_sequence or timestamp < stream.next_timestamp:
            self._count_late(packet)
        else:
            insort(stream.waiting, waiting)

    def skip(self) -> None:
        """Give up what has come before anybody listened, so that it is no delay."""
        while self._stream is not None and len(self._stream.waiting) > 1:
            self._give_up_first(self._stream)

    def take(self, now_s: float, wanted_ms: float) -> Packet | Filler:
        """What comes next. A packet lasts as long as it says, a filler for ``wanted_ms``."""
        stream, now_ms = self._stream, now_s * 1000
        if stream is None:
            return Filler.SILENCE
        self._give_up_the_oldest(stream)
        first = stream.waiting[0] if stream.waiting else None
        if first is None or not self._is_due(stream, first, now_ms):
            self._filled_ms += wanted_ms
            return Filler.CONCEAL if self._filled_ms <= _SILENCE_AFTER_MS else Filler.SILENCE
        del stream.waiting[0]
        self._pass(stream, first)
        self._filled_ms = 0.0
        self.counts.played += 1
        self.counts.played_samples += first.packet.samples
        self.delays_ms.append(now_ms - first.arrived_ms)
        return first.packet

    def spare_ms(self, now_s: float, pending_ms: float) -> float | None:
        """By how much packets could come later than expected and still be in time; None if there is none.

        To be asked once for each frame, before its first ``take``. ``pending_ms`` is what was taken and has not been
        played.
        """
        stream = self._stream
        if stream is None or not stream.waiting:
            return None
        first = stream.waiting[0]
        # Of packets shorter than a frame the last one that is needed counts.
        further_ms = max(0.0, self.settings.frame_ms - first.packet.samples / self._per_ms - pending_ms)
        expected_ms = stream.arrivals.target_ms * (1 + _MARGIN) + _MARGIN_MS
        return self._age_ms(stream, first.timestamp, now_s * 1000) - further_ms - expected_ms

    def surplus_ms(self, spare_ms: float | None, pending_ms: float) -> float:
        """How much sound could be left out (or, if negative, should be put in) for the delay to be the target.

        What is pending makes nothing safer: packets must be here when the next whole frame is due, so that of the delay
        whole frames above the target are of no use, and this.
        """
        stream, frame_ms = self._stream, self.settings.frame_ms
        if stream is None or spare_ms is None:
            return 0.0
        if spare_ms < 0:
            return pending_ms - frame_ms * ceil(max(0.0, -spare_ms - _DEFICIT_MS) / frame_ms)
        # What is not here cannot be left out, however late it seems: the way may have become longer for good.
        waiting_ms = (stream.newest_timestamp - stream.waiting[0].timestamp) / self._per_ms
        return pending_ms + frame_ms * (min(spare_ms, waiting_ms) // frame_ms)

    def _age_ms(self, stream: _Stream, timestamp: int, now_ms: float) -> float:
        return stream.arrivals.age_ms(timestamp / self._per_ms, now_ms)

    def _is_due(self, stream: _Stream, first: _Waiting, now_ms: float) -> bool:
        gap_ms = (first.timestamp - stream.next_timestamp) / self._per_ms
        if self._filled_ms <= _SILENCE_AFTER_MS and self._filled_ms + self.settings.frame_ms / 2 >= gap_ms:
            return True  # goes on where it stopped
        return self._age_ms(stream, first.timestamp, now_ms) >= stream.arrivals.target_ms

    def _give_up_the_oldest(self, stream: _Stream) -> None:
        bound = self.settings.bound_ms * self._per_ms
        while stream.waiting and stream.newest_timestamp - stream.waiting[0].timestamp > bound:
            self._give_up_first(stream)

    def _give_up_first(self, stream: _Stream) -> None:
        first = stream.waiting.pop(0)
        self._pass(stream, first)
        self.counts.discarded += 1
        self.counts.discarded_samples += first.packet.samples

    def _pass(self, stream: _Stream, reached: _Waiting) -> None:
        gap = reached.timestamp - stream.next_timestamp
        if reached.sequence == stream.next_sequence:
            self.counts.paused_samples += gap
        else:
            self.counts.lost_samples += gap
        stream.next_sequence = reached.sequence + 1
        stream.next_timestamp = reached.timestamp + reached.packet.samples

    def _count_late(self, packet: Packet) -> None:
        self.counts.late += 1
        self.counts.late_samples += packet.samples

    def _stream_of(self, packet: Packet) -> _Stream:
        if self._stream is not None:
            sequence, timestamp = self._stream.placed(packet)
            steps = abs(sequence - self._stream.newest_sequence)
            seconds = abs(timestamp - self._stream.newest_timestamp) / self._per_ms / 1000
            same = self._stream.ssrc == packet.ssrc
            if same and steps <= _LARGEST_SEQUENCE_STEP and seconds <= _LARGEST_TIME_STEP_S:
                return self._stream
            self._end_stream(self._stream)
            self._filled_ms = inf
        settings = self.settings
        arrivals = Arrivals(quantile=settings.quantile, forget=settings.forget, longest_ms=settings.longest_ms)
        self._stream = _Stream(
            packet.ssrc, arrivals, packet.sequence, packet.timestamp, packet.sequence, packet.timestamp
        )
        return self._stream

    def _end_stream(self, stream: _Stream) -> None:
        self.counts.discarded += len(stream.waiting)
        self.counts.discarded_samples += sum(waiting.packet.samples for waiting in stream.waiting)

    def snapshot(self) -> JitterCounts:
        """The counts as they are now, in a copy."""
        return replace(self.counts)


def _signed(difference: int, bits: int) -> int:
    """A difference of counters that wrap, as the shorter way round."""
    half = 1 << (bits - 1)
    return (difference + half) % (1 << bits) - half
