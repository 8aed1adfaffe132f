"""Delivering what addresses are to be told, on a thread of its own: one that is slow holds up nobody but the addresses
after it, and keeping calls not at all.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from vivavoce.errors import StoreFault
from vivavoce.ledger.delivery import Again, Delivery, GivenUp, Outcome, Taken

_log = logging.getLogger(__name__)

ROUND: Final = 50
"""How many deliveries are looked at in one go."""
LOOK_S: Final = 5.0
"""Between two looks whether something has become due."""
CLAIM_S: Final = 60.0
"""So long a try is left to whoever began it: longer than any takes. After that it is taken for one that died with its
process."""
MISTAKE_S: Final = 300.0
"""Until what our own mistake prevented is tried again."""


class Tasks(Protocol):
    """The part of a :class:`~vivavoce.store.port.Keeper` that delivering needs."""

    def due(self, now: datetime, limit: int) -> Sequence[Delivery]: ...

    def claim(self, delivery: str, now: datetime, until: datetime) -> bool: ...

    def delivered(self, delivery: str, now: datetime) -> None: ...

    def postpone(self, delivery: str, until: datetime | None, why: str) -> None: ...


class Courier(Protocol):
    """Makes one try, in a bounded time. Does not raise."""

    def send(self, delivery: Delivery) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Delivering:
    """One round, without a thread. ``is_over`` is asked between two tries."""

    courier: Courier
    now: Callable[[], datetime]

    def step(self, tasks: Tasks, is_over: Callable[[], bool]) -> bool:
        """Whether there may be more that is due now. An address that did not take one thing is not tried with the next
        in the same round: that has to wait as long. Raises :class:`~vivavoce.errors.StoreFault`."""
        due = tasks.due(self.now(), ROUND)
        away: dict[str, float] = {}
        for delivery in due:
            if is_over():
                return True
            self._try(tasks, delivery, away)
        return len(due) == ROUND

    def _try(self, tasks: Tasks, delivery: Delivery, away: dict[str, float]) -> None:
        if not tasks.claim(delivery.delivery, self.now(), self.now() + timedelta(seconds=CLAIM_S)):
            return  # another worker, or another server, was quicker
        after_s = away.get(delivery.url)
        outcome = Again(after_s, "not tried, as the one before was not taken") if after_s else self._send(delivery)
        match outcome:
            case Taken():
                tasks.delivered(delivery.delivery, self.now())
            case Again(after_s, why):
                away[delivery.url] = after_s
                tasks.postpone(delivery.delivery, self.now() + timedelta(seconds=after_s), why)
            case GivenUp(why):
                _log.warning("an address was not told of a call and is not tried again: %s: %s", delivery.call, why)
                tasks.postpone(delivery.delivery, None, why)

    def _send(self, delivery: Delivery) -> Outcome:
        try:
            return self.courier.send(delivery)
        except Exception as error:  # noqa: BLE001  # one delivery's trouble, whatever it is, must not stop the others
            _log.error("a delivery failed: unexpected %s", type(error).__name__)
            return Again(MISTAKE_S, "a mistake of ours")


class Post:
    """The thread. ``tasks`` gives the store once it is open."""

    def __init__(self, delivering: Delivering, tasks: Callable[[], Tasks | None]) -> None:
        self._delivering = delivering
        self._tasks = tasks
        self._look = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vivavoce-post", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def look(self) -> None:
        """Something has become due."""
        self._look.set()

    def stop(self, limit_s: float) -> bool:
        """No try begins any more; what is due stays so. Whether the thread has ended."""
        self._stopping.set()
        self._look.set()
        if self._thread.ident is not None:
            self._thread.join(limit_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._look.clear()
            if not self._round():
                self._look.wait(LOOK_S)

    def _round(self) -> bool:
        tasks = self._tasks()
        try:
            return tasks is not None and self._delivering.step(tasks, self._stopping.is_set)
        except StoreFault:
            return False  # the bookkeeper says so, and tries for both
