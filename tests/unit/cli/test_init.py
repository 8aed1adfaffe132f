from __future__ import annotations

from pathlib import Path

from tests.unit.cli.agents import Command
from vivavoce.cli.exits import Exit


def test_what_it_writes_can_be_checked_at_once(vivavoce: Command, tmp_path: Path) -> None:
    ran = vivavoce("init", "front-desk")
    assert (ran.code, ran.err) == (Exit.OK, "")
    assert "wrote front-desk/agent.toml" in ran.out
    assert "check front-desk" in ran.out
    assert "talk front-desk" in ran.out
    assert 'name = "Front Desk"' in (tmp_path / "front-desk" / "agent.toml").read_text("utf-8")
    assert vivavoce("check", "front-desk").code == Exit.OK


def test_json_and_a_name(vivavoce: Command, tmp_path: Path) -> None:
    told = vivavoce("init", "x", "--name", "Zoë's", "--json").told
    assert "x/agent.toml" in told["files"]
    assert "Zoë's" in (tmp_path / "x" / "agent.toml").read_text("utf-8")


def test_nothing_is_overwritten(vivavoce: Command, tmp_path: Path) -> None:
    vivavoce("init", "desk")
    before = {path: path.read_bytes() for path in (tmp_path / "desk").rglob("*") if path.is_file()}
    ran = vivavoce("init", "desk")
    assert ran.code == Exit.SETUP
    assert "desk/agent.toml" in ran.err
    assert "would be overwritten" in ran.err
    assert {path: path.read_bytes() for path in before} == before


def test_a_folder_that_cannot_be(vivavoce: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    ran = vivavoce("init", "file")
    assert ran.code == Exit.SETUP
    assert "cannot be written" in ran.err
    assert vivavoce("init", "y", "--name", "\x07").code == Exit.SETUP
