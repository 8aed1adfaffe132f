"""``vivavoce init``: a small agent that works, to be changed."""

from __future__ import annotations

from pathlib import Path

import click

from vivavoce.agent.scaffold import scaffold
from vivavoce.cli import options
from vivavoce.cli.exits import Exit, Outcome
from vivavoce.cli.terminal import Terminal


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--name", metavar="TEXT", default=None, help="What the agent is called.  [default: the folder's name]")
@options.as_json_option
def command(directory: Path, name: str | None, as_json: bool) -> Outcome:
    """Write a small agent that works into DIRECTORY: agent.toml, tools over a database, knowledge.

    \b
      vivavoce init my-agent
      vivavoce init front-desk --name "The front desk"

    The folder may exist. Nothing in it is overwritten.
    """
    terminal = Terminal(quiet=as_json)
    written = scaffold(directory, name or directory.resolve().name.replace("-", " ").title())
    for path in written:
        terminal.say_whole(f"wrote {path}")
    program = options.program()
    terminal.say()
    terminal.say_whole(f"Now:  {program} check {directory}   proves it")
    terminal.say_whole(f"      {program} talk {directory}    microphone and loudspeaker")
    return Outcome(Exit.OK, {"files": [str(path) for path in written]})
