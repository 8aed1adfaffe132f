"""The price book: read with clear complaints, dated, and overridden without surprise."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from vivavoce.errors import SetupFault
from vivavoce.ledger.book import UNITS, Book, Row, default_book, parse_book
from vivavoce.ledger.cost import Item
from vivavoce.model.nova.catalogue import MODELS

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "prices.md"

MODEL = """
book = "acme"

[[price]]
item = "model"
name = "m"
speech_in = "1"
speech_out = "2.5"
text_in = "0"
text_out = "0.000001"
currency = "EUR"
effective_from = 2026-03-01
source = "the contract"
"""
CARRIER = """
[[price]]
item = "telephony"
name = "twilio"
minute = "0.01"
increment_s = 6
currency = "USD"
effective_from = 2026-03-01
source = "the contract"
"""


def row(price: str, effective_from: str, name: str = "m", book: str = "b") -> Row:
    prices = dict.fromkeys(UNITS[Item.MODEL], Decimal(price))
    day = date.fromisoformat(effective_from)
    return Row(item=Item.MODEL, name=name, prices=prices, currency="USD", effective_from=day, source="s", book=book)


def price(book: Book, day: str, name: str = "m") -> Decimal | None:
    found = book.find(Item.MODEL, name, date.fromisoformat(day))
    return None if found is None else found.prices["text_in"]


def test_a_row_is_read_as_it_is_written() -> None:
    found = parse_book(MODEL, "own.toml").find(Item.MODEL, "m", date(2026, 3, 1))
    assert found is not None
    assert dict(found.prices) == {
        "speech_in": Decimal(1),
        "speech_out": Decimal("2.5"),
        "text_in": Decimal(0),
        "text_out": Decimal("0.000001"),
    }
    assert (found.currency, found.looked_up, found.label) == ("EUR", None, "acme 2026-03-01")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"2.5"', "2.5", r"price 1 \(model m\): speech_out is 2.5 \(write the price as text"),
        ('"2.5"', '"-1"', "speech_out is '-1'"),
        ('"2.5"', '"NaN"', "speech_out is 'NaN'"),
        ('text_in = "0"\n', "", r'text_in is missing \(write text_in = "0" where it costs nothing'),
        ('"model"', '"modell"', "item is 'modell'.*model, telephony, tool, storage"),
        ('"model"', "[]", r"item is \[\]"),
        ('"EUR"', '"euro"', "currency is 'euro'"),
        ('currency = "EUR"', "", "currency is missing"),
        ("2026-03-01", '"2026-03-01"', "effective_from is '2026-03-01'.*without quotes"),
        ("2026-03-01", "2026-03-01T00:00:00", "effective_from is datetime"),
        ('source = "the contract"', "", "source is missing"),
        ('source = "the contract"', 'source = " "', "source must be text"),
        ('name = "m"', "name = 3", "name must be text"),
        ('name = "m"', 'name = "m"\nminute = "1"', "minute is no key of such a row"),
        ('book = "acme"', "", "the book has no name"),
        ('book = "acme"', 'book = "acme"\nprices = 1', "there is no key prices"),
        ("[[price]]", "[price]", "price is no list of tables"),
        ("[[price]]", "[[price]", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_said_with_its_row(old: str, new: str, complaint: str) -> None:
    assert old in MODEL
    with pytest.raises(SetupFault, match=r"^own\.toml: ") as caught:
        parse_book(MODEL.replace(old, new), "own.toml")
    assert re.search(complaint, str(caught.value))


@pytest.mark.parametrize("increment", ["0", "3601", "true", "1.5", '"6"'])
def test_minutes_are_billed_in_whole_steps(increment: str) -> None:
    text = 'book = "acme"' + CARRIER
    found = parse_book(text, "own.toml").find(Item.TELEPHONY, "twilio", date(2026, 3, 1))
    assert found is not None
    assert found.increment_s == 6
    with pytest.raises(SetupFault, match="increment_s"):
        parse_book(text.replace("increment_s = 6", f"increment_s = {increment}"), "own.toml")


def test_two_prices_from_one_day_on_are_a_mistake() -> None:
    text = 'book = "acme"' + CARRIER
    with pytest.raises(SetupFault, match="two prices of telephony twilio from 2026-03-01"):
        parse_book(text + CARRIER, "own.toml")


def test_the_latest_row_of_the_day_holds() -> None:
    book = Book("b", (row("2", "2026-03-01"), row("1", "2026-01-01"), row("3", "2026-06-01")))
    days = ("2025-12-31", "2026-01-01", "2026-02-28", "2026-03-01", "2027-01-01")
    assert [price(book, day) for day in days] == [None, 1, 1, 2, 3]
    assert price(book, "2027-01-01", "other") is None


def test_own_prices_win_from_their_first_day_on() -> None:
    default = Book(
        "d", (row("1", "2026-01-01"), row("2", "2026-03-01"), row("9", "2026-09-01"), row("5", "2026-01-01", "n"))
    )
    merged = default.merged(Book("own", (row("0", "2026-03-01"),)))
    days = ("2026-02-28", "2026-03-01", "2026-12-01")
    assert [price(merged, day) for day in days] == [1, 0, 0]
    assert price(merged, "2026-12-01", "n") == 5
    assert merged.name == "own, d"


def test_every_nova_model_has_a_price_and_what_runs_here_has_none() -> None:
    assert all(price(default_book(), "2026-11-27", sonic.slug) for sonic in MODELS.values())
    assert price(default_book(), "2026-11-27", "local") is None


def test_the_page_has_every_price_of_the_book() -> None:
    """Item, name, prices, currency, days and source, a table row for each row of the book, and no other."""
    told = [line for line in PAGE.read_text().splitlines() if re.match(r"\| (model|telephony|tool|storage) \| `", line)]
    assert told == [page_row(row) for row in default_book().rows]


def page_row(row: Row) -> str:
    prices = " / ".join(str(row.prices[unit]) for unit in UNITS[row.item])
    step = f"{row.increment_s} s, rounded up by {row.rounded_by}" if row.item is Item.TELEPHONY else ""
    looked_up = row.looked_up.isoformat() if row.looked_up else "never"
    cells = (
        row.item,
        f"`{row.name}`",
        f"{row.currency} {prices}",
        step,
        str(row.effective_from),
        looked_up,
        row.source,
    )
    return f"| {' | '.join(cells)} |"
