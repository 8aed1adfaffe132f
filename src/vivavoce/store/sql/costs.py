"""What calls cost and how they ended, in sums.

An amount is summed in two halves, millions of quanta and the rest: SQLite's sums end at 2⁶³, which is nine million
units, and halves reach a million times as far on both databases alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from vivavoce.errors import UsageError
from vivavoce.ledger.cost import Amounts, CallCost, Shares
from vivavoce.store.port import CallFilter, CostRow, Dimension, TroubleRow
from vivavoce.store.sql.database import Database
from vivavoce.store.sql.filters import conditions
from vivavoce.store.sql.instants import micros
from vivavoce.store.sql.rows import cost_rows, record_of
from vivavoce.store.sql.tables import TOKENS, calls, charges, costs, money, turns, unpriced, usage

_HALF = 1_000_000
_PARTS = ("amount", *Shares.__struct_fields__)
_MINUTE_US = Decimal(60_000_000)
_Key = tuple[Any, ...]
_Sums = dict[_Key, dict[str, dict[str, Decimal]]]


def costs_by(database: Database, which: CallFilter, by: Sequence[Dimension]) -> list[CostRow]:
    """One row for each group, real and simulated apart. By model, what is no model's (telephony, tools, storage) is in
    the row of no name; minutes count for the model that a call began with."""
    if unknown := [one for one in by if one not in {"agent", "tenant", "model", "channel", "day"}]:
        raise UsageError(f"costs cannot be told apart by {unknown[0]}", hint="agent, tenant, model, channel, day")
    wanted = conditions(which)
    with database.reading() as connection:
        used = _used(connection, wanted, by)
        sums = _sums(connection, wanted, by)
        names = _names(connection, wanted, by)
    found = sorted({*used, *sums, *names}, key=lambda key: (tuple(map(str, key[1:])), key[0]))
    return [_row(by, key, used.get(key, {}), sums.get(key, {}), names.get(key, ())) for key in found]


def spent(database: Database, since: datetime, *, agent: str, tenant: str) -> Amounts:
    """By real calls that were opened since then; of that agent, of that tenant, where they are given."""
    named = {"agent": agent, "tenant": tenant}
    wanted = [calls.c[name] == value for name, value in named.items() if value]
    wanted += [calls.c.simulated.is_(False), calls.c.opened_us >= micros(since)]
    with database.reading() as connection:
        sums = _sums(connection, wanted, ())
    return {currency: parts["amount"] for group in sums.values() for currency, parts in group.items()}


def trouble(database: Database, which: CallFilter) -> list[TroubleRow]:
    columns = (calls.c.day, calls.c.disposition)
    query = sa.select(*columns, sa.func.count()).where(*conditions(which)).group_by(*columns).order_by(*columns)
    with database.reading() as connection:
        return [TroubleRow(day=day, disposition=end, calls=count) for day, end, count in connection.execute(query)]


def values(database: Database, dimension: Dimension) -> list[str]:
    """Those that there are, in order; none for what is empty."""
    tables: dict[Dimension, sa.Column[Any]] = {"model": usage.c.model, "kind": turns.c.kind}
    column = tables[dimension] if dimension in tables else calls.c[dimension]
    with database.reading() as connection:
        found = connection.scalars(sa.select(column).distinct().order_by(column)).all()
    return [str(value) for value in found if value != ""]


def reprice(database: Database, told: Mapping[str, CallCost]) -> None:
    """Other prices for calls that are kept; what is not kept is passed over."""
    with database.writing() as connection:
        for call, cost in told.items():
            row = connection.execute(sa.select(calls.c.id, calls.c.record).where(calls.c.call == call)).first()
            if row is None:
                continue
            own, *parts = cost_rows(record_of(row.record, None), cost)
            connection.execute(sa.update(calls).where(calls.c.id == row.id).values(own))
            for table, rows in zip((costs, unpriced, charges), parts, strict=True):
                connection.execute(sa.delete(table).where(table.c.call_id == row.id))
                if rows:
                    connection.execute(sa.insert(table), [{"call_id": row.id, **one} for one in rows])


def _grouped(table: sa.Table, by: Sequence[Dimension]) -> list[sa.Column[Any]]:
    return [calls.c.simulated, *((table if name == "model" else calls).c[name] for name in by)]


def _used(connection: sa.Connection, wanted: Sequence[Any], by: Sequence[Dimension]) -> dict[_Key, dict[str, Any]]:
    group = _grouped(usage, by)
    summed = [sa.func.sum(usage.c[name]).label(name) for name in ("turn_count", "talk_us", *TOKENS)]
    count = sa.func.count(sa.distinct(usage.c.call_id)).label("calls")
    query = sa.select(*group, count, *summed).select_from(usage).join(calls).where(*wanted).group_by(*group)
    return {
        tuple(row)[: len(group)]: {
            name: int(row._mapping[name]) for name in ("calls", "turn_count", "talk_us", *TOKENS)
        }
        for row in connection.execute(query)
    }


def _sums(connection: sa.Connection, wanted: Sequence[Any], by: Sequence[Dimension]) -> _Sums:
    group = _grouped(costs, by)
    halves: list[sa.ColumnElement[Any]] = []
    for name in _PARTS:
        whole = sa.type_coerce(costs.c[name], sa.BigInteger)
        halves += [sa.func.sum(whole.op("/")(_HALF)), sa.func.sum(whole.op("%")(_HALF))]
    count = sa.func.count(sa.distinct(costs.c.call_id))
    query = sa.select(*group, costs.c.currency, count, *halves).select_from(costs).join(calls)
    found: _Sums = defaultdict(dict)
    for row in connection.execute(query.where(*wanted).group_by(*group, costs.c.currency)):
        *key, currency, calls_, high, low = (*row[: len(group) + 2], row[len(group) + 2 :: 2], row[len(group) + 3 :: 2])
        sums = [money(int(one) * _HALF + int(rest)) for one, rest in zip(high, low, strict=True)]
        found[tuple(key)][currency] = {**dict(zip(_PARTS, sums, strict=True)), "calls": Decimal(calls_)}
    return found


def _names(connection: sa.Connection, wanted: Sequence[Any], by: Sequence[Dimension]) -> dict[_Key, tuple[str, ...]]:
    columns = [*_grouped(unpriced, by), unpriced.c.name]
    query = sa.select(*columns).select_from(unpriced).join(calls).where(*wanted).distinct().order_by(unpriced.c.name)
    found: dict[_Key, tuple[str, ...]] = defaultdict(tuple)
    for *key, name in connection.execute(query):
        found[tuple(key)] += (name,)
    return found


def _row(
    by: Sequence[Dimension],
    key: _Key,
    used: dict[str, int],
    sums: dict[str, dict[str, Decimal]],
    names: tuple[str, ...],
) -> CostRow:
    simulated, *group = key
    shares = {
        name: {currency: parts[name] for currency, parts in sums.items() if parts[name]}
        for name in Shares.__struct_fields__
    }
    return CostRow(
        group=tuple(zip(by, map(str, group), strict=True)),
        simulated=bool(simulated),
        calls=used.get("calls", int(max((parts["calls"] for parts in sums.values()), default=0))),
        turns=used.get("turn_count", 0),
        minutes=Decimal(used.get("talk_us", 0)) / _MINUTE_US,
        **{name: used.get(name, 0) for name in TOKENS},
        amounts={currency: parts["amount"] for currency, parts in sums.items()},
        shares=Shares(**shares),
        unpriced=names,
    )
