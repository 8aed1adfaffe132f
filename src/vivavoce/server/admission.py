"""Who may come in: refused early and with a reason, so that the calls in progress keep what they need. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from vivavoce.errors import Refused
from vivavoce.server.limits import TokenBucket
from vivavoce.server.settings import Quota

RETRY_S = 5
"""After how long to try again where calls come and go."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one key's calls are bounded by; 0 is no bound. ``key`` is its name, empty for callers without one."""

    key: str = ""
    max_calls: int = 0
    calls_per_minute: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """Calls that are live, in all, by key and by the model they began with; and how many each key ever began."""

    calls: int = 0
    by_key: Mapping[str, int] = field(default_factory=dict)
    by_model: Mapping[str, int] = field(default_factory=dict)
    begun: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """What one admitted call takes up."""

    key: str
    model: str


def calls_within(quota: Quota) -> int:
    """How many calls may be live where a provider allows so many sessions: some hold two while they are renewed."""
    calls = quota.sessions
    while calls > 0 and calls + math.ceil(calls * quota.spare) > quota.sessions:
        calls -= 1
    return calls


class Admission:
    """Counts the calls of this process, and hears of those that other workers have."""

    def __init__(
        self,
        max_calls: int,
        max_lag_ms: float,
        quotas: Mapping[str, Quota],
        calls_per_minute: Mapping[str, int] | None = None,
    ) -> None:
        """``calls_per_minute`` by key, for what is heard of calls elsewhere."""
        self.max_calls = max_calls
        self.draining = False
        self._elsewhere: Tally | None = None
        self._max_lag_ms = max_lag_ms
        self._quotas = {model: calls_within(quota) for model, quota in quotas.items()}
        self._by_key: Counter[str] = Counter()
        self._by_model: Counter[str] = Counter()
        self._begun: Counter[str] = Counter()
        self._calls_per_minute = calls_per_minute or {}
        self._rates: dict[str, tuple[int, TokenBucket]] = {}

    @property
    def here(self) -> Tally:
        return Tally(self._by_key.total(), dict(self._by_key), dict(self._by_model), dict(self._begun))

    @property
    def calls(self) -> int:
        """Of all workers."""
        return self._by_key.total() + self.elsewhere.calls

    @property
    def elsewhere(self) -> Tally:
        return self._elsewhere or Tally()

    def hear(self, elsewhere: Tally, now_s: float) -> None:
        """What the other workers have now. What a key began there, it cannot begin here."""
        known = self._elsewhere or elsewhere  # what was before we came, is not ours to count
        for key, count in elsewhere.begun.items():
            new = count - known.begun.get(key, 0)  # fewer, where a worker was replaced
            per_minute = self._calls_per_minute.get(key, 0)
            if new > 0 and per_minute:
                self._rate(Bounds(key, calls_per_minute=per_minute)).borrow(new, now_s)
        self._elsewhere = elsewhere

    def why_not(self, lag_ms: float) -> Refused | None:
        """Why nobody at all would be taken now."""
        if self.draining:
            return Refused("this server is shutting down", status=503, code="server_draining", retry_after_s=RETRY_S)
        if self.calls >= self.max_calls:
            message = "this server has as many calls as it can serve"
            return Refused(message, status=503, code="server_full", retry_after_s=RETRY_S)
        if lag_ms > self._max_lag_ms:
            message = "this server is too busy for another call"
            return Refused(message, status=503, code="server_busy", retry_after_s=RETRY_S)
        return None

    def take(self, bounds: Bounds, model: str, *, lag_ms: float, now_s: float) -> Place:
        """A place for one call that begins with ``model``. Raises :class:`~vivavoce.errors.Refused`."""
        refused = self.why_not(lag_ms) or self._over_quota(model) or self._over_bounds(bounds, now_s)
        if refused is not None:
            raise refused
        self._by_key[bounds.key] += 1
        self._by_model[model] += 1
        self._begun[bounds.key] += 1
        return Place(bounds.key, model)

    def give_back(self, place: Place) -> None:
        for counter, name in ((self._by_key, place.key), (self._by_model, place.model)):
            counter[name] -= 1
            if not counter[name]:
                del counter[name]

    def _over_quota(self, model: str) -> Refused | None:
        most = self._quotas.get(model)
        if most is None or self._by_model[model] + self.elsewhere.by_model.get(model, 0) < most:
            return None
        message = f"the provider's sessions of {model} are all in use"
        return Refused(message, status=429, code="quota_reached", retry_after_s=RETRY_S)

    def _over_bounds(self, bounds: Bounds, now_s: float) -> Refused | None:
        live = self._by_key[bounds.key] + self.elsewhere.by_key.get(bounds.key, 0)
        if bounds.max_calls and live >= bounds.max_calls:
            message = f"this API key has {bounds.max_calls} calls at once, as many as it may have"
            return Refused(message, status=429, code="key_limit", retry_after_s=RETRY_S)
        if not bounds.calls_per_minute:
            return None
        bucket = self._rate(bounds)
        if bucket.take(1, now_s):
            return None
        message = f"this API key may begin {bounds.calls_per_minute} calls a minute"
        wait_s = math.ceil(bucket.wait_s(1, now_s))
        return Refused(message, status=429, code="key_limit", retry_after_s=max(1, wait_s))

    def _rate(self, bounds: Bounds) -> TokenBucket:
        per_minute, bucket = self._rates.get(bounds.key, (0, None))
        if bucket is None or per_minute != bounds.calls_per_minute:
            bucket = TokenBucket(bounds.calls_per_minute / 60, bounds.calls_per_minute)
            self._rates[bounds.key] = bounds.calls_per_minute, bucket
        return bucket
