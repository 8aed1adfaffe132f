from __future__ import annotations

from decimal import Decimal

import pytest

from vivavoce.cli.tables import amount, bare, grouped, length, money, percent, signed, sole_currency, whole


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0", "0"),
        ("1234.567", "1234.57"),
        ("12.34567", "12.3457"),
        ("0.0312", "0.0312"),
        ("0.00312", "0.003120"),
        ("0.0000004", "<0.000001"),
    ],
)
def test_amounts(value: str, shown: str) -> None:
    assert amount(Decimal(value)) == shown


def test_currencies_stand_apart_and_what_has_no_price_is_not_free() -> None:
    both = {"USD": Decimal("0.5"), "EUR": Decimal(2)}
    assert money(both, ("crm",)).splitlines() == ["2.0000 EUR", "0.5000 USD", "unpriced"]
    assert (money({}), money({}, ("crm",))) == ("-", "unpriced")
    assert sole_currency([both]) == ""
    assert sole_currency([{"USD": Decimal(1)}, {}]) == "USD"
    assert bare({"USD": Decimal(1)}, "USD", ("crm",)).splitlines() == ["1.0000", "unpriced"]
    assert bare({}, "USD") == "-"


def test_other_figures() -> None:
    assert (length(83_400), length(3_723_000), length(0)) == ("1:23", "1:02:03", "0:00")
    assert (whole(None), whole(479.6)) == ("-", "480")
    assert (signed(Decimal(-2)), signed(Decimal("0.5")), signed(Decimal(0))) == ("-2.0000", "+0.5000", "0")
    assert (percent(Decimal(1), Decimal(4)), percent(Decimal(0), Decimal(0))) == ("25%", "-")
    assert grouped((("agent", "clinic"), ("tenant", ""))) == "clinic, (none)"
