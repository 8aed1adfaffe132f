"""``vivavoce costs``: what calls cost, for what, and what they would have cost at other prices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import click
import msgspec

from vivavoce import app
from vivavoce.cli import options
from vivavoce.cli.exits import Exit, Outcome
from vivavoce.cli.filters import Place, by_option, filter_options
from vivavoce.cli.repricing import Repriced, price_again, repriced
from vivavoce.cli.subcommands import Subcommands
from vivavoce.cli.tables import NOTHING, amount, counted, grouped, money, percent, signed, table
from vivavoce.cli.terminal import Terminal, plain
from vivavoce.ledger.book import Book, Row
from vivavoce.ledger.cost import CallCost
from vivavoce.store.port import CallFilter, CostRow, Dimension, Ledger, StoredCall

_SIMULATED = "Simulated: what a provider would have asked for. Nobody is owed it."
_BATCH = 200
"""Calls whose costs are stored with one stroke."""


def _prices_option(*, required: bool = False) -> Callable[[Callable[..., Outcome]], Callable[..., Outcome]]:
    return click.option(
        "--prices",
        type=click.Path(path_type=Path, dir_okay=False),
        required=required,
        help="A price book of yours, on top of the one that comes with Vivavoce.",
    )


@click.group(cls=Subcommands, default="sum")
def command() -> None:
    """Tell what calls cost, and why.

    \b
      vivavoce costs --by agent --since 30d
      vivavoce costs --prices negotiated.toml
      vivavoce costs reprice --prices negotiated.toml
      vivavoce costs prices

    Without a command it is 'sum'; each has its own --help, and --json.
    """


@command.command("sum", short_help="What calls cost, in all and for each minute.")
@filter_options
@by_option("agent", kinds=False)
@_prices_option()
def sum_command(
    place: Place, which: CallFilter, by: Sequence[Dimension], prices: Path | None, as_json: bool
) -> Outcome:
    """Sum up what calls cost: in all, per minute, per call, per turn, and what was spent for nothing.

    With --prices: the same calls priced with that book, beside what is stored. Nothing is changed.
    """
    terminal = Terminal(quiet=as_json)
    if prices is not None:
        book = app.price_book(prices)
        with place.open() as ledger, terminal.working("pricing again ..."):
            changes = repriced(_priced(ledger, which, book), by)
        _print_changes(terminal, changes)
        return Outcome(Exit.OK, {"book": book.name, "rows": [_change_object(one) for one in changes]})
    with place.open() as ledger:
        rows = ledger.costs(which, by)
    _print_sums(terminal, rows)
    return Outcome(Exit.OK, {"rows": [_object(row) for row in rows]})


def _priced(ledger: Ledger, which: CallFilter, book: Book) -> Iterator[tuple[StoredCall, CallCost]]:
    return ((stored, price_again(stored, book)) for stored in ledger.each_call(which))


def _object(row: CostRow) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(row)
    per = {f"per_{name}": _each(row, count) for name, count in _counts(row).items()}
    return told | {"group": dict(row.group)} | per


def _counts(row: CostRow) -> dict[str, Decimal]:
    return {"minute": row.minutes, "call": Decimal(row.calls), "turn": Decimal(row.turns)}


def _each(row: CostRow, count: Decimal) -> dict[str, str]:
    return {currency: f"{value / count:.12f}" for currency, value in row.amounts.items()} if count else {}


def _print_sums(terminal: Terminal, rows: Sequence[CostRow]) -> None:
    if not rows:
        terminal.say("No call is like that.")
    by_kind = sorted(rows, key=lambda row: row.simulated)
    for simulated, those in groupby(by_kind, lambda row: row.simulated):
        if simulated:
            terminal.say(_SIMULATED, "bold")
        _print_amounts(terminal, list(those))
    unpriced = sorted({name for row in rows for name in row.unpriced})
    if unpriced:
        terminal.say(f"Unpriced, and not in these sums: {', '.join(map(plain, unpriced))}.", "bold")
    if any(row.amounts for row in rows):
        terminal.say("Unheard: speech made and not heard. Again: told to a session that took over.", "dim")


def _print_amounts(terminal: Terminal, rows: Sequence[CostRow]) -> None:
    """A row for each currency, and one of figures that have none."""
    name = ", ".join(dimension for dimension, _ in rows[0].group) or "all"
    sums = table((name, "calls", "turns", "minutes", "cost"), words=(name,))
    each = table((name, "minute", "call", "turn", "unheard", "again", "silence"), words=(name,))
    for row in rows:
        called = plain(grouped(row.group)) or "all"
        sums.add_row(called, str(row.calls), str(row.turns), f"{row.minutes:.1f}", money(row.amounts, row.unpriced))
        for currency, value in sorted(row.amounts.items()):
            own = f"{called} ({currency})"
            per = [amount(value / count) if count else NOTHING for count in _counts(row).values()]
            shares = (row.shares.waste, row.shares.renewal, row.shares.silence)
            each.add_row(own, *per, *(percent(one.get(currency, Decimal(0)), value) for one in shares))
    terminal.show(sums)
    terminal.say()
    if each.row_count:
        terminal.say("For each minute, call and turn, and the share of it that was spent for nothing", "dim")
        terminal.show(each)
        terminal.say()


@command.command("reprice", short_help="Store what they cost by another book.")
@filter_options
@_prices_option(required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
def reprice_command(place: Place, which: CallFilter, prices: Path, yes: bool, as_json: bool) -> Outcome:
    """Store what calls cost by another price book, after showing what changes."""
    terminal = Terminal(quiet=as_json)
    book = app.price_book(prices)
    with place.open() as ledger:
        with terminal.working("pricing again ..."):
            changes = repriced(_priced(ledger, which, book), ("agent",))
        _print_changes(terminal, changes)
        stored = 0
        if changes and (yes or _agreed(as_json)):
            with terminal.working("storing ..."):
                stored = _store(ledger, which, book)
            terminal.say(f"{counted(stored, 'call')} stored.")
    rows = [_change_object(one) for one in changes]
    return Outcome(Exit.OK, {"book": book.name, "stored": stored, "rows": rows})


def _agreed(as_json: bool) -> bool:
    return not as_json and click.confirm("Store these costs instead of those?", default=False)


def _store(ledger: Ledger, which: CallFilter, book: Book) -> int:
    priced = ((stored.record.call, cost) for stored, cost in _priced(ledger, which, book) if cost != stored.cost)
    count = 0
    while batch := dict(islice(priced, _BATCH)):
        ledger.reprice(batch)
        count += len(batch)
    return count


def _change_object(one: Repriced) -> dict[str, Any]:
    return {
        "group": dict(one.group),
        "simulated": one.simulated,
        "calls": one.calls,
        "changed": one.changed,
        **{name: _texts(getattr(one, name)) for name in ("then", "now", "difference")},
        "unpriced_then": list(one.unpriced_then),
        "unpriced_now": list(one.unpriced_now),
    }


def _texts(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {currency: f"{value:f}" for currency, value in amounts.items()}


def _print_changes(terminal: Terminal, changes: Sequence[Repriced]) -> None:
    if not changes:
        terminal.say("No call is like that.")
    for simulated, those in groupby(sorted(changes, key=lambda one: one.simulated), lambda one: one.simulated):
        if simulated:
            terminal.say(_SIMULATED, "bold")
        rows = list(those)
        name = ", ".join(dimension for dimension, _ in rows[0].group) or "all"
        shown = table((name, "calls", "changed", "then", "now", "difference"), words=(name,))
        for one in rows:
            difference = "\n".join(f"{signed(value)} {currency}" for currency, value in one.difference.items())
            costs = (money(one.then, one.unpriced_then), money(one.now, one.unpriced_now))
            shown.add_row(
                plain(grouped(one.group)) or "all", str(one.calls), str(one.changed), *costs, difference or NOTHING
            )
        terminal.show(shown)
        terminal.say()


@command.command("prices", short_help="The prices in force, and their sources.")
@_prices_option()
@options.as_json_option
def prices_command(prices: Path | None, as_json: bool) -> Outcome:
    """List the prices in force: of what, from when on, and who says so."""
    book = app.price_book(prices)
    terminal = Terminal(quiet=as_json)
    shown = table(("of", "unit", "price", "from", "looked up"), words=("of",), labels=("unit",))
    for row in book.rows:
        shown.add_row(
            f"{row.item} {plain(row.name)}",
            "\n".join(row.prices),
            "\n".join(f"{price:f} {row.currency}" for price in row.prices.values()),
            row.effective_from.isoformat(),
            "from memory" if row.looked_up is None else row.looked_up.isoformat(),
        )
    terminal.say_whole(f"Price book {plain(book.name)}; speech and text are for a million tokens", "bold")
    terminal.show(shown)
    terminal.say()
    for source in dict.fromkeys(row.source for row in book.rows):
        terminal.say(
            f"{', '.join(plain(row.name) for row in book.rows if row.source == source)}: {plain(source)}", "dim"
        )
    return Outcome(Exit.OK, {"book": book.name, "rows": [_price_object(row) for row in book.rows]})


def _price_object(row: Row) -> dict[str, Any]:
    return {
        "item": row.item.value,
        "name": row.name,
        "prices": _texts(row.prices),
        "currency": row.currency,
        "effective_from": row.effective_from.isoformat(),
        "looked_up": None if row.looked_up is None else row.looked_up.isoformat(),
        "source": row.source,
        "book": row.book,
    }
