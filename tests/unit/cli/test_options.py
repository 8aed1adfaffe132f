from __future__ import annotations

import sys
from pathlib import Path

import click
import pytest

from vivavoce.cli import options
from vivavoce.errors import UsageError


def test_variables() -> None:
    assert options.read_variables(["city=Riverside", "sum=1=1", "empty="]) == {
        "city": "Riverside",
        "sum": "1=1",
        "empty": "",
    }


@pytest.mark.parametrize("given", ["city", "=Riverside", ""])
def test_what_is_no_variable(given: str) -> None:
    with pytest.raises(UsageError, match="NAME=VALUE"):
        options.read_variables([given])


def test_an_agent_is_its_file_or_its_folder(tmp_path: Path) -> None:
    assert options.in_folder(tmp_path) == tmp_path / "agent.toml"
    assert options.in_folder(tmp_path / "other.toml") == tmp_path / "other.toml"


def test_no_agent_is_a_wrong_command_line() -> None:
    with click.Context(click.Command("check")), pytest.raises(click.UsageError, match="name an agent"):
        options.in_folder(None)


@pytest.mark.parametrize(
    ("started_as", "on_the_path", "typed"),
    [
        (".venv/bin/vivavoce", None, ".venv/bin/vivavoce"),
        (".venv/bin/vivavoce", "/usr/bin/vivavoce", "vivavoce"),
        ("/x/vivavoce/__main__.py", None, "python -m vivavoce"),
    ],
)
def test_what_to_type_again(
    started_as: str, on_the_path: str | None, typed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [started_as])
    monkeypatch.setattr("shutil.which", lambda _: on_the_path)
    assert options.program() == typed
