"""Exit codes, and the one place where an error becomes a line, a hint and a code."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import click

from vivavoce.errors import PeerFault, Refused, SetupFault, StoreFault, VivavoceError


class Exit(IntEnum):
    """What a script can rely on; docs/reference/commands.md says what to do about each."""

    OK = 0
    NOT_HELD = 1  # what was to be proved does not hold
    SETUP = 2  # something must be mended by whoever set this up; also a wrong option
    PEER = 3  # a provider, a client or a device failed; trying again may help
    STORE = 4  # the disk would not take what had to be kept
    INTERNAL = 70  # a mistake in Vivavoce
    INTERRUPTED = 130  # Ctrl-C, or asked to end by a signal


_EXITS = (
    (SetupFault, Exit.SETUP),
    (PeerFault, Exit.PEER),
    (Refused, Exit.PEER),
    (StoreFault, Exit.STORE),
    (VivavoceError, Exit.INTERNAL),
)


class Outcome(NamedTuple):
    """What a verb came to. ``told`` is what ``--json`` prints."""

    exit: Exit
    told: object


class Fault(NamedTuple):
    """An error as it is told: what was wrong, what to do, and the exit code."""

    exit: Exit
    message: str
    hint: str = ""
    trace: str = ""


def run(program: click.Command, arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code. With ``--json`` among the arguments, standard output gets one line
    of JSON and nothing else, also where a tool prints and where the command fails."""
    as_json = "--json" in arguments
    output = sys.stdout
    try:
        with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
            outcome = program.main(list(arguments), prog_name="vivavoce", standalone_mode=False)
        if as_json and isinstance(outcome, Outcome):
            print_json(outcome.told)
        output.flush()
        return outcome.exit if isinstance(outcome, Outcome) else int(outcome or Exit.OK)
    except BrokenPipeError:  # whoever read our output has had enough
        silence_output()
        return Exit.OK
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # the last place: everything is told here
        fault = fault_of(error)
    try:
        _tell(fault, as_json=as_json)
        output.flush()
    except OSError:  # nobody can be told
        silence_output()
    return fault.exit


def silence_output() -> None:
    """Let what is still buffered go nowhere: the interpreter would fail over it when it ends."""
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "w") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def fault_of(error: BaseException) -> Fault:
    """How an error that nobody handled is told."""
    match error:
        case click.UsageError():
            hint = f"{error.ctx.command_path} --help" if error.ctx else ""
            return Fault(Exit.SETUP, error.format_message().removesuffix("."), hint)
        case click.ClickException():
            return Fault(Exit.SETUP, error.format_message())
        case KeyboardInterrupt() | click.Abort():
            return Fault(Exit.INTERRUPTED, "interrupted")
        case VivavoceError():
            return Fault(next(code for kind, code in _EXITS if isinstance(error, kind)), error.message, error.hint)
        case OSError():
            what = f"{error.filename}: " if error.filename else "the output cannot be written: "
            return Fault(Exit.STORE, f"{what}{error.strerror or error}")
        case _:
            message = f"a mistake in Vivavoce: {type(error).__name__}: {error}"
            trace = "".join(traceback.format_exception(error))
            return Fault(Exit.INTERNAL, message, "report it, with the lines above", trace)


def _tell(fault: Fault, *, as_json: bool) -> None:
    if as_json:
        print_json({"error": fault.message, "hint": fault.hint or None, "exit": int(fault.exit)})
    click.echo(fault.trace, nl=False, err=True)
    lines = fault.message.replace("\n", "\n       ")  # an agent file may have several things wrong
    click.echo(f"error: {lines}", err=True)
    if fault.hint:
        click.echo(f"  try: {fault.hint}", err=True)
