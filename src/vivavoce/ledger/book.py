"""A dated price book: what tokens, telephony, tools and storage cost, from which day on, and who says so.

``docs/reference/prices.md`` has the format of the file and every price that comes with Vivavoce.

Prices are ``Decimal``, as the file's text has them. What is not in the book has no price, which is not the price 0.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import msgspec

from vivavoce.errors import SetupFault
from vivavoce.ledger.cost import Item

MILLION = 1_000_000
SPEECH_IN, SPEECH_OUT, TEXT_IN, TEXT_OUT = "speech_in", "speech_out", "text_in", "text_out"
MINUTE, CALL, GIGABYTE_MONTH = "minute", "call", "gigabyte_month"

UNITS: Mapping[Item, tuple[str, ...]] = MappingProxyType(
    {
        Item.MODEL: (SPEECH_IN, SPEECH_OUT, TEXT_IN, TEXT_OUT),
        Item.TELEPHONY: (MINUTE,),
        Item.TOOL: (CALL,),
        Item.STORAGE: (GIGABYTE_MONTH,),
    }
)
"""What each is charged by. A row of the book has a price for every unit of its item."""
PER: Mapping[str, int] = MappingProxyType(dict.fromkeys(UNITS[Item.MODEL], MILLION))
"""Of how many units a price is, where it is not one."""

_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_LONGEST_INCREMENT_S = 3600
_KEYS = frozenset({"item", "name", "currency", "effective_from", "source", "looked_up"})
_MINUTE_KEYS = frozenset({"increment_s", "rounded_by"})
_TOP_KEYS = frozenset({"book", "price"})


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What something costs from a day on. ``prices`` has one for each of the item's :data:`UNITS`, a model's for a
    million tokens. Minutes are billed in steps of ``increment_s`` seconds, and ``rounded_by`` says who rounds up to a
    whole step and by what. ``looked_up`` is None where nobody did: the price is from memory. ``book`` is the book that
    the row came from.
    """

    item: Item
    name: str
    prices: Mapping[str, Decimal]
    currency: str
    effective_from: date
    source: str
    looked_up: date | None = None
    increment_s: int = 1
    rounded_by: str = ""
    book: str = ""

    @property
    def label(self) -> str:
        """``BOOK DATE``, as a charge names the row that it was priced by."""
        return f"{self.book} {self.effective_from.isoformat()}"


class Book:
    """Rows, of which the latest that is effective on a day holds."""

    def __init__(self, name: str, rows: tuple[Row, ...]) -> None:
        self.name = name
        self.rows = rows
        self._latest_first: dict[tuple[Item, str], list[Row]] = {}
        for row in sorted(rows, key=lambda row: row.effective_from, reverse=True):
            self._latest_first.setdefault((row.item, row.name), []).append(row)

    def find(self, item: Item, name: str, day: date) -> Row | None:
        """The row that holds on that day; None before the first, and for what the book does not know."""
        rows = self._latest_first.get((item, name), ())
        return next((row for row in rows if row.effective_from <= day), None)

    def merged(self, own: Book) -> Book:
        """This book with the rows of another one, which win: from the first day on for which it has a price of
        something, its prices of that alone hold, whatever this one says of later days."""
        first: dict[tuple[Item, str], date] = {}
        for row in own.rows:
            key = (row.item, row.name)
            first[key] = min(first.get(key, row.effective_from), row.effective_from)
        kept = (row for row in self.rows if row.effective_from < first.get((row.item, row.name), date.max))
        return Book(f"{own.name}, {self.name}", (*kept, *own.rows))


