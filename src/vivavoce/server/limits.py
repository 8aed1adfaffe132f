"""Rates and delays, measured by times that are told. Pure: no loop, no clock."""

from __future__ import annotations

import math
from collections import OrderedDict, deque

LAG_WINDOW_S = 10.0
_ADDRESSES = 4096
"""How many addresses are kept in mind; the one longest unheard of is forgotten first."""


class TokenBucket:
    """``per_s`` on average, ``burst`` at once. Times must not go backwards; the first one begins with a full bucket."""

    __slots__ = ("_at_s", "_burst", "_left", "_per_s")

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._left = burst
        self._at_s: float | None = None

    def take(self, amount: float, now_s: float) -> bool:
        """Whether that much may pass now. What may not, costs nothing."""
        self._fill(now_s)
        if amount > self._left:
            return False
        self._left -= amount
        return True

    def borrow(self, amount: float, now_s: float) -> float:
        """Takes that much, and tells after how long it may be used."""
        self._fill(now_s)
        self._left -= amount
        return -self._left / self._per_s if self._left < 0 else 0.0

    def wait_s(self, amount: float, now_s: float) -> float:
        """How long until that much may pass; infinite if it is more than a whole bucket."""
        self._fill(now_s)
        if amount > self._burst:
            return math.inf
        return max(0.0, (amount - self._left) / self._per_s)

    def _fill(self, now_s: float) -> None:
        if self._at_s is not None and now_s > self._at_s:
            left = self._left + (now_s - self._at_s) * self._per_s
            self._left = min(self._burst, left)
        self._at_s = now_s


class ClientRates:
    """What one client of a live session may send: events and bytes, each with a bucket of a few seconds."""

    def __init__(self, events_per_s: float, bytes_per_s: float, largest_bytes: int, seconds: float = 4.0) -> None:
        """``largest_bytes`` is what one event may have, whatever the rate."""
        self._events = TokenBucket(events_per_s, events_per_s * seconds)
        self._bytes = TokenBucket(bytes_per_s, max(bytes_per_s * seconds, largest_bytes))

    def take_in_time(self, event_bytes: int, now_s: float) -> float:
        """Takes one more event, and tells how long whoever reads it has to wait before."""
        return max(self._events.borrow(1, now_s), self._bytes.borrow(event_bytes, now_s))


class AddressRates:
    """A bucket for each address, and for no more of them than fit."""

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def take(self, address: str, now_s: float) -> bool:
        bucket = self._buckets.get(address)
        if bucket is None:
            if len(self._buckets) >= _ADDRESSES:
                self._buckets.popitem(last=False)
            bucket = self._buckets[address] = TokenBucket(self._per_s, self._burst)
        self._buckets.move_to_end(address)
        return bucket.take(1, now_s)


class LagWindow:
    """How late the loop was, over the last :data:`LAG_WINDOW_S`."""

    def __init__(self, window_s: float = LAG_WINDOW_S) -> None:
        self._window_s = window_s
        self._samples: deque[tuple[float, float]] = deque()

    def observe(self, lag_ms: float, now_s: float) -> None:
        self._samples.append((now_s, lag_ms))
        self._forget(now_s)

    def p99_ms(self, now_s: float) -> float:
        """0 if nothing was observed lately. Of few samples the largest but one: a single hiccup turns nobody away."""
        self._forget(now_s)
        lags = sorted(lag for _, lag in self._samples)
        if len(lags) < 2:
            return 0.0
        return lags[min(len(lags) - 2, math.ceil(0.99 * len(lags)) - 1)]

    def _forget(self, now_s: float) -> None:
        while self._samples and self._samples[0][0] < now_s - self._window_s:
            self._samples.popleft()
