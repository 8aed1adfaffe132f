"""What nearly every test of a verb needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.agents import Command, command, write_tone


@pytest.fixture
def vivavoce(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line, in an empty folder and with nothing in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIVAVOCE_CALLS", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    return command(capsys)


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    return write_tone(tmp_path / "tone.wav")
