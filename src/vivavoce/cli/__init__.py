"""The ``vivavoce`` command: thin verbs, each in its own module, loaded when it is used.

Every verb takes ``--json`` and then prints one line of JSON and nothing else on standard output. Exit codes are those
of :class:`vivavoce.cli.exits.Exit`.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import click

from vivavoce import __version__
from vivavoce.cli.exits import Exit, run


class Verb(NamedTuple):
    """Where a verb lives, and what the list of verbs says of it without loading it."""

    module: str
    help: str


VERBS: Mapping[str, Verb] = {
    "demo": Verb("vivavoce.cli.demo", "A recorded caller talks with an agent, here and now."),
    "talk": Verb("vivavoce.cli.talk", "Talk with an agent yourself: microphone and loudspeaker."),
    "call": Verb("vivavoce.cli.call", "Call an agent with sound files."),
    "serve": Verb("vivavoce.cli.serve", "Let clients, browsers and phones call agents."),
    "keys": Verb("vivavoce.cli.keys", "Make API keys for the server."),
    "dial": Verb("vivavoce.cli.dial", "Let a server call somebody by telephone."),
    "replay": Verb("vivavoce.cli.replay", "Prove that a recorded call would go the same way again."),
    "score": Verb("vivavoce.cli.score", "Measure how turns were taken, in calls or in a rehearsal."),
    "calls": Verb("vivavoce.cli.calls", "List finished calls, show one turn by turn, export and check them."),
    "latency": Verb("vivavoce.cli.latency", "Tell how long callers waited, by kind of turn, and for what."),
    "costs": Verb("vivavoce.cli.costs", "Tell what calls cost, and what they would at other prices."),
    "emulate": Verb("vivavoce.cli.emulate", "Be Nova Sonic for any client of it, without an account."),
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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in VERBS and not ctx.resilient_parsing:
            near = difflib.get_close_matches(args[0], VERBS, n=1)
            meant = f"did you mean {near[0]}?" if near else f"the verbs are {', '.join(VERBS)}"
            raise click.UsageError(f"there is no verb {args[0]!r}; {meant}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Verbs"):
            formatter.write_dl([(name, verb.help) for name, verb in VERBS.items()])


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    subcommand_metavar="VERB ...",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Begin with 'vivavoce demo', then 'vivavoce init my-agent'. Each verb has its own --help.",
)
@click.version_option(__version__, prog_name="vivavoce")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Answer calls with native speech-to-speech models."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "MKL_NUM_THREADS")
"""Our matrices are small: threads for them would only wait for each other, for seconds on a busy machine."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The program. Turns every error into one clear line, a hint and an exit code."""
    for threads in BLAS_THREADS:  # read when numpy is first imported
        os.environ.setdefault(threads, "1")
    try:
        code = run(cli, sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:  # once more, while the first was being told
        code = Exit.INTERRUPTED
    with contextlib.suppress(KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the interpreter is about to end and must not trip over another
    sys.exit(code)
