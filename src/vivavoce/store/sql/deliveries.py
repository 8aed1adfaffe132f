"""What addresses are to be told, until they have taken it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from vivavoce.ledger.delivery import Delivery
from vivavoce.store.sql.database import Database
from vivavoce.store.sql.instants import micros
from vivavoce.store.sql.tables import deliveries


def due(database: Database, now: datetime, limit: int) -> list[Delivery]:
    """Those whose time has come, the longest due first."""
    columns = [deliveries.c[name] for name in Delivery.__struct_fields__]
    wanted = sa.select(*columns).where(deliveries.c.due_us <= micros(now)).order_by(deliveries.c.due_us).limit(limit)
    with database.reading() as connection:
        return [Delivery(**row) for row in connection.execute(wanted).mappings()]


def claim(database: Database, delivery: str, now: datetime, until: datetime) -> bool:
    """Whether it is still due, and nobody else's until then: several servers may look at the same moment."""
    still = (deliveries.c.delivery == delivery, deliveries.c.due_us <= micros(now))
    with database.writing() as connection:
        changed = connection.execute(sa.update(deliveries).where(*still).values(due_us=micros(until)))
        return changed.rowcount == 1


def delivered(database: Database, delivery: str, now: datetime) -> None:
    """What was said need not be kept once it was taken."""
    _change(database, delivery, {"delivered_us": micros(now), "due_us": None, "body": b"", "why": ""})


def postpone(database: Database, delivery: str, until: datetime | None, why: str) -> None:
    """To be tried again then, or never (None)."""
    due_us = None if until is None else micros(until)
    _change(database, delivery, {"due_us": due_us, "why": why.replace("\0", "")})


def _change(database: Database, delivery: str, values: dict[str, object]) -> None:
    one_more = {"attempts": deliveries.c.attempts + 1}
    with database.writing() as connection:
        own = deliveries.c.delivery == delivery
        connection.execute(
            sa.update(deliveries).where(own, deliveries.c.delivered_us.is_(None)).values(**values, **one_more)
        )
