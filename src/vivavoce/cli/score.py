"""``vivavoce score``: how turns were taken, in calls that were kept or in the standing set, rehearsed here and now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich import box
from rich.table import Table

from vivavoce import app
from vivavoce.agent.declaration import ModelChoice
from vivavoce.cli import options
from vivavoce.cli.exits import Exit, Outcome
from vivavoce.cli.terminal import Terminal
from vivavoce.errors import NotAvailable, UsageError
from vivavoce.rehearsal.figures import Figure, Spread
from vivavoce.rehearsal.outcomes import Conversation
from vivavoce.rehearsal.panel import MEANINGS, Panel, panel
from vivavoce.rehearsal.recording import read_call
from vivavoce.rehearsal.sets import OPENED, embedded_calls, emulated_calls, standing_agent
from vivavoce.rehearsal.stage import Policy, Programme
from vivavoce.rehearsal.voices import why_no_voices
from vivavoce.timeline.write import TIMELINE_FILE

SNR_DB = 10.0
EMBEDDED, EMULATED = "local", "nova"
_POLICIES: tuple[Policy, ...] = ("model", "local", "hybrid")
_STOPS = ("answer", "detect", "decide", "flush", "drain", "paused", "stopped", "heard", "late")
_Columns = Mapping[str, Panel]


@click.command()
@click.argument("calls", metavar="[CALL]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--rehearse", is_flag=True, help="Score the standing set of rehearsed calls, made here and now.")
@click.option(
    "--policy", type=click.Choice(_POLICIES), default="hybrid", show_default=True, help="Whose say an interruption is."
)
@click.option(
    "--model",
    type=click.Choice([EMBEDDED, EMULATED]),
    multiple=True,
    help="Rehearse with the embedded model, the emulated Nova, or (the default) both.",
)
@click.option("--calls", "folder", type=click.Path(path_type=Path, file_okay=False), help="Folder that keeps calls.")
@options.as_json_option
def command(
    calls: Sequence[Path], rehearse: bool, policy: Policy, model: Sequence[str], folder: Path | None, as_json: bool
) -> Outcome:
    """Print how turns were taken in each CALL (its id or its folder), taken together.

    \b
      vivavoce score 20260302-091500-3f9a01
      vivavoce score calls/* --json
      vivavoce score --rehearse

    Rates of fewer than ten events are not told. The standing set takes about two minutes with the embedded model, at
    real time, and seconds with the emulated Nova, which is simulated. What each figure means: docs/reference/scores.md
    """
    if bool(calls) == rehearse:
        raise UsageError("there is nothing to score" if not calls else "calls and a rehearsal at once", hint=_HINT)
    terminal = Terminal(quiet=as_json)
    if calls:
        found = [read_call(_find(call, folder or app.calls_folder())) for call in calls]
        columns: _Columns = {"calls": panel(found)}
    else:
        columns = _rehearse(terminal, policy, model or (EMBEDDED, EMULATED), folder)
    _print(terminal, columns)
    return Outcome(Exit.OK, {name: column.as_object() for name, column in columns.items()})


_HINT = "name calls, or give --rehearse"


def _find(call: Path, folder: Path) -> Path:
    place = next((place for place in (call, folder / call) if (place / TIMELINE_FILE).is_file()), None)
    if place is None:
        raise UsageError(f"there is no call {str(call)!r}, neither here nor in {folder}", hint="name its id or folder")
    return place


def _rehearse(terminal: Terminal, policy: Policy, models: Sequence[str], folder: Path | None) -> _Columns:
    if reason := why_no_voices():
        raise NotAvailable(reason)
    conditions = {"clean": None, f"{SNR_DB:g} dB": SNR_DB}
    columns: dict[str, Panel] = {}
    with TemporaryDirectory(prefix="vivavoce-") as kept_for_now:
        kept = folder or Path(kept_for_now)
        for name in models:
            corrections = 2 if name == EMBEDDED else 0
            programmes = [Programme(policy, snr_db, corrections=corrections) for snr_db in conditions.values()]
            with terminal.working(f"rehearsing with {name} ..."):
                rows = _run(name, programmes, kept / f"rehearsed-{name}")
            columns |= {f"{name} {condition}": panel(row) for condition, row in zip(conditions, rows, strict=True)}
    terminal.say(f"Policy {policy}; the callers are synthetic voices.")
    if EMULATED in models:
        terminal.say("nova is the emulated service: simulated, it says nothing about a provider.")
    return columns


def _run(name: str, programmes: Sequence[Programme], folder: Path) -> list[list[Conversation]]:
    if name == EMULATED:
        return emulated_calls(programmes, folder)
    model = app.make_model(standing_agent(), ModelChoice(EMBEDDED), lambda: OPENED)
    if reason := model.why_not_here():
        raise NotAvailable(f"the embedded model cannot be used here: {reason}", hint="--model nova goes without it")
    return embedded_calls(model, programmes, folder)


def _print(terminal: Terminal, columns: _Columns) -> None:
    """Numbers are never wrapped; what they mean stands below, where there is room."""
    rows = {symbol: [_told(column.rows[symbol]) for column in columns.values()] for symbol in MEANINGS}
    terminal.show(_table("", columns, rows))
    for symbol, meaning in MEANINGS.items():
        terminal.say(f"{symbol:10}{meaning}", "dim")
    terminal.say()
    stops = {part: [_told_spread(column.spreads[part]) for column in columns.values()] for part in _STOPS}
    terminal.show(_table("ms, p50 / p95", columns, stops))
    for name, column in columns.items():
        made = column.cancellations
        if made.cut:
            terminal.say(f"{name}: the model broke off without cause {made.cut} times, {made.repaired} were repaired.")


def _table(title: str, columns: _Columns, rows: Mapping[str, Sequence[str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    table.add_column(title, no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for name, cells in rows.items():
        table.add_row(name, *cells)
    return table


def _told(figure: Figure) -> str:
    """The interval on a line of its own."""
    if figure.value is None or figure.low is None or figure.high is None:
        return f"too few ({figure.events})"
    return f"{figure.value:.2f} of {figure.events}\n{figure.low:.2f}-{figure.high:.2f}"


def _told_spread(spread: Spread) -> str:
    if spread.p50 is None or spread.p95 is None:
        return f"too few ({spread.events})"
    return f"{spread.p50 * 1000:.0f} / {spread.p95 * 1000:.0f}"
