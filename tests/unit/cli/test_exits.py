from __future__ import annotations

import errno
import json
from collections.abc import Callable

import click
import pytest

from vivavoce import errors
from vivavoce.cli.exits import Exit, Outcome, fault_of, run


def program(action: Callable[[], object]) -> click.Command:
    @click.command()
    @click.option("--json", is_flag=True)
    def command(json: bool) -> object:
        return action()

    return command


def raising(error: BaseException) -> Callable[[], object]:
    def action() -> object:
        raise error

    return action


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("u"), Exit.SETUP),
        (errors.AgentFileError("a"), Exit.SETUP),
        (errors.AudioFileError("a"), Exit.SETUP),
        (errors.TimelineError("t"), Exit.SETUP),
        (errors.NotAvailable("n"), Exit.SETUP),
        (errors.ModelFault("m"), Exit.PEER),
        (errors.ChannelFault("c"), Exit.PEER),
        (errors.ToolFault("t"), Exit.PEER),
        (errors.Refused("r"), Exit.PEER),
        (errors.StoreFault("s"), Exit.STORE),
        (errors.ProgrammingError("p"), Exit.INTERNAL),
        (click.UsageError("u"), Exit.SETUP),
        (click.ClickException("c"), Exit.SETUP),
        (click.Abort(), Exit.INTERRUPTED),
        (KeyboardInterrupt(), Exit.INTERRUPTED),
        (OSError(errno.ENOSPC, "No space left on device"), Exit.STORE),
        (ZeroDivisionError("z"), Exit.INTERNAL),
    ],
)
def test_every_error_has_a_code(error: BaseException, code: Exit, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(program(raising(error)), []) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.strip()


def test_every_class_of_the_tree_has_a_code() -> None:
    def below(kind: type[errors.VivavoceError]) -> set[type[errors.VivavoceError]]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    tree = [kind for kind in below(errors.VivavoceError) if kind.__module__ == errors.__name__]
    assert {fault_of(kind("x")).exit for kind in tree} <= set(Exit)


def test_error_is_a_line_and_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    run(program(raising(errors.UsageError("no such thing", hint="take another"))), [])
    assert capsys.readouterr().err == "error: no such thing\n  try: take another\n"


def test_several_problems_stand_under_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    run(program(raising(errors.AgentFileError("a.toml:1: one\na.toml:2: two"))), [])
    assert capsys.readouterr().err == "error: a.toml:1: one\n       a.toml:2: two\n"


def test_error_is_json_too_where_json_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    run(program(raising(errors.StoreFault("the disk is full"))), ["--json"])
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"error": "the disk is full", "hint": None, "exit": 4}
    assert captured.err == "error: the disk is full\n"


def test_wrong_option_points_at_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(program(lambda: None), ["--nope"]) == Exit.SETUP
    assert capsys.readouterr().err.splitlines() == ["error: No such option '--nope'", "  try: vivavoce --help"]


def test_only_a_mistake_of_ours_shows_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    run(program(raising(KeyError("lost"))), [])
    told = capsys.readouterr().err
    assert told.startswith("Traceback")
    assert "error: a mistake in Vivavoce: KeyError: 'lost'\n  try: report it" in told


def test_json_is_all_that_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    def chatty() -> Outcome:
        print("a tool prints this")
        return Outcome(Exit.NOT_HELD, {"ä": 1})

    assert run(program(chatty), ["--json"]) == Exit.NOT_HELD
    assert capsys.readouterr() == ('{"ä": 1}\n', "a tool prints this\n")


def test_without_json_an_outcome_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(program(lambda: Outcome(Exit.OK, {})), []) == Exit.OK
    assert capsys.readouterr() == ("", "")


def test_a_reader_who_has_had_enough_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    def command() -> Outcome:
        return Outcome(Exit.OK, {})

    def gone(*_: object, **__: object) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    command.main = gone  # type: ignore[assignment, method-assign]
    assert run(command, []) == Exit.OK
    assert capsys.readouterr().err == ""
