"""docs/reference/commands.md says what the commands are: every verb, option, JSON field and exit code, and no other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest

from tests.house.source import ROOT
from tests.unit.cli.agents import FAST, USES_A_TOOL, Command, write_agent
from tests.unit.cli.test_report import a_report, swapped
from vivavoce.cli import VERBS, cli
from vivavoce.cli.exits import Exit
from vivavoce.cli.report import as_object
from vivavoce.events import Disposition, SwapMoment, ToolStatus
from vivavoce.store.export import TABLES

PAGE = (ROOT / "docs" / "reference" / "commands.md").read_text("utf-8")
OBJECT = "The object of a call"


def section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def first_cells(text: str, pattern: str) -> list[str]:
    """What matches in the first cell of each row of each table."""
    cells = re.findall(r"^\| (.*?) \|", text, re.MULTILINE)
    return [name for cell in cells for name in re.findall(pattern, cell)]


def options_in(text: str) -> set[str]:
    return set(first_cells(text, r"`(--[a-z-]+)[ `]"))


def fields_in(text: str) -> set[str]:
    return set(first_cells(text, r"`([a-z][a-z_0-9]*)`"))


def words_in(text: str, field: str) -> set[str]:
    """What the row of a field names in its second cell."""
    (cell,) = re.findall(rf"^\| [^|]*`{field}`[^|]* \| (.*) \|$", text, re.MULTILINE)
    return set(re.findall(r"`([a-z][a-z_0-9]*)`", cell))


@pytest.mark.parametrize("verb", VERBS)
def test_options(verb: str) -> None:
    command = cli.get_command(click.Context(cli), verb)
    assert command is not None
    assert options_in(section(f"vivavoce {verb}")) == options_of(command) - chooses_calls(verb)


def options_of(command: click.Command) -> set[str]:
    """Its own, and those of its commands."""
    own = {
        name
        for option in command.params
        if isinstance(option, click.Option)
        for name in (*option.opts, *option.secondary_opts)
    }
    inner = command.commands.values() if isinstance(command, click.Group) else ()
    return own.union(*map(options_of, inner))


def chooses_calls(verb: str) -> set[str]:
    """The options that verbs over finished calls share, which have a section of their own."""
    return options_in(section("Which calls")) if verb in ("calls", "latency", "costs") else set()


def test_the_options_that_choose_calls() -> None:
    command = cli.get_command(click.Context(cli), "calls")
    assert isinstance(command, click.Group)
    assert options_in(section("Which calls")) == options_of(command.commands["check"])


def test_the_columns_of_exports() -> None:
    told = section("vivavoce calls")
    for what, table in TABLES.items():
        (row,) = re.findall(rf"^\| {what} \| (.*) \|$", told, re.MULTILINE)
        (common,) = re.findall(r"Every row begins with (.*?)\. Then", told, re.DOTALL)
        assert re.findall(r"`(\w+)`", common + row) == list(table.columns)


def test_every_verb_is_there_in_the_order_of_the_help() -> None:
    assert re.findall(r"^vivavoce (\w+)  +#", PAGE, re.MULTILINE) == list(VERBS)
    assert re.findall(r"^## vivavoce (\w+)$", PAGE, re.MULTILINE) == list(VERBS)


def test_exit_codes() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", section("Exit codes"), re.MULTILINE)
    assert {name: int(code) for code, name in rows} == {code.name: code.value for code in Exit}


def test_the_object_of_a_call(vivavoce: Command, tmp_path: Path, tone: Path) -> None:
    told = vivavoce(
        "call", write_agent(tmp_path / "a", USES_A_TOOL, "return what"), "--wav", tone, "--json", *FAST
    ).told
    whole, each_turn, _ = re.split("Each of `(?:turns|swaps)`", section(OBJECT))
    assert fields_in(whole) == set(told)
    assert fields_in(each_turn) == set(told["turns"][1])
    assert words_in(whole, "first_audio_ms") - {"null"} == set(told["first_audio_ms"])
    assert words_in(whole, "queue") == set(told["queue"])
    assert words_in(whole, "files") - {"null"} == set(told["files"])
    assert words_in(whole, "disposition") == {disposition.value for disposition in Disposition}
    (tool,) = told["turns"][1]["tools"]
    assert words_in(each_turn, "tools") == set(tool) | {status.value for status in ToolStatus}


def test_the_object_of_a_swap() -> None:
    each_swap = section(OBJECT).partition("Each of `swaps`")[2]
    (told,) = as_object(a_report(lines=(swapped(1, SwapMoment.SILENCE),)))["swaps"]
    assert fields_in(each_swap) == set(told)
    assert words_in(each_swap, "moment") == {moment.value for moment in SwapMoment}


def test_other_objects(vivavoce: Command, tmp_path: Path, tone: Path) -> None:
    agent = write_agent(tmp_path / "agent")
    call = vivavoce("call", agent, "--wav", tone, "--json", *FAST).told["call"]
    objects: dict[str, Any] = {
        "vivavoce replay": vivavoce("replay", call, "--json").told,
        "vivavoce init": vivavoce("init", "new", "--json").told,
        "vivavoce check": vivavoce("check", agent, "--json").told,
        "vivavoce models": vivavoce("models", "--json").told[0],
        "For programs": vivavoce("replay", "none", "--json").told,
    }
    assert {title: fields_in(section(title)) for title in objects} == {
        name: set(told) for name, told in objects.items()
    }
    proofs = objects["vivavoce check"]["proofs"]
    assert words_in(section("vivavoce check"), "proofs") == set(proofs[0])


def test_what_is_missing_would_be_noticed() -> None:
    assert options_in("| `--a X`, `--b` | c `--d` |\n") == {"--a", "--b"}
    assert fields_in("| `a`, `b_c` | `d` |\n") == {"a", "b_c"}
    assert words_in("| `a` | `b` and `c` |\n", "a") == {"b", "c"}
