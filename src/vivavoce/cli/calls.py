"""``vivavoce calls``: finished calls listed, shown turn by turn, exported, and checked against their timelines."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, get_args

import click
import msgspec

from vivavoce.cli.call_page import call_object, print_call
from vivavoce.cli.exits import Exit, Outcome, print_json
from vivavoce.cli.filters import Place, filter_options, place_options
from vivavoce.cli.subcommands import Subcommands
from vivavoce.cli.tables import bare, counted, length, money, sole_currency, table, whole
from vivavoce.cli.terminal import Terminal, plain
from vivavoce.cli.writing import written
from vivavoce.errors import UsageError
from vivavoce.store.checks import problems
from vivavoce.store.export import Format, Kind, What, export, write_csv
from vivavoce.store.port import CallFilter, CallPage, CallRow, Ledger, Order, StoredCall

_WIDE = 112
"""Columns of a terminal that has room for channel and model."""
_ROW: dict[str, Kind] = {
    "call": "text",
    "opened": "instant",
    "agent": "text",
    "tenant": "text",
    "channel": "text",
    "model": "text",
    "outbound": "flag",
    "simulated": "flag",
    "torn": "flag",
    "duration_ms": "real",
    "disposition": "text",
    "reason": "text",
    "turns": "count",
    "barge_ins": "count",
    "tool_calls": "count",
    "swaps": "count",
    "errors": "count",
    "median_ms": "real",
    "slowest_ms": "real",
    "amounts": "amounts",
    "unpriced": "names",
    "recorded": "flag",
}


@click.group(cls=Subcommands, default="list")
def command() -> None:
    """Look at finished calls: a list, one of them turn by turn, all of them in a file.

    \b
      vivavoce calls --since 7d --order slowest
      vivavoce calls show 20260302-091500-3f9a01
      vivavoce calls export --format parquet --what turns --to turns.parquet
      vivavoce calls check

    Without a command it is 'list'; each has its own --help, and --json. Times are UTC.
    """


@command.command("list", short_help="A table of them.")
@filter_options
@click.option("--order", type=click.Choice(get_args(Order)), default="newest", show_default=True, help="What is first.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many at most.")
@click.option(
    "--after", metavar="MARK", default="", help="Those that follow: the mark that the list before ended with."
)
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True, help="As what."
)
def list_command(
    place: Place, which: CallFilter, order: Order, limit: int, after: str, form: str, as_json: bool
) -> Outcome:
    """List calls: length, turns, latency, cost, and how each ended."""
    with place.open() as ledger:
        page = ledger.list_calls(which, order=order, limit=limit, after=after)
    told = msgspec.to_builtins(page)
    if as_json:
        return Outcome(Exit.OK, told)
    if form == "json":
        print_json(told)
    elif form == "csv":
        text = io.BytesIO()
        write_csv(_ROW, (msgspec.structs.asdict(row) for row in page.rows), text)
        click.echo(text.getvalue(), nl=False)
    else:
        _print_page(Terminal(), page)
    return Outcome(Exit.OK, told)


def _print_page(terminal: Terminal, page: CallPage) -> None:
    if not page.rows:
        terminal.say("No call is like that." if page.total == 0 else "No more calls.")
        return
    currency = sole_currency(row.amounts for row in page.rows)
    wide = ("channel", "model") if terminal.width >= _WIDE else ()
    costs = (currency or "cost",)
    shown = table(
        ("call", "agent", *wide, "length", "turns", "slowest", *costs, "ended"),
        words=("agent", *wide),
        labels=("call", "ended"),
    )
    common = _of_all(page.rows)
    for row in page.rows:
        shown.add_row(
            row.call,
            plain(row.agent),
            *((plain(row.channel), plain(row.model)) if wide else ()),
            length(row.duration_ms),
            str(row.turns),
            whole(row.slowest_ms),
            bare(row.amounts, currency, row.unpriced) if currency else money(row.amounts, row.unpriced),
            "\n".join([row.disposition or "torn", *(mark for mark in _marks(row) if mark not in common)]),
        )
    terminal.show(shown)
    terminal.say()
    terminal.say(f"{counted(len(page.rows), 'call')} of {page.total}. Slowest turn in ms, by events.", "dim")
    for mark in common:
        terminal.say(_MARKS[mark], "dim")
    if page.after:
        terminal.say_whole(f"More: add --after {page.after}", "dim")


_MARKS = {"simulated": "All of them simulated: latency and cost say nothing of a provider."}


def _marks(row: CallRow) -> list[str]:
    return ["simulated"] if row.simulated else []


def _of_all(rows: Sequence[CallRow]) -> list[str]:
    """What need not be said of each."""
    return [mark for mark in _MARKS if all(mark in _marks(row) for row in rows)]


@command.command("show", short_help="One of them, turn by turn.")
@place_options
@click.argument("call", metavar="CALL")
def show_command(place: Place, call: str, as_json: bool) -> Outcome:
    """Show CALL, its id or the beginning of one, turn by turn: where each millisecond and each cent went."""
    with place.open() as ledger:
        stored = _find(ledger, call)
    print_call(Terminal(quiet=as_json), stored)
    return Outcome(Exit.OK, call_object(stored))


def _find(ledger: Ledger, call: str) -> StoredCall:
    stored = ledger.find(call)
    if stored is None:
        raise UsageError(f"there is no finished call {call!r}", hint="vivavoce calls list")
    return stored


@command.command("export", short_help="All of them in a file: JSON, CSV, Parquet.")
@filter_options
@click.option(
    "--format", "form", type=click.Choice(get_args(Format)), default="json", show_default=True, help="As what."
)
@click.option("--what", type=click.Choice(get_args(What)), default="calls", show_default=True, help="A row for each.")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="A file.  [default: standard output]")
def export_command(
    place: Place, which: CallFilter, form: Format, what: What, to: Path | None, as_json: bool
) -> Outcome:
    """Write all calls that the options choose, oldest first: JSON Lines, CSV or Parquet. Nothing is left out.

    \b
      vivavoce calls export --what turns --format csv --since 30d > turns.csv
      vivavoce calls export --what charges --format parquet --to charges.parquet

    What a table holds is in docs/reference/commands.md. Words of callers are in "turns".
    """
    if to is None and (as_json or form == "parquet"):
        raise UsageError("what is exported needs a file here", hint=f"add --to {what}.{form}")
    with place.open() as ledger:
        calls = ledger.each_call(which)
        if to is None:
            rows = _to_output(calls, what, form)
        else:
            with written(to) as out:
                rows = export(calls, what, form, out)
    Terminal(quiet=as_json, stderr=True).say_whole(
        f"{counted(rows, 'row')} of {what}{f' in {to}' if to else ''}", "dim"
    )
    return Outcome(Exit.OK, {"what": what, "format": form, "rows": rows, "file": None if to is None else str(to)})


def _to_output(calls: Iterable[StoredCall], what: What, form: Format) -> int:
    out: BinaryIO = sys.stdout.buffer
    rows = export(calls, what, form, out)
    out.flush()
    return rows


@command.command("check", short_help="Prove what is stored by the timelines.")
@filter_options
@click.argument("named", metavar="[CALL]...", nargs=-1)
def check_command(place: Place, which: CallFilter, named: Sequence[str], as_json: bool) -> Outcome:
    """Prove what is stored of each CALL, or of all that the options choose, by its timeline.

    The timeline is folded again and replayed, sums of turns are compared with the call, and the provider's totals with
    what it reported bit by bit. Exit code 1 if anything differs.
    """
    terminal = Terminal(quiet=as_json)
    found: list[dict[str, Any]] = []
    checked = 0
    with place.open() as ledger, terminal.working("checking ..."):
        for stored in [_find(ledger, call) for call in named] if named else ledger.each_call(which):
            checked += 1
            told = problems(stored, ledger.timeline(stored.record.call))
            found += [{"call": stored.record.call, "what": one.what, "wrong": one.wrong} for one in told]
    wrong = [one for one in found if one["wrong"]]
    for one in found:
        terminal.say_whole(f"{one['call']}  {plain(one['what'])}", "bold red" if one["wrong"] else "dim")
    terminal.say(
        f"{counted(checked, 'call')} checked, " + (f"{counted(len(wrong), 'difference')}" if wrong else "all hold.")
    )
    return Outcome(Exit.NOT_HELD if wrong else Exit.OK, {"checked": checked, "holds": not wrong, "found": found})
