"""What the bookkeeper does, step by step and without a thread, and the same for a command: :func:`sync`."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

import msgspec

from vivavoce.errors import ProgrammingError, StoreFault, TimelineError, VivavoceError
from vivavoce.ledger.cost import CallCost
from vivavoce.ledger.delivery import Delivery
from vivavoce.ledger.record import CallRecord
from vivavoce.store.folders import Stamp, stamp_of, unkept
from vivavoce.store.intake import Intake, Waiting
from vivavoce.store.port import Keeper, KeptCall
from vivavoce.store.reading import ReadCall, read_call
from vivavoce.timeline.write import TIMELINE_FILE

_log = logging.getLogger(__name__)

BATCH: Final = 20
"""How many calls are kept in one stroke, at most."""
BATCH_BYTES: Final = 16 * 2**20
"""Of timelines in memory; one that is larger goes alone."""
FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 30.0
TOLD_WITHIN: Final = timedelta(days=1)
"""Nobody is told of a call that is found later than this after it began, as when a store is begun beside old calls."""


class OpenStore(Keeper, Protocol):
    """A store that somebody opened."""

    def close(self) -> None: ...


class Told(Protocol):
    """Hears of a call when it is kept, on the bookkeeper's thread. ``fresh``: it ended just now, in this process."""

    def __call__(self, record: CallRecord, cost: CallCost, *, fresh: bool) -> None: ...


class Prices(Protocol):
    """As :func:`vivavoce.ledger.pricing.price_call` with a book."""

    def __call__(self, record: CallRecord, *, recording_bytes: int, timeline_bytes: int) -> CallCost: ...


def _nobody(record: CallRecord, cost: CallCost, *, fresh: bool) -> None:  # as whoever does hears it
    """Nobody wants to hear of it."""


def _none(*_: object) -> Sequence[Delivery]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """What is done with a call that is over. ``deliveries`` gives the same ones for the same call each time. ``read``
    may raise StoreFault where it cannot read at all just now; a server gives it to another process
    (:mod:`vivavoce.store.apart`). ``pause`` is called between two pieces of work, for others that want the
    interpreter."""

    price: Prices
    deliveries: Callable[[CallRecord, CallCost], Sequence[Delivery]] = _none
    on_kept: Told = _nobody
    read: Callable[[Path], ReadCall] = read_call
    pause: Callable[[], None] = field(default=lambda: time.sleep(0.0005))


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """Since the start. ``torn`` of the ``kept``; ``waiting`` now, the oldest for ``backlog_age_s``; ``failed`` cannot
    be read and are set aside; ``faults`` of the database, ``away`` if the last thing it did was one."""

    kept: int = 0
    torn: int = 0
    waiting: int = 0
    failed: int = 0
    faults: int = 0
    away: bool = False
    backlog_age_s: float = 0.0


@dataclass(slots=True)
class _Counts:
    kept: int = 0
    torn: int = 0
    faults: int = 0
    in_a_row: int = 0  # faults since the database last did what it should


