"""Reading calls: pages of a list, single ones, all of them one after the other."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from vivavoce.errors import UsageError
from vivavoce.ledger.cost import Amounts, added
from vivavoce.store.port import CallFilter, CallPage, CallRow, Order, StoredCall
from vivavoce.store.sql.database import Database
from vivavoce.store.sql.filters import Condition, begins_with, conditions
from vivavoce.store.sql.instants import instant_of
from vivavoce.store.sql.rows import cost_of, record_of
from vivavoce.store.sql.tables import LARGEST, calls, charges, costs, money, quanta, timelines, transcripts, unpriced

MOST = 1000
"""Calls on a page."""
_AT_ONCE = 50
_BLOBS = ("record", "cost")
_SORTED_BY: dict[Order, str] = {
    "newest": "opened_us",
    "oldest": "opened_us",
    "longest": "duration_us",
    "slowest": "slowest_us",
    "dearest": "dearest",
}
_TURNS_BACK = "ask for the first page again, with the same order"


def list_calls(database: Database, which: CallFilter, *, order: Order, limit: int, after: str) -> CallPage:
    """One page. Where calls come in meanwhile, none of the old ones is shown twice or left out."""
    if order not in _SORTED_BY or not 0 < limit <= MOST:
        raise UsageError(f"a page of {limit} calls, {order}", hint=f"1 to {MOST}; {', '.join(_SORTED_BY)}")
    wanted = conditions(which)
    columns = [column for column in calls.c if column.name not in _BLOBS]
    with database.reading() as connection:
        total = connection.scalar(sa.select(sa.func.count()).select_from(calls).where(*wanted)) or 0
        page = sa.select(*columns).where(*wanted, *_behind(order, after)).order_by(*_sorted(order)).limit(limit + 1)
        found = connection.execute(page).mappings().all()
        shown = found[:limit]
        ids = [row["id"] for row in shown]
        amounts, names = _amounts(connection, ids), _unpriced(connection, ids)
    rows = tuple(_row(row, amounts.get(row["id"], {}), names.get(row["id"], ())) for row in shown)
    return CallPage(rows=rows, total=total, after=_mark(order, shown[-1]) if len(found) > limit else "")


def each_call(database: Database, which: CallFilter) -> Iterator[StoredCall]:
    """Oldest first. A few are read at once, each few in a transaction of its own."""
    wanted = conditions(which)
    behind: Sequence[Condition] = ()
    while True:
        with database.reading() as connection:
            query = _whole().where(*wanted, *behind).order_by(calls.c.opened_us, calls.c.id).limit(_AT_ONCE)
            found = connection.execute(query).mappings().all()
            charged = _charges(connection, [row["id"] for row in found])
        for row in found:
            yield _stored(row, charged[row["id"]])
        if len(found) < _AT_ONCE:
            return
        behind = [sa.tuple_(calls.c.opened_us, calls.c.id) > sa.tuple_(found[-1]["opened_us"], found[-1]["id"])]


def find(database: Database, call: str) -> StoredCall | None:
    """By its whole id, or by a beginning that only one has."""
    with database.reading() as connection:
        name = _only(connection, call)
        row = connection.execute(_whole().where(calls.c.call == name)).mappings().first() if name else None
        return None if row is None else _stored(row, _charges(connection, [row["id"]])[row["id"]])


def timeline(database: Database, call: str) -> bytes | None:
    """The file, as it was written."""
    query = sa.select(timelines.c.body).join(calls).where(calls.c.call == call)
    with database.reading() as connection:
        body = connection.scalar(query)
    return None if body is None else zlib.decompress(body)


def _only(connection: sa.Connection, call: str) -> str | None:
    if not call:
        return None
    query = sa.select(calls.c.call).where(begins_with(calls.c.call, call)).order_by(calls.c.call).limit(2)
    names = connection.scalars(query).all()
    if len(names) > 1 and call not in names:
        raise UsageError(f"several calls begin with {call}", hint=f"{names[0]}, {names[1]}, …: write more of it")
    return names[0] if names else None


def _sorted(order: Order) -> list[sa.ColumnElement[Any]]:
    column = calls.c[_SORTED_BY[order]]
    if order == "oldest":
        return [column.asc(), calls.c.id.asc()]
    return [column.desc().nulls_last() if column.nullable else column.desc(), calls.c.id.desc()]


def _mark(order: Order, row: sa.RowMapping) -> str:
    value = row[_SORTED_BY[order]]
    if isinstance(value, Decimal):
        value = quanta(value)
    return f"{order}.{'' if value is None else value}.{row['id']}"


def _behind(order: Order, after: str) -> list[Condition]:
    """What comes after the call that ``after`` marks."""
    if not after:
        return []
    try:
        marked, value, number = after.split(".")
        last, key = (int(value) if value else None), int(number)
        if max(abs(last or 0), abs(key)) > LARGEST:
            raise ValueError
    except ValueError:
        raise UsageError("no mark of a page", hint=_TURNS_BACK) from None
    if marked != order:
        raise UsageError(f"the mark of a page in another order, {marked}", hint=_TURNS_BACK)
    column, number_ = calls.c[_SORTED_BY[order]], calls.c.id
    if last is None:
        return [column.is_(None), number_ < key]
    limit: Any = money(last) if order == "dearest" else last
    if order == "oldest":
        return [sa.or_(column > limit, sa.and_(column == limit, number_ > key))]
    smaller = sa.or_(column < limit, sa.and_(column == limit, number_ < key))
    return [sa.or_(smaller, column.is_(None)) if column.nullable else smaller]


def _row(row: sa.RowMapping, amounts: Amounts, names: tuple[str, ...]) -> CallRow:
    same = ("call", "agent", "tenant", "channel", "model", "outbound", "simulated", "torn", "disposition", "reason")
    return CallRow(
        **{name: row[name] for name in same},
        opened=instant_of(row["opened_us"]),
        duration_ms=row["duration_us"] / 1000,
        turns=row["turn_count"],
        barge_ins=row["barge_in_count"],
        tool_calls=row["tool_count"],
        swaps=row["swap_count"],
        errors=row["error_count"],
        median_ms=_ms(row["median_us"]),
        slowest_ms=_ms(row["slowest_us"]),
        amounts=amounts,
        unpriced=names,
        recorded=_is_recorded(row),
    )


def _ms(us: int | None) -> float | None:
    return None if us is None else us / 1000


def _is_recorded(row: sa.RowMapping) -> bool:
    return bool(row["recording_bytes"]) and not row["sound_forgotten"]


def _amounts(connection: sa.Connection, ids: Sequence[int]) -> dict[int, Amounts]:
    query = sa.select(costs.c.call_id, costs.c.currency, costs.c.amount).where(costs.c.call_id.in_(ids))
    found: dict[int, list[Amounts]] = defaultdict(list)
    for number, currency, amount in connection.execute(query):
        found[number].append({currency: amount})
    return {number: added(parts) for number, parts in found.items()}


def _unpriced(connection: sa.Connection, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    query = sa.select(unpriced.c.call_id, unpriced.c.name).where(unpriced.c.call_id.in_(ids)).order_by(unpriced.c.name)
    found: dict[int, tuple[str, ...]] = defaultdict(tuple)
    for number, name in connection.execute(query):
        found[number] += (name,)
    return found


def _charges(connection: sa.Connection, ids: Sequence[int]) -> dict[int, list[sa.RowMapping]]:
    query = sa.select(charges).where(charges.c.call_id.in_(ids)).order_by(charges.c.call_id, charges.c.number)
    found: dict[int, list[sa.RowMapping]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        found[row["call_id"]].append(row)
    return found


def _whole() -> sa.Select[Any]:
    more = (transcripts.c.words, timelines.c.raw_bytes)
    return sa.select(calls, *more).outerjoin(transcripts).outerjoin(timelines)


def _stored(row: sa.RowMapping, charged: Sequence[sa.RowMapping]) -> StoredCall:
    return StoredCall(
        record=record_of(row["record"], row["words"]),
        cost=cost_of(row["cost"], charged),
        recorded=_is_recorded(row),
        words=not row["words_forgotten"],
        timeline_bytes=row["raw_bytes"] or 0,
        recording_bytes=0 if row["sound_forgotten"] else row["recording_bytes"],
    )