def parse_book(text: str, origin: str) -> Book:
    """The price book in a TOML file. Raises :class:`~vivavoce.errors.SetupFault`, which names ``origin``, the row and
    the key."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SetupFault(f"{origin}: not valid TOML: {error}", hint=_SEE) from error
    unknown = sorted(data.keys() - _TOP_KEYS)
    if unknown:
        raise SetupFault(f"{origin}: there is no key {unknown[0]}", hint="prices are tables named [[price]]")
    name = data.get("book")
    if not isinstance(name, str) or not name.strip():
        raise SetupFault(f"{origin}: the book has no name", hint='begin the file with book = "NAME"')
    tables = data.get("price", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SetupFault(f"{origin}: price is no list of tables", hint="write [[price]], with two brackets, over each")
    rows = tuple(_Reader(f"{origin}: price {number}", table).row(name) for number, table in enumerate(tables, 1))
    _check_days(rows, origin)
    return Book(name, rows)


@cache
def default_book() -> Book:
    """The one that comes with Vivavoce."""
    file = resources.files("vivavoce.ledger") / "prices.toml"
    return parse_book(file.read_text(encoding="utf-8"), "prices.toml")


_SEE = "docs/reference/prices.md has the format"


class _Reader:
    """One table of the file; ``where`` is said in every complaint."""

    def __init__(self, where: str, table: Mapping[str, Any]) -> None:
        named = [table[key] for key in ("item", "name") if isinstance(table.get(key), str)]
        self._where = f"{where} ({' '.join(named)})" if named else where
        self._table = table

    def row(self, book: str) -> Row:
        item = self._item()
        minutes = item is Item.TELEPHONY
        self._check_keys(_KEYS | {*UNITS[item]} | (_MINUTE_KEYS if minutes else set()))
        return Row(
            item=item,
            name=self._text("name"),
            prices=MappingProxyType({unit: self._amount(unit) for unit in UNITS[item]}),
            currency=self._currency(),
            effective_from=self._day("effective_from"),
            source=self._text("source"),
            looked_up=self._day("looked_up") if "looked_up" in self._table else None,
            increment_s=self._increment_s() if minutes else 1,
            rounded_by=self._text("rounded_by") if "rounded_by" in self._table else "",
            book=book,
        )

    def _item(self) -> Item:
        told = self._table.get("item")
        if not isinstance(told, str) or told not in [*Item]:
            raise self._fault("item", f"is {told!r}", f"one of {', '.join(Item)}")
        return Item(told)

    def _check_keys(self, known: frozenset[str]) -> None:
        for key in self._table:
            if key not in known:
                raise self._fault(key, "is no key of such a row", f"its keys are {', '.join(sorted(known))}")

    def _text(self, key: str) -> str:
        told = self._table.get(key)
        if not isinstance(told, str) or not told.strip():
            raise self._fault(key, "is missing" if told is None else "must be text that is not empty", _SEE)
        return told

    def _amount(self, unit: str) -> Decimal:
        told = self._table.get(unit)
        if told is None:
            raise self._fault(unit, "is missing", f'write {unit} = "0" where it costs nothing')
        if not isinstance(told, str) or not _AMOUNT.fullmatch(told):
            raise self._fault(unit, f"is {told!r}", 'write the price as text, digits and a point: "0.33"')
        return Decimal(told)

    def _currency(self) -> str:
        told = self._table.get("currency")
        if not isinstance(told, str) or not _CURRENCY.fullmatch(told):
            raise self._fault("currency", "is missing" if told is None else f"is {told!r}", 'three letters: "USD"')
        return told

    def _day(self, key: str) -> date:
        told = self._table.get(key)
        if not isinstance(told, date) or isinstance(told, datetime):
            raise self._fault(key, "is missing" if told is None else f"is {told!r}", "a day without quotes: 2026-11-27")
        return told

    def _increment_s(self) -> int:
        told = self._table.get("increment_s")
        if type(told) is not int or not 1 <= told <= _LONGEST_INCREMENT_S:
            said = "is missing" if told is None else f"is {told!r}"
            raise self._fault("increment_s", said, f"the seconds that are billed at once, 1 to {_LONGEST_INCREMENT_S}")
        return told

    def _fault(self, key: str, message: str, hint: str) -> SetupFault:
        return SetupFault(f"{self._where}: {key} {message}", hint=hint)


def _check_days(rows: tuple[Row, ...], origin: str) -> None:
    seen: set[tuple[Item, str, date]] = set()
    for row in rows:
        key = (row.item, row.name, row.effective_from)
        if key in seen:
            message = f"{origin}: there are two prices of {row.item} {row.name} from {row.effective_from} on"
            raise SetupFault(message, hint="take one out, or let it begin on another day")
        seen.add(key)
