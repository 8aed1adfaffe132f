"""The page of diagrams says what the tables say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.unit.core.test_tables import CASES

SCRIPT = Path(__file__).parents[3] / "scripts" / "make_state_diagrams.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_state_diagrams", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_in_the_repository_is_up_to_date(script: ModuleType) -> None:
    assert script.main(["--check"]) == 0


def test_an_old_page_is_noticed_and_left_alone(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "states.md"
    assert script.main(["--check"], page) == 1
    assert "run python scripts/make_state_diagrams.py" in capsys.readouterr().err
    assert not page.exists()
    page.write_text(script.page() + "- old\n", encoding="utf-8")
    assert script.main(["--check"], page) == 1


def test_what_is_written_is_up_to_date(script: ModuleType, tmp_path: Path) -> None:
    page = tmp_path / "states.md"
    assert script.main([], page) == 0
    assert script.main(["--check"], page) == 0


def test_every_machine_is_drawn_from_its_beginning_with_every_move(script: ModuleType) -> None:
    diagrams = script.page().split("```mermaid")[1:]
    assert len(diagrams) == len(CASES)
    for drawing, diagram in zip(script.DRAWINGS, diagrams, strict=True):
        (case,) = (case for case in CASES.values() if case.table is drawing.table)
        assert f"[*] --> {case.start}\n" in diagram
        for line, after in case.legal.items():
            before, move = line.split()
            (arrow,) = (text for text in diagram.splitlines() if text.startswith(f"    {before} --> {after}: "))
            assert move in arrow.partition(": ")[2].split(", ")
