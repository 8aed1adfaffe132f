"""A model session that was lost is replaced: by the spare if there is one, else by another of the same model, else by
the agent's next model; and if there is none, the call ends. The same rules open the first session: there, a model that
will not open makes room for the next one at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from vivavoce.core.links import NO_CONNECTION, Link, LinkMove
from vivavoce.core.parts import Parts
from vivavoce.core.renewal import Renewal, SpareMove
from vivavoce.core.takeover import take_over
from vivavoce.core.timers import Timer
from vivavoce.events import CloseModel, ConnectionId, Effect, Instant, ModelReady, OpenModel, SwapMoment

BACKOFF_US = (0, 500_000, 1_000_000, 2_000_000, 4_000_000)
"""Before each try to open a session in the place of one that was lost. A provider's 429 is waited for in the adapter,
where the waits can be jittered."""
OPENING_LIMIT_US = 10_000_000
SETTLED_US = 10_000_000
"""A session that lasted this long worked: when it is lost the tries are counted anew."""
APOLOGY_AFTER_US = 3_000_000
"""A caller who had nobody to talk to, or waited for an answer, for longer than this before another session was there is
owed a word. Once: a second apology is worse than none.
"""


class _Outage(NamedTuple):
    since: Instant
    old: ConnectionId
    reason: str
    broken_off: bool  # a reply was being made


class Recovery:
    """Which model the call is on, and how often it was tried."""

    __slots__ = ("_apologised", "_given_up", "_live_since", "_outage", "_parts", "_renewal", "_tries")

    def __init__(self, parts: Parts, renewal: Renewal) -> None:
        self._parts = parts
        self._renewal = renewal
        self._tries = 0
        self._live_since: Instant | None = None
        self._outage: _Outage | None = None
        self._apologised = False
        self._given_up: set[int] = set()  # models

    def open_next_model(self, now: Instant) -> Iterator[Effect]:
        """Opens nothing if there is none: :attr:`hopeless` tells. One before it is left only where a cheaper model took
        its place."""
        given_up = self._parts.models.model
        self._given_up.add(given_up)
        left = [model for model in range(len(self._parts.plan.models)) if model not in self._given_up]
        if left:
            self._tries = 0
            yield from self._open(next((model for model in left if model > given_up), left[0]), now)

    def open_again(self, now: Instant, model: int) -> Iterator[Effect]:
        """A session of that model in the place of one that was closed before it was talked to."""
        yield from self._open(model, now)

    def lost(self, reason: str, now: Instant, *, retryable: bool) -> Iterator[Effect]:
        """The current session is gone while the call talks. Opens nothing if nothing is left to try."""
        parts, models = self._parts, self._parts.models
        if self._live_since is not None and now - self._live_since >= SETTLED_US:
            self._tries = 0
        self._live_since = None
        parts.timers.clear(Timer.RECOVERY)
        broken_off = parts.talk.response is not None
        if self._outage is None:
            self._outage = _Outage(now, models.current, reason, broken_off)
        yield from parts.talk.model_gone()
        if self._renewal.machine.can(SpareMove.TAKE_OVER):
            self._renewal.promote(now)
            if models.live:
                self._live_since = now
                yield from self._take_over(now)
            else:
                parts.timers.set(Timer.RECOVERY, now + OPENING_LIMIT_US)
            return
        yield from self._renewal.stop()
        if not retryable or self._tries >= len(BACKOFF_US):
            yield from self.open_next_model(now)
        else:
            yield from self._try_again(now)

    @property
    def hopeless(self) -> bool:
        """There is no session, and none is being opened or will be."""
        return self._parts.models.state is Link.GONE and not self._parts.timers.is_set(Timer.RECOVERY)

    def ready(self, event: ModelReady, now: Instant) -> Iterator[Effect]:
        """The current session is live; if it stands in for a lost one, it takes over."""
        self._parts.timers.clear(Timer.RECOVERY)
        self._live_since = now
        self._renewal.begin(event, now, now)
        if self._outage is not None:
            yield from self._take_over(now)
        yield from self._renewal.resume(now)

    def time_passed(self, now: Instant) -> Iterator[Effect]:
        """It is time for the next try, or the session that was opened did not come up."""
        models = self._parts.models
        if models.state is Link.OPENING:
            models.move(LinkMove.CLOSE)
            yield CloseModel(models.current)
            yield from self.lost("a session did not come up in time", now, retryable=True)
        elif models.state is Link.GONE:
            yield from self._open(models.model, now)

    def _try_again(self, now: Instant) -> Iterator[Effect]:
        wait_us = BACKOFF_US[self._tries]
        self._tries += 1
        if wait_us:
            self._parts.timers.set(Timer.RECOVERY, now + wait_us)
        else:
            yield from self._open(self._parts.models.model, now)

    def _open(self, model: int, now: Instant) -> Iterator[Effect]:
        if self._outage is not None:
            self._parts.timers.set(Timer.RECOVERY, now + OPENING_LIMIT_US)
        yield OpenModel(self._parts.models.open(model), model)

    def _take_over(self, now: Instant) -> Iterator[Effect]:
        outage, self._outage = self._outage or _Outage(now, NO_CONNECTION, "", broken_off=False), None
        owed = self._parts.owed
        waits = owed.since is not None and owed.is_owed_by_dead()
        waiting_since = min(outage.since, owed.since) if waits and owed.since is not None else outage.since
        late = now - waiting_since > APOLOGY_AFTER_US
        apologise = late and not self._apologised and bool(self._parts.plan.apology)
        self._apologised = self._apologised or apologise
        yield from take_over(
            self._parts,
            outage.old,
            SwapMoment.RECOVERY,
            now,
            reason=outage.reason,
            broken_off=outage.broken_off,
            apologise=apologise,
        )
