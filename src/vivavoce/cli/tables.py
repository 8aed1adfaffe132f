"""Numbers as people read them, and tables that neither wrap a heading nor cut a number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from rich import box
from rich.table import Table

from vivavoce.ledger.cost import Amounts

NOTHING = "-"
_SMALLEST = Decimal("0.000001")


def table(headings: Sequence[str], *, words: Sequence[str] = (), labels: Sequence[str] = ()) -> Table:
    """Columns of numbers, right; of ``words``, left, which give way where there is no room; of ``labels``, left, which
    do not."""
    made = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for heading in headings:
        if heading in words:
            made.add_column(heading, overflow="fold", min_width=len(heading))
        elif heading in labels:
            made.add_column(heading, no_wrap=True)
        else:
            made.add_column(heading, justify="right", no_wrap=True)
    return made


def whole(value: float | None) -> str:
    """Milliseconds, or anything else of which the fraction says nothing."""
    return NOTHING if value is None else f"{value:.0f}"


def length(ms: float) -> str:
    """``1:23`` or ``1:02:03``."""
    seconds = round(ms / 1000)
    minutes, hours = seconds // 60 % 60, seconds // 3600
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def amount(value: Decimal) -> str:
    """Cents of cents, and millionths where there would be nothing left otherwise."""
    size = abs(value)
    if size == 0:
        return "0"
    if size < _SMALLEST:
        return f"<{_SMALLEST:f}"
    return f"{value:.2f}" if size >= 100 else f"{value:.4f}" if size >= Decimal("0.01") else f"{value:.6f}"


def signed(value: Decimal) -> str:
    """A difference."""
    return f"{'+' if value > 0 else '-' if value < 0 else ''}{amount(abs(value))}"


def money(amounts: Amounts, unpriced: Iterable[str] = ()) -> str:
    """A line for each currency, and one more where something has no price."""
    lines = [f"{amount(value)} {currency}" for currency, value in sorted(amounts.items())]
    return "\n".join([*lines, *(["unpriced"] if any(True for _ in unpriced) else [])]) or NOTHING


def bare(amounts: Amounts, currency: str, unpriced: Iterable[str] = ()) -> str:
    """:func:`money` where every amount of a table is in this one currency, which its heading says."""
    lines = [amount(amounts[currency])] if currency in amounts else []
    return "\n".join([*lines, *(["unpriced"] if any(True for _ in unpriced) else [])]) or NOTHING


def sole_currency(amounts: Iterable[Amounts]) -> str:
    """The one that all of them have, or nothing."""
    currencies = {currency for one in amounts for currency in one}
    return currencies.pop() if len(currencies) == 1 else ""


def percent(part: Decimal, of: Decimal) -> str:
    return NOTHING if not of else f"{part / of:.0%}"


def counted(number: int, name: str, plural: str = "") -> str:
    """``1 call``, ``2 calls``."""
    return f"{number} {name if number == 1 else plural or name + 's'}"


def grouped(group: Sequence[tuple[str, str]]) -> str:
    """The values by which a row is told apart."""
    return ", ".join(value or "(none)" for _, value in group)


def legend(meanings: Mapping[str, str]) -> list[str]:
    width = max(map(len, meanings)) + 2
    return [f"{name:{width}}{meaning}" for name, meaning in meanings.items()]
