"""Exit codes, and the one place where an error becomes a line and a code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import IntEnum

import click

from vivavoce.errors import PeerFault, SetupFault, StoreFault, VivavoceError


class Exit(IntEnum):
    """What a script can rely on. 2 is also what a wrong option gives."""

    OK = 0
    NOT_HELD = 1  # what was to be proved does not hold, or a call did not end as calls should
    SETUP = 2  # something must be mended by whoever set this up
    PEER = 3  # a provider, a client or a device failed; trying again may help
    STORE = 4  # the disk would not take what had to be kept
    INTERNAL = 70
    INTERRUPTED = 130


def exit_of(error: VivavoceError) -> Exit:
    if isinstance(error, SetupFault):
        return Exit.SETUP
    if isinstance(error, PeerFault):
        return Exit.PEER
    return Exit.STORE if isinstance(error, StoreFault) else Exit.INTERNAL


def guarded(program: Callable[..., object]) -> None:
    """Run a click program and leave with its exit code."""
    try:
        outcome = program(standalone_mode=False)
    except click.exceptions.Exit as left:
        sys.exit(left.exit_code)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(wrong.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        sys.exit(Exit.INTERRUPTED)
    except BrokenPipeError:  # whoever read our output has had enough
        sys.stderr.close()
        sys.exit(Exit.OK)
    except VivavoceError as error:
        click.echo(f"error: {error.message}", err=True)
        if error.hint:
            click.echo(f"  try: {error.hint}", err=True)
        sys.exit(exit_of(error))
    sys.exit(outcome if isinstance(outcome, int) else Exit.OK)
