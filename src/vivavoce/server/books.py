"""A process's books: what its calls have cost, told to budgets, metrics, traces and the thread that keeps them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from vivavoce.engine.answer import AnsweredCall
from vivavoce.errors import VivavoceError
from vivavoce.events import BudgetReached
from vivavoce.ledger.book import Book, default_book
from vivavoce.ledger.cost import CallCost
from vivavoce.ledger.pricing import price_call
from vivavoce.server.budgets import Budgets, Spent, begun
from vivavoce.server.metrics import Sample
from vivavoce.server.settings import BudgetLine
from vivavoce.server.waiting import cancelling
from vivavoce.store.books import Statistics
from vivavoce.store.port import Ledger, Records

LOOK_S = 1.0
REFRESH_S = 10.0
STOPPING_S = 10.0
_log = logging.getLogger(__name__)


class Keeping(Protocol):
    """The thread that puts calls into the store."""

    @property
    def statistics(self) -> Statistics: ...

    def start(self) -> None: ...

    def call_ended(self, folder: Path) -> None:
        """Costs microseconds and never blocks."""
        ...

    def stop(self, limit_s: float) -> int:
        """Blocks until it has worked off what it can in that time; gives how many are left for the next start."""
        ...


class Shelf:
    """The store, once it could be opened."""

    def __init__(self, open_store: Callable[[], Ledger]) -> None:
        self.store: Ledger | None = None
        self._open_store = open_store

    def open(self) -> Ledger:
        """Blocks; raises as opening a store does."""
        if self.store is None:
            self.store = self._open_store()
        return self.store


class Books:
    """One for each process; all methods are for the loop that runs the calls."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        book: Book | None = None,
        budgets: Sequence[BudgetLine] = (),
        keeping: Keeping | None = None,
        shelf: Shelf | None = None,
        on_stop: Callable[[], object] | None = None,
    ) -> None:
        """Without ``keeping`` and ``shelf`` there is no store. ``on_stop`` is called at the end, in a thread."""
        self.book = book or default_book()
        self.budgets = Budgets(budgets)
        self.keeping = keeping
        self._now = now
        self._shelf = shelf
        self._on_stop = on_stop

    @property
    def records(self) -> Records | None:
        """The store of calls that are over, if there is one and it could be opened."""
        return self._shelf.store if self._shelf is not None else None

    async def call_ended(self, answered: AnsweredCall) -> CallCost:
        record = answered.record
        if self.keeping is not None:
            self.keeping.call_ended(answered.folder)
        cost = await asyncio.to_thread(price_call, record, self.book)
        if not record.simulated:
            self.budgets.call_ended(Spent(record.call, record.agent, record.tenant, cost.amounts))
        return cost

    def read_for_metrics(self) -> Iterator[Sample]:
        """How far the bookkeeper is, if there is one."""
        if self.keeping is not None:
            seen = self.keeping.statistics
            yield Sample("vivavoce_bookkeeper_backlog_calls", (), seen.waiting)
            yield Sample("vivavoce_bookkeeper_oldest_seconds", (), seen.backlog_age_s)
            yield Sample("vivavoce_bookkeeper_kept_total", (), seen.kept)
            yield Sample("vivavoce_bookkeeper_failures_total", (), seen.faults)

    @asynccontextmanager
    async def opened(
        self, live: Callable[[], Sequence[Spent]], tell: Callable[[str, BudgetReached], None]
    ) -> AsyncIterator[None]:
        """The books are kept while the block runs. ``live`` are the calls that go on; ``tell`` tells one of them."""
        if self.keeping is not None:
            await asyncio.to_thread(self.keeping.start)
        try:
            if self.budgets:
                async with cancelling(self._watch(live, tell)):
                    yield
            else:
                yield
        finally:
            if self.keeping is not None:
                await asyncio.to_thread(self.keeping.stop, STOPPING_S)
            if self._on_stop is not None:
                await asyncio.to_thread(self._on_stop)

    async def _watch(self, live: Callable[[], Sequence[Spent]], tell: Callable[[str, BudgetReached], None]) -> None:
        looks = 0
        while True:
            store = self._shelf.store if self._shelf is not None else None
            if store is not None and looks % round(REFRESH_S / LOOK_S) == 0:
                await self._refresh(store)
            looks += 1
            self.budgets.pass_time(self._now())
            for call, news in self.budgets.look(live()):
                tell(call, news)
            await asyncio.sleep(LOOK_S)

    async def _refresh(self, store: Ledger) -> None:
        try:
            kept, stored = await asyncio.to_thread(self._asked, store, [*self.budgets.ended])
        except VivavoceError:  # it is away, or lets nobody in: what it said last and what ended since is what is known
            _log.warning("the store cannot be asked for what budgets have left")
        else:
            self.budgets.hear(kept, stored)

    def _asked(self, store: Ledger, ended: Sequence[str]) -> tuple[Mapping[str, Decimal], Collection[str]]:
        """First which calls are there, then what they sum up to: one that comes between is counted twice for a moment,
        and never not at all."""
        stored = set(ended) - store.missing(ended) if ended else set()
        kept: dict[str, Decimal] = {}
        for line in self.budgets.lines:
            amounts = store.spent(begun(line, self._now()), agent=line.agent, tenant=line.tenant)
            kept[line.name] = amounts.get(line.currency, Decimal(0))
        return kept, stored
