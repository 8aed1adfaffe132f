from __future__ import annotations

import json
from pathlib import Path

import pytest

from vivavoce.agent.check import check_agent
from vivavoce.agent.file import load_agent
from vivavoce.agent.scaffold import SCHEMA_FILE, STARTER, scaffold
from vivavoce.agent.schema import agent_file_schema
from vivavoce.errors import UsageError


@pytest.mark.parametrize("name", ["Acme", 'Joe "the" Plumber', "Bäckerei 🥐", "C:\\new"])
def test_it_writes_an_agent_that_is_good_and_has_the_name(tmp_path: Path, name: str) -> None:
    written = scaffold(tmp_path / "new" / "agent", name)
    assert sorted(path.relative_to(tmp_path / "new" / "agent").as_posix() for path in written) == sorted(
        (*STARTER, SCHEMA_FILE)
    )
    report = check_agent(tmp_path / "new" / "agent" / "agent.toml")
    assert report.holds, report
    assert report.agent is not None
    assert report.agent.name == name
    assert name in report.agent.greeting
    assert json.loads((tmp_path / "new" / "agent" / SCHEMA_FILE).read_text()) == agent_file_schema()


def test_its_tool_keeps_messages(tmp_path: Path) -> None:
    scaffold(tmp_path, "Acme")
    (tool,) = load_agent(tmp_path / "agent.toml").tools
    assert callable(tool.function)
    assert [tool.function(name="Ann", phone_number="5551234") for _ in range(2)] == [{"number": 1}, {"number": 2}]


def test_nothing_is_overwritten_and_then_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "tools.py").write_text("mine")
    with pytest.raises(UsageError, match=r"tools\.py would be overwritten \(choose another folder\)"):
        scaffold(tmp_path, "Acme")
    assert [path.name for path in tmp_path.iterdir()] == ["tools.py"]
    assert (tmp_path / "tools.py").read_text() == "mine"


@pytest.mark.parametrize("name", ["", "  ", "a\nb"])
def test_a_name_that_is_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="printable characters"):
        scaffold(tmp_path, name)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written: "):
        scaffold(tmp_path / "file" / "agent", "Acme")
