"""What a peer connection went through, in numbers for people and dashboards."""

from __future__ import annotations

from dataclasses import dataclass

from vivavoce.channel.webrtc.listening import Listener


@dataclass(frozen=True, slots=True)
class PeerStatistics:
    """``delay_*_ms`` is how long packets of about the last minute waited in the jitter buffer, 0 before the first.
    ``concealed_ms`` of the caller was made up, ``shortened_ms`` left out to catch up, ``lengthened_ms`` added to be
    safer. The other counts are packets.
    """

    received: int
    lost: int
    late: int
    discarded: int
    reordered: int
    concealed_ms: float
    shortened_ms: float
    lengthened_ms: float
    target_ms: float
    delay_mean_ms: float
    delay_p50_ms: float
    delay_p99_ms: float


def statistics_of(listener: Listener, rate_hz: int, lost: int) -> PeerStatistics:
    packets, sound = listener.buffer.counts, listener.counts
    delays = sorted(listener.buffer.delays_ms)
    return PeerStatistics(
        received=packets.received,
        lost=lost,
        late=packets.late,
        discarded=packets.discarded,
        reordered=packets.reordered,
        concealed_ms=sound.concealed * 1000 / rate_hz,
        shortened_ms=sound.shortened * 1000 / rate_hz,
        lengthened_ms=sound.lengthened * 1000 / rate_hz,
        target_ms=listener.buffer.target_ms,
        delay_mean_ms=sum(delays) / len(delays) if delays else 0.0,
        delay_p50_ms=_quantile(delays, 0.5),
        delay_p99_ms=_quantile(delays, 0.99),
    )


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
