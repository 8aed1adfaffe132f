"""``vivavoce talk``: microphone and loudspeaker in the terminal."""

from __future__ import annotations

import click

from vivavoce.cli import options
from vivavoce.cli.options import Chosen


@click.command()
@options.agent_options
def command(chosen: Chosen) -> int:
    """Talk with AGENT."""
    return 0
