"""Putting calls into the store, whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vivavoce.ledger.delivery import Delivery
from vivavoce.store.port import KeptCall
from vivavoce.store.sql.database import Database
from vivavoce.store.sql.instants import micros
from vivavoce.store.sql.rows import CallRows, Row, rows_of
from vivavoce.store.sql.tables import (
    calls,
    charges,
    costs,
    deliveries,
    forgotten,
    latencies,
    timelines,
    transcripts,
    turns,
    unpriced,
    usage,
)

_PARTS = (turns, latencies, usage, costs, unpriced, charges, timelines, transcripts)
_MOST_NAMES = 500
"""In one question: SQLite takes no more than 999 or 32766 values, by its age."""


def missing(database: Database, names: Sequence[str]) -> set[str]:
    """Those of them that are not kept. What was forgotten is not missed."""
    known: set[str] = set()
    with database.reading() as connection:
        for begin in range(0, len(names), _MOST_NAMES):
            some = names[begin : begin + _MOST_NAMES]
            for table in (calls, forgotten):
                known.update(connection.scalars(sa.select(table.c.call).where(table.c.call.in_(some))))
    return set(names) - known


def keep(database: Database, kept: Sequence[KeptCall], now: datetime) -> None:
    """All of them in one transaction. What takes long, compressing, is done before it begins."""
    made = [(one, rows_of(one, now)) for one in {one.record.call: one for one in kept}.values()]
    with database.writing() as connection:
        names = [one.record.call for one, _ in made]
        gone = _those(connection, sa.select(forgotten.c.call, forgotten.c.call), forgotten.c.call, names)
        there = _those(connection, sa.select(calls.c.call, calls), calls.c.call, names)
        coming = [(one, rows) for one, rows in made if one.record.call not in gone]
        told = _those(connection, sa.select(deliveries.c.call), deliveries.c.call, names)
        silent = told.keys() | {call for call, row in there.items() if row["words_forgotten"]}
        due = [task for one, _ in coming if one.record.call not in silent for task in one.deliveries]
        _forget_old(connection, [row["id"] for row in there.values()])
        _insert(connection, [_as_forgotten(rows, there.get(one.record.call)) for one, rows in coming])
        if due:
            connection.execute(sa.insert(deliveries), [_delivery(task, now) for task in due])


def _those(
    connection: sa.Connection, query: sa.Select[Any], column: sa.Column[str], names: Sequence[str]
) -> dict[str, sa.RowMapping]:
    found: dict[str, sa.RowMapping] = {}
    for begin in range(0, len(names), _MOST_NAMES):
        some = query.where(column.in_(names[begin : begin + _MOST_NAMES]))
        found.update((row["call"], row) for row in connection.execute(some).mappings())
    return found


def _forget_old(connection: sa.Connection, ids: Sequence[int]) -> None:
    if ids:
        connection.execute(sa.delete(calls).where(calls.c.id == sa.bindparam("old")), [{"old": one} for one in ids])


def _as_forgotten(rows: CallRows, old: sa.RowMapping | None) -> tuple[CallRows, bool]:
    """A call that comes again does not bring back what was forgotten of it."""
    if old is None:
        return rows, True
    rows.call.update(id=old["id"], sound_forgotten=old["sound_forgotten"], words_forgotten=old["words_forgotten"])
    return rows, not old["words_forgotten"]


def _insert(connection: sa.Connection, coming: Sequence[tuple[CallRows, bool]]) -> None:
    """One statement for each table."""
    rows: dict[sa.Table, list[Row]] = {table: [] for table in _PARTS}
    for call, has_words in coming:
        key = connection.execute(sa.insert(calls), call.call).inserted_primary_key
        assert key is not None
        parts = (call.turns, call.latencies, call.usage, call.costs, call.unpriced, call.charges)
        words = ([call.timeline], [call.transcript]) if has_words else ([], [])
        for table, some in zip(_PARTS, (*parts, *words), strict=True):
            rows[table].extend({"call_id": key.id, **row} for row in some)
    for table, some in rows.items():
        if some:
            connection.execute(sa.insert(table), some)


def _delivery(task: Delivery, now: datetime) -> Row:
    return {**{name: getattr(task, name) for name in task.__struct_fields__}, "due_us": micros(now), "why": ""}
