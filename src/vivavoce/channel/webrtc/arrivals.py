"""How late packets are, and so how long to hold them. Pure: the time of arrival is an argument."""

from __future__ import annotations

from collections import deque

_BIN_MS = 5
_BASE_SPAN_S = 4.0
_BASE_PIECES = 8
_LARGEST_WEIGHT = 1e12


class Arrivals:
    """Learns from each packet's time on the way, compared with the fastest one of the last seconds.

    ``target_ms`` is the delay within which the ``quantile`` of the recent packets came. What is recent is a matter of
    ``forget``: an arrival counts that much less with every later one. The idea is NetEq's, the jitter buffer of
    libwebrtc; it uses 0.95 to 0.97 and 0.983.
    """

    def __init__(self, *, quantile: float, forget: float, longest_ms: float) -> None:
        self._tail = 1 - quantile
        self._growth = 1 / forget
        self._longest_ms = longest_ms
        self._fastest = _SlidingMinimum(_BASE_SPAN_S, _BASE_PIECES)
        self._bins = [0.0] * (int(longest_ms // _BIN_MS) + 1)
        self._weight = 1.0  # of the newest arrival; growing it forgets the others without touching them
        self._total = 0.0
        self.target_ms = 0.0

    def note(self, media_ms: float, now_ms: float) -> float:
        """A packet that begins at ``media_ms`` of the sender's clock is here. By how much it trails the fastest one."""
        transit = now_ms - media_ms
        late_ms = transit - self._fastest.note(transit, now_ms / 1000)
        self._weight *= self._growth
        self._total += self._weight
        # Rounded up: a delay of one bin must be enough for all that fell into it.
        self._bins[min(len(self._bins) - 1, -int(-late_ms // _BIN_MS))] += self._weight
        if self._weight > _LARGEST_WEIGHT:
            self._rescale()
        self.target_ms = self._quantile_ms()
        return late_ms

    def age_ms(self, media_ms: float, now_ms: float) -> float:
        """How long ago a packet that begins at ``media_ms`` would have come on the fastest way."""
        return now_ms - media_ms - self._fastest.value

    def _quantile_ms(self) -> float:
        beyond, limit = 0.0, self._total * self._tail
        for index in range(len(self._bins) - 1, 0, -1):
            beyond += self._bins[index]
            if beyond > limit:
                return float(index * _BIN_MS)
        return 0.0

    def _rescale(self) -> None:
        self._bins = [weight / self._weight for weight in self._bins]
        self._total /= self._weight
        self._weight = 1.0


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
