"""The page of events says what the code says, and leaves none out."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.unit.timeline.recorded import EFFECTS, EVENTS

SCRIPT = Path(__file__).parents[3] / "scripts" / "make_event_reference.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_event_reference", SCRIPT)
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
    page = tmp_path / "events.md"
    assert script.main(["--check"], page) == 1
    page.write_text("old")
    assert script.main(["--check"], page) == 1
    assert page.read_text() == "old"
    assert "events.md is out of date" in capsys.readouterr().err
    assert script.main([], page) == 0
    assert script.main(["--check"], page) == 0


def test_every_event_and_effect_is_listed_once(script: ModuleType) -> None:
    assert [kind for group in script.FACTS for kind in script.members(group)] == list(EVENTS)
    assert {kind for group in script.WISHES for kind in script.members(group)} == set(EFFECTS)
    page = script.page()
    for kind in (*EVENTS, *EFFECTS):
        (row,) = (line for line in page.splitlines() if line.startswith(f"| `{kind.__name__}` |"))
        assert all(f"`{field}: " in row for field in kind.__struct_fields__)
