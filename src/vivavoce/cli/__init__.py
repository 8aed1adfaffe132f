"""The ``vivavoce`` command: thin verbs, each in its own module, loaded when it is used.

Every verb takes ``--json`` and then prints, as its last line, one JSON object and nothing else on standard output.
Exit codes are those of :class:`vivavoce.cli.exits.Exit`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import NamedTuple

import click

from vivavoce import __version__
from vivavoce.cli.exits import guarded


class Verb(NamedTuple):
    """Where a verb lives, and what the list of verbs says of it without loading it."""

    module: str
    help: str


VERBS: Mapping[str, Verb] = {
    "demo": Verb("vivavoce.cli.demo", "Hear a recorded caller talk with an agent, here and now."),
    "talk": Verb("vivavoce.cli.talk", "Talk with an agent yourself: microphone and loudspeaker."),
    "call": Verb("vivavoce.cli.call", "Call an agent with sound files."),
    "replay": Verb("vivavoce.cli.replay", "Prove that a recorded call would go the same way again."),
    "init": Verb("vivavoce.cli.init", "Start an agent of your own."),
    "check": Verb("vivavoce.cli.check", "Prove an agent file before it takes a call."),
    "models": Verb("vivavoce.cli.models", "List the speech models and whether they can be used here."),
}


class LazyGroup(click.Group):
    """Imports a verb's module when that verb is wanted: ``--help`` must not wait for numpy."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(VERBS[cmd_name].module).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Verbs"):
            formatter.write_dl([(name, verb.help) for name, verb in VERBS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Begin with 'vivavoce demo', then 'vivavoce init my-agent'.",
)
@click.version_option(__version__, prog_name="vivavoce")
def cli() -> None:
    """Answer calls with native speech-to-speech models."""


def main() -> None:
    """The program. Turns every error of ours into one clear line and an exit code."""
    guarded(cli)
