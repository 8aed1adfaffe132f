"""A :class:`~vivavoce.store.port.CallFilter` as conditions on ``calls``."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from vivavoce.ledger.cost import QUANTUM
from vivavoce.store.port import CallFilter
from vivavoce.store.sql.instants import micros
from vivavoce.store.sql.tables import LARGEST, calls, money, transcripts, turns, usage

_BEYOND = "\U0010ffff"
"""Sorts behind every other character, byte by byte."""

Condition = sa.ColumnElement[bool]


class position(FunctionElement[int]):  # noqa: N801  # named as functions of SQL are
    """Where the second text begins in the first, from 1; 0 for nowhere. Sooner found than by LIKE."""

    type = sa.Integer()
    inherit_cache = True


@compiles(position, "sqlite")
def _instr(element: position, compiler: SQLCompiler, **options: object) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(position, "postgresql")
def _strpos(element: position, compiler: SQLCompiler, **options: object) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


def conditions(which: CallFilter) -> list[Condition]:
    """All of which hold for the calls in question."""
    return [*_equal(which), *_instants(which), *_of_turns(which), *_of_texts(which)]


def begins_with(column: sa.ColumnElement[str], beginning: str) -> Condition:
    """From an index on it, which LIKE would not use on either database."""
    return sa.and_(column >= beginning, column < beginning + _BEYOND)


def _equal(which: CallFilter) -> Iterator[Condition]:
    for name in ("agent", "channel", "disposition"):
        if wanted := getattr(which, name):
            yield calls.c[name] == wanted
    if which.agents is not None:
        yield calls.c.agent.in_(which.agents)
    for name in ("tenant", "simulated", "torn"):
        if (wanted := getattr(which, name)) is not None:
            yield calls.c[name] == wanted


def _instants(which: CallFilter) -> Iterator[Condition]:
    if which.since is not None:
        yield calls.c.opened_us >= micros(which.since)
    if which.until is not None:
        yield calls.c.opened_us < micros(which.until)


def _of_turns(which: CallFilter) -> Iterator[Condition]:
    if which.model:
        yield sa.exists().where(usage.c.call_id == calls.c.id, usage.c.model == which.model)
    if which.kind is not None:
        yield sa.exists().where(turns.c.call_id == calls.c.id, turns.c.kind == which.kind.value)
    if which.slower_than_ms is not None:
        yield calls.c.slowest_us > which.slower_than_ms * 1000
    if which.dearer_than is not None:
        yield calls.c.dearest > _kept(which.dearer_than)


def _kept(amount: Decimal) -> Decimal:
    """The largest amount that a row can have and that is not above this one; the least of all where there is none."""
    most = money(LARGEST)
    return min(max(amount, -most), most).quantize(QUANTUM, ROUND_FLOOR)


def _of_texts(which: CallFilter) -> Iterator[Condition]:
    if which.call:
        yield begins_with(calls.c.call, which.call)
    if which.text:
        text = which.text.lower()
        said = sa.exists().where(transcripts.c.call_id == calls.c.id, position(transcripts.c.search, text) > 0)
        named = (position(sa.func.lower(calls.c[name]), text) > 0 for name in ("call", "reason"))
        yield sa.or_(*named, said)