class Books:
    """:meth:`call_ended`, :meth:`search` and ``statistics`` are for any thread, all else for one."""

    def __init__(
        self,
        open_store: Callable[[], OpenStore],
        calls: Path,
        duties: Duties,
        *,
        now: Callable[[], datetime],
        jitter: Callable[[], float] = lambda: 0.5,
    ) -> None:
        self._open_store = open_store
        self._calls = calls
        self._duties = duties
        self._now = now
        self._jitter = jitter
        self._store: OpenStore | None = None
        self._intake = Intake()
        self._aside: dict[str, Stamp | None] = {}  # calls that cannot be read, as their files were then
        self._counts = _Counts()
        self._batch = BATCH

    @property
    def statistics(self) -> Statistics:
        counts, oldest = self._counts, self._intake.oldest
        return Statistics(
            kept=counts.kept,
            torn=counts.torn,
            waiting=self._intake.waiting,
            failed=len(self._aside),
            faults=counts.faults,
            away=counts.in_a_row > 0,
            backlog_age_s=max(0.0, (self._now() - oldest).total_seconds()) if oldest is not None else 0.0,
        )

    def opened(self) -> OpenStore | None:
        return self._store

    def close(self) -> None:
        if self._store is not None:
            self._store.close()

    def call_ended(self, call: str) -> None:
        self._intake.ended(call, self._now())

    def search(self) -> None:
        self._intake.ask_search()

    def step(self) -> float | None:
        """Does a little. How many seconds to wait before the next step: 0 for going on, None until there is something
        to do. Never raises."""
        try:
            if self._store is None:
                self._store = self._open_store()
            went_on = self.work(self._store)
        except VivavoceError as fault:
            return self._after_fault(fault)
        except Exception as error:  # noqa: BLE001  # ours; the files are there, and what is missing is found again
            _log.error("calls could not be kept: unexpected %s", type(error).__name__)
            self._intake.give_back(self._intake.in_hand, last=True)
            return LONGEST_WAIT_S
        if self._counts.in_a_row:
            _log.warning("calls can be kept again")
        self._counts.in_a_row = 0
        return 0 if went_on else None

    def work(self, store: Keeper) -> bool:
        """A little of what there is to do; False if there was nothing. Raises what the store raises; then nothing is
        lost."""
        if self._intake.search_due:
            self._search(store)
        batch = self._intake.take(self._batch)
        if not batch:
            return False
        self._keep(store, batch)
        return True

    def _search(self, store: Keeper) -> None:
        """Older calls are found anew each time; what ended meanwhile is in the intake or found too."""
        self._intake.begin_search()
        now = self._now()
        try:
            found = [
                (call, now)
                for call, stamp in unkept(store, self._calls, now, self._duties.pause)
                if self._aside.get(call) != stamp
            ]
        except BaseException:
            self._intake.ask_search()
            raise
        self._intake.found(found)

    def _keep(self, store: Keeper, batch: Sequence[Waiting]) -> None:
        """Asks first what is missing: somebody else may have kept what was found, and a database that is away is told
        from one question, before anything is read for nothing."""
        missing = store.missing([one.call for one in batch])
        wanted = deque(one for one in batch if one.fresh or one.call in missing)
        ready: list[tuple[Waiting, KeptCall]] = []
        room = BATCH_BYTES
        while wanted and room > 0:
            one = wanted.popleft()
            kept = self._made(one)
            if kept is not None:
                ready.append((one, kept))
                room -= len(kept.timeline)
            self._duties.pause()
        self._intake.give_back(wanted)
        if ready:
            self._put(store, ready)
        self._intake.done()

    def _made(self, one: Waiting) -> KeptCall | None:
        """None for a call that is set aside, or gone."""
        folder = self._calls / one.call
        stamp = stamp_of(folder / TIMELINE_FILE)  # before it is read: what changes later is another
        try:
            read = self._duties.read(folder)
            sizes = {"recording_bytes": read.recording_bytes, "timeline_bytes": len(read.timeline)}
            cost = self._duties.price(read.record, **sizes)
            tasks = self._duties.deliveries(read.record, cost) if self._is_news(read.record) else ()
        except StoreFault:
            raise  # whoever reads cannot, whatever the call
        except FileNotFoundError:
            return None
        except (OSError, TimelineError):
            _log.warning("a timeline cannot be read, and its call is set aside until the file changes: %s", one.call)
            self._aside[one.call] = stamp
            return None
        except Exception as error:  # noqa: BLE001  # one call's trouble, whatever it is, must not hold up the others
            self._set_aside(one.call, stamp, error)
            return None
        self._aside.pop(one.call, None)
        return KeptCall(
            record=read.record,
            cost=cost,
            timeline=read.timeline,
            folder=str(folder),
            recording_bytes=read.recording_bytes,
            deliveries=tuple(tasks),
        )

    def _put(self, store: Keeper, ready: Sequence[tuple[Waiting, KeptCall]]) -> None:
        try:
            store.keep([kept for _, kept in ready])
        except Exception as error:
            if isinstance(error, VivavoceError) and not isinstance(error, ProgrammingError):
                raise
            self._not_taken(ready, error)
            return
        self._batch = min(BATCH, self._batch * 2)
        for one, kept in ready:
            self._tell(one, kept)

    def _not_taken(self, ready: Sequence[tuple[Waiting, KeptCall]], error: Exception) -> None:
        """Which call it is shows when each is kept alone; one that somebody else was just keeping goes then."""
        if self._batch > 1:
            self._batch = 1
            self._intake.give_back([one for one, _ in ready])
            return
        for one, _ in ready:
            self._set_aside(one.call, stamp_of(self._calls / one.call / TIMELINE_FILE), error)

    def _tell(self, one: Waiting, kept: KeptCall) -> None:
        self._counts.kept += 1
        if kept.record.torn:
            self._counts.torn += 1
            _log.warning(
                "a call was cut off with its process; of its last second, something may be missing: %s", one.call
            )
        try:
            self._duties.on_kept(kept.record, kept.cost, fresh=one.fresh)
        except Exception as error:  # noqa: BLE001  # whoever hears of it must not hold up the others
            _log.error("a call was kept, but not told of: unexpected %s", type(error).__name__)

    def _set_aside(self, call: str, stamp: Stamp | None, error: Exception) -> None:
        """What it says may have a caller's words in it: the kind has to do."""
        _log.error("a call cannot be kept and is set aside: %s: unexpected %s", call, type(error).__name__)
        self._aside[call] = stamp

    def _is_news(self, record: CallRecord) -> bool:
        opened = datetime.fromisoformat(record.opened)
        return self._now() - opened < TOLD_WITHIN + timedelta(microseconds=record.duration_us)

    def _after_fault(self, fault: VivavoceError) -> float:
        """What could not be kept is tried again one by one: what the database does not take alone must not stop others,
        and comes after them."""
        self._intake.give_back(self._intake.in_hand, last=self._batch == 1)
        self._batch = 1
        self._counts.faults += 1
        if not self._counts.in_a_row:
            _log.warning("the store takes no calls just now; they stay in their folders and are kept later: %s", fault)
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(self._counts.in_a_row, 10))
        self._counts.in_a_row += 1
        return wait_s * (0.5 + self._jitter() / 2)


def _never() -> OpenStore:
    raise ProgrammingError("the caller of sync has the store open")


def sync(
    store: Keeper,
    calls: Path,
    duties: Duties,
    *,
    now: Callable[[], datetime],
) -> Statistics:
    """Keep all calls in that folder that are over and not kept, here and now: what a command does before it shows them.
    Quick if there are none. Raises :class:`~vivavoce.errors.StoreFault`, with what was kept until then kept.
    """
    books = Books(_never, calls, duties, now=now)
    while books.work(store):
        pass
    return books.statistics
