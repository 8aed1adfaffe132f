"""``vivavoce latency``: percentiles by kind of turn, and where the milliseconds went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import click
import msgspec

from vivavoce.cli.exits import Exit, Outcome
from vivavoce.cli.filters import Place, by_option, filter_options
from vivavoce.cli.tables import NOTHING, grouped, legend, table, whole
from vivavoce.cli.terminal import Terminal, plain
from vivavoce.ledger.figures import bootstrap_interval
from vivavoce.ledger.instrument import ERROR_MS, FEW_TURNS
from vivavoce.ledger.record import Basis, CallRecord, TurnRecord
from vivavoce.store.port import CallFilter, Dimension, LatencyRow, Records

_SHARES = {"p50": 0.5, "p95": 0.95}
_FROM = {
    Basis.EVENTS: "from the model's end of speech to the first audio sent",
    Basis.PLAYED: "from the model's end of speech to the first audible sample played",
    Basis.AUDIO: "from the caller's last to the agent's first audible sample on the recording",
}
_WHERE = {Basis.AUDIO: " in nineteen of twenty turns on a quiet line"}
_LEGEND = {
    "call p50, p95": "of the slowest turn of each call",
    "model": "median: what the model took, tools apart; these shares are by events, whatever the basis",
    "tools": "median: a tool ran before the first audio",
    "server": "median and p95: this server's own share",
    "quiet": "median: silence before the first sound",
}
_Key = tuple[tuple[tuple[str, str], ...], str, bool]
_Intervals = Mapping[_Key, Mapping[str, tuple[float, float] | None]]


@click.command()
@filter_options
@by_option("", kinds=True)
@click.option(
    "--basis",
    type=click.Choice([one.value for one in Basis]),
    default=Basis.EVENTS.value,
    show_default=True,
    help="What latencies are counted by.",
)
@click.option("--interval", is_flag=True, help="Add 95 % intervals of p50 and p95, by call.")
def command(
    place: Place, which: CallFilter, by: Sequence[Dimension], basis: str, interval: bool, as_json: bool
) -> Outcome:
    """Print latency percentiles of finished calls, by kind of turn, and where the milliseconds went.

    \b
      vivavoce latency --since 7d --by agent
      vivavoce latency --by model,day --basis played --real
      vivavoce latency --interval --json

    Kinds of turns are never mixed, nor simulated calls with real ones. Every figure: docs/reference/metrics.md
    """
    told_by = Basis(basis)
    with place.open() as records:
        rows = records.latency(which, by, basis=told_by)
        intervals = _intervals(records, which, by, told_by) if interval else {}
    _print(Terminal(quiet=as_json), rows, told_by, intervals)
    return Outcome(
        Exit.OK,
        {"basis": told_by.value, "error_ms": ERROR_MS[told_by], "rows": [_object(row, intervals) for row in rows]},
    )


def _object(row: LatencyRow, intervals: _Intervals) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(row)
    found = intervals.get(_key(row))
    more = {} if found is None else {f"{name}_interval_ms": value for name, value in found.items()}
    return told | {"group": dict(row.group), "few": row.turns < FEW_TURNS} | more


def _key(row: LatencyRow) -> _Key:
    return row.group, row.kind.value, row.simulated


def _intervals(records: Records, which: CallFilter, by: Sequence[Dimension], basis: Basis) -> _Intervals:
    """Of each row, by the turns themselves."""
    values: dict[_Key, list[list[float]]] = {}
    for stored in records.each_call(which):
        of_call: dict[_Key, list[float]] = {}
        for turn in stored.record.turns:
            latency_ms = turn.latency_ms(basis)
            if latency_ms is not None and _wanted(turn, which):
                group = tuple((name, _value(stored.record, turn, name)) for name in by)
                of_call.setdefault((group, turn.kind.value, stored.record.simulated), []).append(latency_ms)
        for key, those in of_call.items():
            values.setdefault(key, []).append(those)
    return {
        key: {name: bootstrap_interval(those, share) for name, share in _SHARES.items()}
        for key, those in values.items()
    }


def _wanted(turn: TurnRecord, which: CallFilter) -> bool:
    return (which.kind is None or turn.kind is which.kind) and (not which.model or turn.model == which.model)


def _value(record: CallRecord, turn: TurnRecord, dimension: Dimension) -> str:
    match dimension:
        case "model":
            return turn.model
        case "day":
            return datetime.fromisoformat(record.opened).astimezone(UTC).date().isoformat()
        case _:
            return str(getattr(record, dimension))


def _print(terminal: Terminal, rows: Sequence[LatencyRow], basis: Basis, intervals: _Intervals) -> None:
    if not rows:
        terminal.say(f"No turn of such calls has a latency by {basis}.")
        return
    for (group, simulated), those in groupby(rows, lambda row: (row.group, row.simulated)):
        title = ", ".join(part for part in (plain(grouped(group)), "simulated" if simulated else "") if part)
        if title:
            terminal.say(title, "bold")
        _print_group(terminal, list(those), intervals)
    terminal.say(f"Milliseconds {_FROM[basis]}, {ERROR_MS[basis]:.0f} ms more or less{_WHERE.get(basis, '')}.", "dim")
    for line in legend(_LEGEND):
        terminal.say(line, "dim")
    if any(row.turns < FEW_TURNS for row in rows):
        terminal.say(f"* fewer than {FEW_TURNS} turns: too few for percentiles.", "dim")
    if any(row.simulated for row in rows):
        terminal.say("Simulated: says nothing of a provider.", "dim")


def _print_group(terminal: Terminal, rows: Sequence[LatencyRow], intervals: _Intervals) -> None:
    percentiles = table(("kind", "turns", "calls", "p50", "p90", "p95", "p99", "max"), labels=("kind",))
    parts = table(("kind", "call p50", "call p95", "model", "tools", "server", "p95", "quiet"), labels=("kind",))
    spreads = table(("kind", "p50, 95 % of it", "p95, 95 % of it"), labels=("kind",))
    for row in rows:
        mark = " *" if row.turns < FEW_TURNS else ""
        figures = (row.p50_ms, row.p90_ms, row.p95_ms, row.p99_ms, row.max_ms)
        percentiles.add_row(f"{row.kind}{mark}", str(row.turns), str(row.calls), *map(whole, figures))
        server = (row.server_p50_ms, row.server_p95_ms)
        shares = (row.call_max_p50_ms, row.call_max_p95_ms, row.model_p50_ms, row.tool_p50_ms, *server)
        parts.add_row(row.kind.value, *map(whole, (*shares, row.silence_p50_ms)))
        spreads.add_row(row.kind.value, *map(_spread, intervals.get(_key(row), dict.fromkeys(_SHARES)).values()))
    for shown in (percentiles, parts, *([spreads] if intervals else [])):
        terminal.show(shown)
        terminal.say()


def _spread(interval: tuple[float, float] | None) -> str:
    return NOTHING if interval is None else f"{interval[0]:.0f} to {interval[1]:.0f}"
