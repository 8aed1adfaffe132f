"""``vivavoce replay``: the core, run again over what a call recorded."""

from __future__ import annotations

from pathlib import Path

import click

from vivavoce import app
from vivavoce.cli import options
from vivavoce.cli.exits import Exit
from vivavoce.timeline.read import Timeline, read_timeline
from vivavoce.timeline.replay import Difference, replay


@click.command()
@click.argument("call", type=click.Path(path_type=Path))
@options.calls
@options.as_json
def command(call: Path, calls: Path | None, as_json: bool) -> int:
    """Run the core again over CALL (its id, its folder or its timeline) and compare every effect."""
    path = call if call.exists() else (calls or app.calls_folder()) / call
    timeline = read_timeline(path)
    outcome = replay(timeline)
    if as_json:
        options.print_json(
            {
                "call": timeline.header.call,
                "identical": outcome.identical,
                "facts": outcome.facts,
                "effects": outcome.effects,
                "closed": timeline.closed is not None,
                "torn": timeline.torn,
                "difference": None if outcome.difference is None else _told(outcome.difference),
            }
        )
    else:
        click.echo(f"{timeline.header.call}: {outcome.facts} facts, {outcome.effects} effects{_how_it_ended(timeline)}")
        click.echo("identical" if outcome.difference is None else _told(outcome.difference))
    return Exit.OK if outcome.identical else Exit.NOT_HELD


def _how_it_ended(timeline: Timeline) -> str:
    if timeline.closed is not None:
        return f", {timeline.closed.disposition}: {timeline.closed.reason}"
    return ", cut short in mid-line by a crash" if timeline.torn else ", never closed: its process died"


def _told(difference: Difference) -> str:
    recorded = "nothing" if difference.recorded is None else repr(difference.recorded)
    replayed = "nothing" if difference.replayed is None else repr(difference.replayed)
    return (
        f"differs at record {difference.number}, after {difference.after!r}: recorded {recorded}, replayed {replayed}"
    )
