"""Which calls a request asks about, read from its query."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from math import isfinite
from typing import Any, TypeVar, get_args

import msgspec
from starlette.datastructures import QueryParams

from vivavoce.errors import Refused
from vivavoce.ledger.record import Basis
from vivavoce.store.port import CallFilter, Dimension, Order

LIMIT, MOST = 50, 500
"""Calls on a page."""
FILTERS = tuple(name for name in CallFilter.__struct_fields__ if name != "agents")
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
_TYPES: dict[str, Any] = {field.name: field.type for field in msgspec.structs.fields(CallFilter)}

T = TypeVar("T")


def read_filter(query: QueryParams, agents: Sequence[str] | None, *others: str) -> CallFilter:
    """``agents`` are those that may be seen, ``others`` what the query may hold besides filters. What is empty is not
    asked for, ``tenant`` excepted: that is the calls of none. Raises :class:`~vivavoce.errors.Refused` (400).
    """
    given: dict[str, Any] = {}
    for name, value in query.multi_items():
        if name not in FILTERS and name not in others:
            raise bad_value(name, f"there is no such filter; there are {', '.join((*FILTERS, *others))}")
        if name in FILTERS and (value or name == "tenant"):
            given[name] = read_value(name, value, _TYPES[name])
    return CallFilter(**given, agents=None if agents is None else tuple(agents))


def read_value(name: str, text: str, kind: Any) -> Any:
    """Raises :class:`~vivavoce.errors.Refused` (400)."""
    if "\0" in text:
        raise bad_value(name, "it has a zero byte in it")
    try:
        value = msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError as error:
        raise bad_value(name, str(error)) from error
    if isinstance(value, datetime) and value.tzinfo is None:
        raise bad_value(name, "an instant needs its offset, as in 2026-11-27T09:00:00Z")
    if (isinstance(value, float) and not isfinite(value)) or (isinstance(value, Decimal) and not value.is_finite()):
        raise bad_value(name, "that is no number")
    return value


def read_order(query: QueryParams) -> Order:
    return _one_of(query, "order", get_args(Order), "newest")


def read_number(query: QueryParams, name: str, usual: int, most: int, least: int = 1) -> int:
    value = read_value(name, query.get(name) or str(usual), int)
    assert isinstance(value, int)
    if not least <= value <= most:
        raise bad_value(name, f"{value} is not from {least} to {most}")
    return value


def read_basis(query: QueryParams) -> Basis:
    return Basis(_one_of(query, "basis", tuple(basis.value for basis in Basis), Basis.EVENTS.value))


def read_dimensions(query: QueryParams, *without: Dimension) -> list[Dimension]:
    """Those of ``by``, with commas between."""
    known = [one for one in DIMENSIONS if one not in without]
    told = [part for part in query.get("by", "").split(",") if part]
    for part in told:
        if part not in known:
            raise bad_value("by", f"{part!r} is none of {', '.join(known)}")
    return [one for one in known if one in told]


def bad_value(name: str, why: str) -> Refused:
    return Refused(f"the query's {name!r} cannot be used: {why}", status=400, code="invalid_value")


def _one_of(query: QueryParams, name: str, known: Sequence[T], usual: T) -> T:
    told = query.get(name) or usual
    if told not in known:
        raise bad_value(name, f"{told!r} is none of {', '.join(map(str, known))}")
    return known[known.index(told)]
