"""``vivavoce replay``: the core, run again over what a call recorded."""

from __future__ import annotations

from pathlib import Path

import click

from vivavoce import app
from vivavoce.cli import options
from vivavoce.cli.exits import Exit, Outcome
from vivavoce.cli.terminal import Terminal, plain
from vivavoce.errors import UsageError
from vivavoce.timeline.read import Timeline, read_timeline
from vivavoce.timeline.replay import Difference, replay
from vivavoce.timeline.write import TIMELINE_FILE

LONGEST_VALUE = 300
"""Characters of a fact or effect that are shown to people; ``--json`` has all of it."""


@click.command()
@click.argument("call", type=click.Path(path_type=Path))
@options.calls_option
@options.as_json_option
def command(call: Path, calls: Path | None, as_json: bool) -> Outcome:
    """Run the core again over CALL (its id, its folder or its timeline.jsonl) and compare every effect.

    \b
      vivavoce replay 20260302-091500-3f9a01
      vivavoce replay calls/20260302-091500-3f9a01/timeline.jsonl --json

    Exit code 1 if one effect is missing, different or too many: then the core has changed since, or the file was.
    """
    terminal = Terminal(quiet=as_json)
    with terminal.working("reading the timeline ..."):
        timeline = read_timeline(_find(call, calls or app.calls_folder()))
    with terminal.working("running the core again ..."):
        outcome = replay(timeline)
    counted = f"{outcome.facts} facts, {outcome.effects} effects"
    terminal.say_whole(f"{timeline.header.call}: {counted}; {_how_it_ended(timeline)}")
    if outcome.difference is None:
        terminal.say("identical", "green")
    else:
        _print_difference(terminal, outcome.difference)
    told = {
        "call": timeline.header.call,
        "identical": outcome.identical,
        "facts": outcome.facts,
        "effects": outcome.effects,
        "closed": timeline.closed is not None,
        "torn": timeline.torn,
        "difference": None if outcome.difference is None else _object(outcome.difference),
    }
    return Outcome(Exit.OK if outcome.identical else Exit.NOT_HELD, told)


def _find(call: Path, calls: Path) -> Path:
    for place in (call, calls / call):
        if place.is_file() or (place / TIMELINE_FILE).is_file():
            return place
    if call.is_dir():
        raise UsageError(f"{call} is no folder of a call: it holds no {TIMELINE_FILE}", hint=_newest(call))
    raise UsageError(f"there is no call {str(call)!r}, neither here nor in {calls}", hint=_newest(calls))


def _newest(calls: Path) -> str:
    """The last of the calls in a folder: their ids sort by time."""
    newest = max(calls.glob(f"*/{TIMELINE_FILE}"), default=None)
    return f"the newest call in {calls} is {newest.parent}" if newest else "name a call's id, folder or timeline"


def _how_it_ended(timeline: Timeline) -> str:
    if timeline.closed is not None:
        return f"{timeline.closed.disposition}: {timeline.closed.reason}"
    return "cut short in mid-line by a crash" if timeline.torn else "never closed: its process died"


def _object(difference: Difference) -> dict[str, object]:
    return {
        "record": difference.number,
        "after": repr(difference.after),
        "recorded": None if difference.recorded is None else repr(difference.recorded),
        "replayed": None if difference.replayed is None else repr(difference.replayed),
    }


def _print_difference(terminal: Terminal, difference: Difference) -> None:
    terminal.say(f"differs at record {difference.number}", "bold red")
    for name in ("after", "recorded", "replayed"):
        value = getattr(difference, name)
        shown = "nothing" if value is None else plain(repr(value))
        terminal.say(f"  {name:9}{shown if len(shown) <= LONGEST_VALUE else shown[:LONGEST_VALUE] + '…'}")
