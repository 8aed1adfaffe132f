"""``vivavoce init``: a small agent that works, to be changed."""

from __future__ import annotations

from pathlib import Path

import click

from vivavoce.agent.scaffold import scaffold
from vivavoce.cli import options


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--name", default=None, help="What the agent is called. Default: the folder's name.")
@options.as_json
def command(directory: Path, name: str | None, as_json: bool) -> None:
    """Write a small agent into DIRECTORY: agent.toml, tools over a database, knowledge. Overwrites nothing."""
    written = scaffold(directory, name or directory.resolve().name.replace("-", " ").title())
    if as_json:
        options.print_json({"files": [str(path) for path in written]})
        return
    for path in written:
        click.echo(f"wrote {path}")
    click.echo(f"\nNow:  vivavoce check {directory}\n      vivavoce talk {directory}")
