"""A model session is replaced before its time is up, at the best moment that comes.

The shape is that of AWS's own sample (a spare is opened ahead and takes over at a pause), with the moment decided here
and nothing lost: a spare is opened at three quarters of the old session's life, and then takes over at the end of a
turn; later in any silence; later still in any pause of the model's own work, the caller's speech replayed; and in the
end whatever is going on. A spare that fails is opened again. One that nobody has talked to for too long is replaced
too: providers give up sessions without audio.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from enum import IntEnum, StrEnum

from vivavoce.core.links import LinkMove
from vivavoce.core.machine import Machine
from vivavoce.core.parts import Parts
from vivavoce.core.takeover import take_over
from vivavoce.core.timers import Timer
from vivavoce.core.voices import CallerMove
from vivavoce.events import CloseModel, ConnectionId, Effect, Instant, ModelReady, OpenModel, SwapMoment

SPARE_OPENING_LIMIT_US = 10_000_000
SPARE_RETRIES_US = (500_000, 1_000_000, 2_000_000, 4_000_000, 8_000_000, 15_000_000)
"""Before each further try; from the last on, always the last."""
SPARE_LIMIT_US = 30_000_000
"""A session without audio is given up by the provider after 55 s or more (docs: sonic-input-events; AWS's
session-continuation sample opens a new one after 30 s)."""
SETTLE_US = 500_000
"""After the last of its work a session may still have something to say: a tool to call, or, from whoever hears the
line, that what it answered was all of what the caller said. Only a session whose time is up is not waited for.
"""


class Spare(StrEnum):
    """How the next session stands."""

    NONE = "none"
    OPENING = "opening"
    READY = "ready"
    FAILED = "failed"  # another try will be made


class SpareMove(StrEnum):
    """What can happen to the next session."""

    OPEN = "open"
    COME_UP = "come_up"
    FAIL = "fail"
    TAKE_OVER = "take_over"
    DROP = "drop"


SPARE_TABLE = {
    (Spare.NONE, SpareMove.OPEN): Spare.OPENING,
    (Spare.OPENING, SpareMove.COME_UP): Spare.READY,
    (Spare.OPENING, SpareMove.FAIL): Spare.FAILED,
    (Spare.READY, SpareMove.FAIL): Spare.FAILED,
    (Spare.FAILED, SpareMove.OPEN): Spare.OPENING,
    (Spare.READY, SpareMove.TAKE_OVER): Spare.NONE,
    (Spare.OPENING, SpareMove.TAKE_OVER): Spare.NONE,  # the old session is lost: it goes on opening as the current one
    (Spare.OPENING, SpareMove.DROP): Spare.NONE,
    (Spare.READY, SpareMove.DROP): Spare.NONE,
    (Spare.FAILED, SpareMove.DROP): Spare.NONE,
}


class Urgency(IntEnum):
    """What must hold for the spare to take over."""

    NOT_YET = 0
    AT_TURN_END = 1
    IN_SILENCE = 2
    IN_A_PAUSE = 3  # the model is neither making a reply nor about to
    NOW = 4


SCHEDULE = (
    (750, Urgency.AT_TURN_END),
    (820, Urgency.IN_SILENCE),
    (900, Urgency.IN_A_PAUSE),
    (980, Urgency.NOW),
)
"""Thousandths of a session's life, and what it takes from then on. Of eight minutes: 360 s (as AWS's sample and its
followers have it), 394 s, 432 s, 470 s."""
HURRY_US = ((10_000_000, Urgency.IN_SILENCE), (30_000_000, Urgency.IN_A_PAUSE))
"""The same for a session that was told what does not hold any more, after so long."""


class Renewal:
    """The current session's remaining time, and the spare."""

    __slots__ = (
        "_failures",
        "_parts",
        "_ready_at",
        "_settled_at",
        "_spare",
        "_steps",
        "_urgency",
        "_wanted",
        "hurried",
        "machine",
    )

    def __init__(self, parts: Parts) -> None:
        self.machine = Machine(SPARE_TABLE, Spare.NONE)
        self._parts = parts
        self._steps: deque[tuple[Instant, Urgency]] = deque()
        self._urgency = Urgency.NOT_YET
        self._spare: ModelReady | None = None
        self._ready_at = Instant(0)
        self._failures = 0
        self._settled_at = Instant(0)
        self.hurried = False
        self._wanted: int | None = None  # the model to go on with, where it is another

    def begin(self, ready: ModelReady, at: Instant, now: Instant) -> None:
        """The current session became ready ``at`` that instant: its time runs from there."""
        self._forget_time()
        self._parts.models.speaks = ready.speaks
        if ready.lifetime_us:
            self._steps.extend((Instant(at + ready.lifetime_us * share // 1000), step) for share, step in SCHEDULE)
        self._await_step(now)

    def hurry(self, now: Instant) -> Iterator[Effect]:
        """What sessions are told is another: one that knows it takes over at the next end of a turn, and not much later
        than that. What is asked meanwhile waits for it.
        """
        yield from self._drop()
        self.hurried = True
        self._urgency = max(self._urgency, Urgency.AT_TURN_END)
        due = [(Instant(now + after_us), step) for after_us, step in HURRY_US]
        self._steps = deque(sorted([*self._steps, *due]))
        self._await_step(now)
        yield from self._open(now)

    def change(self, model: int, now: Instant) -> Iterator[Effect]:
        """A session of that model takes over at the next end of a turn, once it is there."""
        yield from self._drop()
        self._wanted = model
        self._failures = 0
        self._urgency = max(self._urgency, Urgency.AT_TURN_END)
        yield from self._open(now)

    def want(self, model: int) -> None:
        """The same once there is a session again: see :meth:`resume`."""
        self._wanted = model

    def resume(self, now: Instant) -> Iterator[Effect]:
        """A session stands in for one that was lost: what was wanted then still is."""
        if self._wanted == self._parts.models.model:
            self._wanted = None
        elif self._wanted is not None:
            yield from self.change(self._wanted, now)

    def stop(self) -> Iterator[Effect]:
        """The call ends, or the current session has been lost: nothing more is renewed, and the spare goes."""
        self._forget_time()
        yield from self._drop()

    def time_passed(self, timer: Timer, now: Instant) -> Iterator[Effect]:
        if timer is Timer.SPARE:
            yield from self._spare_is_late(now)
            return
        while self._steps and self._steps[0][0] <= now:
            self._urgency = max(self._urgency, self._steps.popleft()[1])
            if self._failures:  # another model does not come: this one's time is up all the same
                self._wanted = None
        self._await_step(now)
        if self.machine.state is Spare.NONE:
            yield from self._open(now)

    def spare_ready(self, event: ModelReady, now: Instant) -> None:
        self.machine.move(SpareMove.COME_UP)
        self._parts.models.move_spare(LinkMove.OPEN)
        self._parts.timers.set(Timer.SPARE, now + SPARE_LIMIT_US)
        self._spare, self._ready_at = event, now
        self._failures = 0

    def spare_lost(self, now: Instant) -> None:
        self.machine.move(SpareMove.FAIL)
        self._parts.models.move_spare(LinkMove.LOSE)
        self._await_retry(now)

    def worked(self, now: Instant) -> None:
        """The current session said or did something."""
        self._settled_at = Instant(now + SETTLE_US)

    def settle(self, now: Instant) -> Iterator[Effect]:
        """Let the spare take over if this is the moment."""
        if self.machine.state is not Spare.READY:
            return
        moment = self._moment(now)
        if moment is None:
            return
        parts = self._parts
        broken_off = parts.talk.response is not None
        yield from parts.talk.model_gone()
        old = self.promote(now)
        yield from take_over(parts, old, moment, now, broken_off=broken_off)
        yield CloseModel(old)

    def promote(self, now: Instant) -> ConnectionId:
        """The spare becomes the current session; returns the old one, whose time counts no more. If the new one is
        ready, its own time runs.
        """
        self._forget_time()
        ready, at = self._spare, self._ready_at
        self.machine.move(SpareMove.TAKE_OVER)
        self._parts.timers.clear(Timer.SPARE)
        self._spare = None
        old = self._parts.models.promote()
        if self._wanted == self._parts.models.model:
            self._wanted = None  # from here on it is renewed, and replaced where it is lost, as any other
        if self._parts.models.live and ready is not None:
            self.begin(ready, at, now)
        return old

    def stands_in(self, now: Instant) -> bool:
        """True if the spare has become the current session in the place of one that was lost before the call talked."""
        if self.machine.can(SpareMove.TAKE_OVER):
            self.promote(now)
            return True
        return False

    def _moment(self, now: Instant) -> SwapMoment | None:
        talk, owed = self._parts.talk, self._parts.owed
        if self._urgency is Urgency.NOW:
            return SwapMoment.FORCED
        if talk.response is not None:
            return None
        if now < self._settled_at:
            self._look_again(self._settled_at)
            return None
        if self._urgency is Urgency.IN_A_PAUSE:  # the caller may be talking: that can be replayed, thinking cannot
            return None if owed.certain else SwapMoment.FORCED
        if talk.taken or not talk.caller.can(CallerMove.START) or (owed.speech if self.hurried else owed.is_owed(now)):
            return None
        if talk.agent_quiet and not self._parts.tools.running:
            return SwapMoment.TURN_END
        looks_up = self.hurried and talk.agent_quiet
        return SwapMoment.SILENCE if looks_up or self._urgency is Urgency.IN_SILENCE else None

    def _look_again(self, at: Instant) -> None:
        if not self._steps or at < self._steps[0][0]:
            self._parts.timers.set(Timer.RENEWAL, at)

    def _open(self, now: Instant) -> Iterator[Effect]:
        self.machine.move(SpareMove.OPEN)
        self._parts.timers.set(Timer.SPARE, now + SPARE_OPENING_LIMIT_US)
        models = self._parts.models
        model = models.model if self._wanted is None else self._wanted
        yield OpenModel(models.open_spare(model), model)

    def _spare_is_late(self, now: Instant) -> Iterator[Effect]:
        """It did not come up, or nobody has talked to it for too long, or it is time for another try."""
        opening = self.machine.state is Spare.OPENING
        if self.machine.can(SpareMove.FAIL):
            self.machine.move(SpareMove.FAIL)
            yield from self._close_spare()
        if opening:
            self._await_retry(now)
        else:
            yield from self._open(now)

    def _await_retry(self, now: Instant) -> None:
        wait_us = SPARE_RETRIES_US[min(self._failures, len(SPARE_RETRIES_US) - 1)]
        self._failures += 1
        self._parts.timers.set(Timer.SPARE, now + wait_us)

    def _drop(self) -> Iterator[Effect]:
        self._parts.timers.clear(Timer.SPARE)
        if self.machine.can(SpareMove.DROP):
            self.machine.move(SpareMove.DROP)
            yield from self._close_spare()

    def _close_spare(self) -> Iterator[Effect]:
        models = self._parts.models
        if models.spare_can(LinkMove.CLOSE):
            yield CloseModel(models.spare)
            models.move_spare(LinkMove.CLOSE)

    def _forget_time(self) -> None:
        self.hurried = False
        self._urgency = Urgency.NOT_YET
        self._steps.clear()
        self._parts.timers.clear(Timer.RENEWAL)

    def _await_step(self, now: Instant) -> None:
        """A session that waited long as a spare may have steps behind it: those are taken next, and not before now."""
        if self._steps:
            self._parts.timers.set(Timer.RENEWAL, max(self._steps[0][0], now + 1))
