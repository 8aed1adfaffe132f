"""``vivavoce models``: what an agent file may name, and whether it works on this machine."""

from __future__ import annotations

import click

from vivavoce import app
from vivavoce.cli import options
from vivavoce.cli.exits import Exit, Outcome
from vivavoce.cli.terminal import Terminal


@click.command()
@options.as_json_option
def command(as_json: bool) -> Outcome:
    """List the speech models: what each is, whether it can be used here, and what it must be told.

    \b
      vivavoce models
      vivavoce models --json

    An agent file names them in order of preference: [[models]] name = "local".
    """
    terminal = Terminal(quiet=as_json)
    told = []
    for kind in app.MODEL_KINDS.values():
        reason = kind.why_not_here()
        terminal.say(f"{kind.name}  ({'cannot be used here: ' + reason if reason else 'can be used here'})", "bold")
        for words in (kind.description, kind.needs):
            if words:
                terminal.say_indented(words)
        terminal.say()
        told.append(
            {
                "name": kind.name,
                "description": kind.description,
                "usable": not reason,
                "why_not": reason or None,
                "needs": kind.needs or None,
            }
        )
    return Outcome(Exit.OK, told)
