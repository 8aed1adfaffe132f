"""How late packets are, and so how long to hold them. Pure: the time of arrival is an argument."""

from __future__ import annotations

from collections import deque

_BIN_MS = 5
_BASE_SPAN_S = 4.0
_BASE_PIECES = 8
_LARGEST_WEIGHT = 1e9
_FORGOTTEN = 1e-4  # of the newest weight
_TOGETHER_MS = 5


class Arrivals:
    """Learns from each packet's time on the way, compared with the fastest one of the last seconds.

    ``target_ms`` is the delay within which the ``quantile`` of the recent packets came. What is recent is a matter of
    ``forget``: an arrival counts that much less with every later one. The idea is NetEq's, the jitter buffer of
    libwebrtc, with three differences, because a delay that stands is dearer to an agent than a gap now and then:

    - Packets that come together after a stall count as one: only the first of them would have needed the delay.
    - A stall longer than ``longest_ms`` counts for nothing, as no delay that we would bear could have bridged it.
    - What is remembered is the time on the way, not the lateness. When the way becomes longer or shorter for good,
      that is no jitter, and the target follows at once.
    """

    def __init__(self, *, quantile: float, forget: float, longest_ms: float) -> None:
        self._tail = 1 - quantile
        self._growth = 1 / forget
        self._longest_ms = longest_ms
        self._fastest = _SlidingMinimum(_BASE_SPAN_S, _BASE_PIECES)
        self._weights: dict[int, float] = {}  # of transit times, by _BIN_MS
        self._newest_weight = 1.0  # growing it forgets the others without touching them
        self._last_ms = float("-inf")
        self.target_ms = 0.0

    def note(self, media_ms: float, now_ms: float) -> None:
        """A packet that begins at ``media_ms`` of the sender's clock is here."""
        transit_ms = now_ms - media_ms
        late_ms = transit_ms - self._fastest.note(transit_ms, now_ms / 1000)
        together = now_ms - self._last_ms < _TOGETHER_MS and late_ms > _TOGETHER_MS
        self._last_ms = now_ms
        if together or late_ms > self._longest_ms:
            return
        self._newest_weight *= self._growth
        at = int(transit_ms // _BIN_MS)
        self._weights[at] = self._weights.get(at, 0.0) + self._newest_weight
        if self._newest_weight > _LARGEST_WEIGHT:
            self._rescale()
        self.target_ms = min(self._longest_ms, max(0.0, self._quantile_ms() - self._fastest.value))

    def age_ms(self, media_ms: float, now_ms: float) -> float:
        """How long ago a packet that begins at ``media_ms`` would have come on the fastest way."""
        return now_ms - media_ms - self._fastest.value

    def _quantile_ms(self) -> float:
        """The transit time that enough packets kept to, rounded up to a bin."""
        beyond, limit = 0.0, sum(self._weights.values()) * self._tail
        for at in sorted(self._weights, reverse=True):
            beyond += self._weights[at]
            if beyond > limit:
                return (at + 1) * float(_BIN_MS)
        return 0.0

    def _rescale(self) -> None:
        newest = self._newest_weight
        self._weights = {at: weight / newest for at, weight in self._weights.items() if weight > newest * _FORGOTTEN}
        self._newest_weight = 1.0


class _SlidingMinimum:
    """The least value of about the last ``span_s``."""

    def __init__(self, span_s: float, pieces: int) -> None:
        self._piece_s = span_s / pieces
        self._pieces: deque[float] = deque(maxlen=pieces)
        self._until_s = float("-inf")
        self.value = 0.0

    def note(self, value: float, now_s: float) -> float:
        if now_s >= self._until_s:
            self._until_s = now_s + self._piece_s
            self._pieces.append(value)
            self.value = min(self._pieces)
        elif value < self._pieces[-1]:
            self._pieces[-1] = value
            self.value = min(self.value, value)
        return self.value
