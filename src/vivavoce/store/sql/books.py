"""Every price that was ever used, with where it was found."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vivavoce.ledger.book import Book
from vivavoce.store.sql.database import Database
from vivavoce.store.sql.instants import micros
from vivavoce.store.sql.tables import prices


def put_book(database: Database, book: Book, now: datetime) -> None:
    """Rows that are there already, of the same book, thing and day, are replaced."""
    rows = [
        {
            "book": row.book or book.name,
            "item": row.item.value,
            "name": row.name,
            "unit": unit,
            "effective_from": row.effective_from,
            "price": str(price),
            "currency": row.currency,
            "source": row.source,
            "looked_up": row.looked_up,
            "increment_s": row.increment_s,
            "rounded_by": row.rounded_by,
            "kept_us": micros(now),
        }
        for row in book.rows
        for unit, price in row.prices.items()
    ]
    with database.writing() as connection:
        for row in rows:
            _replace(connection, row)


def _replace(connection: sa.Connection, row: dict[str, Any]) -> None:
    own = [prices.c[column.name] == row[column.name] for column in prices.primary_key]
    connection.execute(sa.delete(prices).where(*own))
    connection.execute(sa.insert(prices).values(row))
