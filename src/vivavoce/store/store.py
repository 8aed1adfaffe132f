"""The store: what is kept of calls that are over, in SQLite or PostgreSQL.

Importing this waits for SQLAlchemy; :func:`vivavoce.store.opening.open_store` does so when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from vivavoce.store.port import CallFilter, CallPage, KeptCall, Order, StoredCall
from vivavoce.store.sql import keeping, listing
from vivavoce.store.sql.database import Database, connect
from vivavoce.store.sql.tables import METADATA


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
        with database.writing() as connection:
            METADATA.create_all(connection)
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
