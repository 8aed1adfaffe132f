"""``vivavoce models``: what an agent file may name, and whether it works on this machine."""

from __future__ import annotations

import click

from vivavoce import app
from vivavoce.agent.declaration import Agent, ModelChoice
from vivavoce.cli import options


@click.command()
@options.as_json
def command(as_json: bool) -> None:
    """List the speech models, what each is, and whether it can be used here."""
    nobody = Agent(name="", instructions="")
    found = [(kind, app.why_not_here(nobody, ModelChoice(kind.name))) for kind in app.MODEL_KINDS.values()]
    if as_json:
        options.print_json(
            [
                {"name": kind.name, "description": kind.description, "usable": not reason, "why_not": reason or None}
                for kind, reason in found
            ]
        )
        return
    for kind, reason in found:
        click.echo(f"{kind.name}  ({'usable here' if not reason else 'not usable here: ' + reason})")
        click.echo(click.wrap_text(kind.description, width=100, initial_indent="  ", subsequent_indent="  ") + "\n")
