from __future__ import annotations

import click
import pytest

from tests.unit.cli.agents import Command
from vivavoce import __version__
from vivavoce.cli import VERBS, cli, main
from vivavoce.cli.exits import Exit


def test_without_arguments_it_helps(vivavoce: Command) -> None:
    ran = vivavoce()
    assert ran.code == Exit.OK
    assert ran.out == vivavoce("--help").out
    assert all(verb in ran.out and VERBS[verb].help in ran.out for verb in VERBS)


def test_version(vivavoce: Command) -> None:
    assert __version__ in vivavoce("--version").out


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_every_verb_teaches_with_an_example(vivavoce: Command, verb: str) -> None:
    ran = vivavoce(verb, "--help")
    assert ran.code == Exit.OK
    assert f"\n    vivavoce {verb}" in ran.out, "an example on a line of its own"
    assert "--json" in ran.out
    assert vivavoce(verb, "-h").out == ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


def test_help_of_every_option_says_something() -> None:
    for verb in VERBS:
        command = cli.get_command(click.Context(cli), verb)
        assert command is not None
        silent = [option.name for option in command.params if isinstance(option, click.Option) and not option.help]
        assert silent == []


@pytest.mark.parametrize(("typed", "meant"), [("tlak", "talk"), ("replya", "replay"), ("chek", "check")])
def test_unknown_verb_names_the_nearest(vivavoce: Command, typed: str, meant: str) -> None:
    ran = vivavoce(typed)
    assert ran.code == Exit.SETUP
    assert ran.err == f"error: there is no verb '{typed}'; did you mean {meant}?\n  try: vivavoce --help\n"


def test_unknown_verb_like_no_other_gets_the_list(vivavoce: Command) -> None:
    assert "the verbs are demo, talk, call" in vivavoce("xyzzy").err


def test_main_leaves_with_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["nope"])
    assert left.value.code == Exit.SETUP
    assert "error:" in capsys.readouterr().err
