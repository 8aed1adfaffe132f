"""The store: what is kept of calls that are over, in SQLite or PostgreSQL.

Importing this waits for SQLAlchemy; :func:`vivavoce.store.opening.open_store` does so when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from vivavoce.ledger.book import Book
from vivavoce.ledger.cost import Amounts, CallCost
from vivavoce.ledger.delivery import Delivery
from vivavoce.ledger.record import Basis
from vivavoce.store.port import (
    CallFilter,
    CallPage,
    CostRow,
    Dimension,
    KeptCall,
    LatencyRow,
    Order,
    StoredCall,
    TroubleRow,
)
from vivavoce.store.sql import books, costs, deliveries, forgetting, keeping, latency, listing
from vivavoce.store.sql.database import Database, connect, prepare
from vivavoce.store.sql.forgetting import What
from vivavoce.store.sql.migrate import upgrade


class Store:
    """Implements :class:`~vivavoce.store.port.Records` and :class:`~vivavoce.store.port.Keeper`. Every method blocks,
    and may be called from several threads at once."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    @classmethod
    def open(cls, url: str, *, now: Callable[[], datetime]) -> Self:
        """The store of that URL, brought up to this version. ``now`` tells the wall clock, with its offset."""
        database = connect(url)
        try:
            prepare(database)
            upgrade(database)
        except BaseException:
            database.close()
            raise
        return cls(database, now=now)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def missing(self, calls: Sequence[str]) -> set[str]:
        return keeping.missing(self._database, calls)

    def keep(self, calls: Sequence[KeptCall]) -> None:
        keeping.keep(self._database, calls, self._now())

    def list_calls(self, which: CallFilter, *, order: Order = "newest", limit: int = 50, after: str = "") -> CallPage:
        return listing.list_calls(self._database, which, order=order, limit=limit, after=after)

    def each_call(self, which: CallFilter) -> Iterator[StoredCall]:
        return listing.each_call(self._database, which)

    def find(self, call: str) -> StoredCall | None:
        return listing.find(self._database, call)

    def timeline(self, call: str) -> bytes | None:
        return listing.timeline(self._database, call)

    def latency(self, which: CallFilter, by: Sequence[Dimension], *, basis: Basis = Basis.EVENTS) -> list[LatencyRow]:
        return latency.latency(self._database, which, by, basis)

    def costs(self, which: CallFilter, by: Sequence[Dimension]) -> list[CostRow]:
        return costs.costs_by(self._database, which, by)

    def spent(self, since: datetime, *, agent: str = "", tenant: str = "") -> Amounts:
        """By real calls that were opened since then; of that agent, of that tenant, where they are given."""
        return costs.spent(self._database, since, agent=agent, tenant=tenant)

    def trouble(self, which: CallFilter) -> list[TroubleRow]:
        return costs.trouble(self._database, which)

    def values(self, dimension: Dimension) -> list[str]:
        return costs.values(self._database, dimension)

    def reprice(self, told: Mapping[str, CallCost]) -> None:
        """What calls cost, by their ids, instead of what was said before; what is not kept is passed over."""
        costs.reprice(self._database, told)

    def put_book(self, book: Book) -> None:
        """Its rows are kept for good; one that is there already, of the same book, thing and day, is replaced."""
        books.put_book(self._database, book, self._now())

    def due(self, now: datetime, limit: int) -> list[Delivery]:
        return deliveries.due(self._database, now, limit)

    def claim(self, delivery: str, now: datetime, until: datetime) -> bool:
        return deliveries.claim(self._database, delivery, now, until)

    def delivered(self, delivery: str, now: datetime) -> None:
        deliveries.delivered(self._database, delivery, now)

    def postpone(self, delivery: str, until: datetime | None, why: str) -> None:
        deliveries.postpone(self._database, delivery, until, why)

    def forget_sound(self, call: str) -> str | None:
        """Gives the folder in which it lies, for whoever deletes the file; None where the call is not kept."""
        return forgetting.forget_sound(self._database, call)

    def forget_words(self, call: str) -> str | None:
        """Timeline, transcript and what was still to be told of them; figures stay. Gives the folder as above."""
        return forgetting.forget_words(self._database, call)

    def forget_call(self, call: str) -> str | None:
        """All of it but its id, so that nobody takes it for one that is missing. Gives the folder as above."""
        return forgetting.forget_call(self._database, call, self._now())

    def older_than(self, instant: datetime, what: What) -> list[str]:
        """Calls that were opened before then and still have that, oldest first."""
        return forgetting.older_than(self._database, instant, what)
