"""A process's books: what its calls have cost, told to budgets, metrics, traces and the thread that keeps them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from vivavoce.engine.answer import AnsweredCall
from vivavoce.errors import StoreFault
from vivavoce.events import BudgetReached
from vivavoce.ledger.book import Book, default_book
from vivavoce.ledger.cost import CallCost
from vivavoce.ledger.pricing import price_call
from vivavoce.ledger.record import CallRecord
from vivavoce.server.budgets import Budgets, Spent, begun
from vivavoce.server.settings import BudgetLine
from vivavoce.server.waiting import cancelling
from vivavoce.store.port import Records

LOOK_S = 1.0
REFRESH_S = 10.0
_log = logging.getLogger(__name__)


class Keeping(Protocol):
    """The thread that puts calls into the store."""

    def start(self) -> None: ...

    def call_ended(self, folder: Path) -> None:
        """Costs microseconds and never blocks."""
        ...

    def stop(self) -> None:
        """Blocks until it has worked off what it can in a few seconds."""
        ...


class BudgetStore(Protocol):
    """What the store says of calls that are over."""

    def missing(self, calls: Sequence[str]) -> set[str]: ...

    def spent(self, since: datetime, *, agent: str = "", tenant: str = "") -> Mapping[str, Decimal]: ...


class Books:
    """One for each process; all methods are for the loop that runs the calls."""

    def __init__(
        self,
        *,
        book: Book | None = None,
        budgets: Sequence[BudgetLine] = (),
        now: Callable[[], datetime],
        keeping: Keeping | None = None,
        records: Records | None = None,
        store: BudgetStore | None = None,
        on_call: Callable[[CallRecord, CallCost], None] | None = None,
    ) -> None:
        """Without ``keeping`` and ``records`` there is no store. ``on_call`` hears of every call that is over, in a
        thread."""
        self.book = book or default_book()
        self.budgets = Budgets(budgets)
        self.records = records
        self.keeping = keeping
        self._now = now
        self._store = store
        self._on_call = on_call

    async def call_ended(self, answered: AnsweredCall) -> CallCost:
        record = answered.record
        if self.keeping is not None:
            self.keeping.call_ended(answered.folder)
        cost = await asyncio.to_thread(self._price, record)
        if not record.simulated:
            self.budgets.call_ended(Spent(record.call, record.agent, record.tenant, cost.amounts))
        return cost

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
                await asyncio.to_thread(self.keeping.stop)

    async def _watch(self, live: Callable[[], Sequence[Spent]], tell: Callable[[str, BudgetReached], None]) -> None:
        looks = 0
        while True:
            if self._store is not None and looks % round(REFRESH_S / LOOK_S) == 0:
                await self._refresh(self._store)
            looks += 1
            for call, news in self.budgets.look(live()):
                tell(call, news)
            await asyncio.sleep(LOOK_S)

    async def _refresh(self, store: BudgetStore) -> None:
        try:
            kept, stored = await asyncio.to_thread(self._asked, store, [*self.budgets.ended])
        except StoreFault:  # it is away: what it said last and what ended since is what is known
            _log.warning("the store cannot be asked for what budgets have left")
        else:
            self.budgets.hear(kept, stored)

    def _asked(self, store: BudgetStore, ended: Sequence[str]) -> tuple[Mapping[str, Decimal], Collection[str]]:
        """First which calls are there, then what they sum up to: one that comes between is counted twice for a moment,
        and never not at all."""
        stored = set(ended) - store.missing(ended) if ended else set()
        kept: dict[str, Decimal] = {}
        for line in self.budgets.lines:
            amounts = store.spent(begun(line, self._now()), agent=line.agent, tenant=line.tenant)
            kept[line.name] = amounts.get(line.currency, Decimal(0))
        return kept, stored

    def _price(self, record: CallRecord) -> CallCost:
        cost = price_call(record, self.book)
        if self._on_call is not None:
            self._on_call(record, cost)
        return cost
