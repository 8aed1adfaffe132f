from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vivavoce.agent.references import Modules
from vivavoce.errors import AgentFileError

DATACLASS = """
from __future__ import annotations
from dataclasses import dataclass


@dataclass
class Row:
    x: int


def {name}(): return Row(1).x
"""


def test_two_folders_may_both_have_tools(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tools.py").write_text(DATACLASS.format(name=name))
    before = set(sys.modules)
    assert [Modules(tmp_path / name).function(f"tools:{name}")() for name in ("one", "two")] == [1, 1]
    new = {name for name in set(sys.modules) - before if name != "dataclasses"}
    assert len(new) == 2
    assert all(name.startswith("_vivavoce_tools_") for name in new)


def test_a_module_is_run_once_for_one_agent(tmp_path: Path) -> None:
    (tmp_path / "tools.py").write_text("def f(): ...\ndef g(): ...\n")
    modules = Modules(tmp_path)
    assert modules.function("tools:f").__globals__ is modules.function("tools:g").__globals__


def test_a_package_may_import_its_own_modules(tmp_path: Path) -> None:
    package = tmp_path / "tools"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("from .booking import f\n")
    (package / "booking.py").write_text("def f(): return 1\n")
    (package / "inner" / "more.py").write_text("def g(): return 2\n")
    assert Modules(tmp_path).function("tools:f")() == 1
    assert Modules(tmp_path).function("tools.inner.more:g")() == 2


def test_an_installed_module_is_found_after_one_beside_the_file(tmp_path: Path) -> None:
    assert Modules(tmp_path).function("os.path:join")("a", "b") == "a/b"
    (tmp_path / "json.py").write_text("def dumps(): return 'mine'\n")
    assert Modules(tmp_path).function("json:dumps")() == "mine"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def f(:\n", r"tools\.py:1 cannot be imported: SyntaxError: invalid syntax"),
        ("\nimport nowhere_at_all\n", r"tools\.py:2 cannot be imported: ModuleNotFoundError: No module named 'nowhere"),
        ("x = 1\ny = x / 0\n", r"tools\.py:2 cannot be imported: ZeroDivisionError: division by zero"),
        ("raise SystemExit\n", r"tools\.py:1 cannot be imported: SystemExit$"),
    ],
)
def test_a_module_that_cannot_be_run_says_the_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "tools.py").write_text(text)
    before = set(sys.modules)
    modules = Modules(tmp_path)
    for _ in range(2):
        with pytest.raises(AgentFileError, match=message):
            modules.function("tools:f")
    assert not [name for name in set(sys.modules) - before if name.startswith("_vivavoce")]


def test_an_installed_module_that_cannot_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vivavoce_broken_example.py").write_text("import nowhere_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    elsewhere = tmp_path / "agent"
    with pytest.raises(AgentFileError, match="vivavoce_broken_example cannot be imported: ModuleNotFoundError"):
        Modules(elsewhere).function("vivavoce_broken_example:f")


def test_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "tools.py").write_text("def book(): ...\nx = 1\n")
    modules = Modules(tmp_path)
    with pytest.raises(AgentFileError, match=r"there is no module nowhere\.at \(looked for .*nowhere/at\.py"):
        modules.function("nowhere.at:f")
    with pytest.raises(AgentFileError, match=r"there is no function bok in tools \(did you mean book\?\)"):
        modules.function("tools:bok")
    with pytest.raises(AgentFileError, match="x in tools is not a function"):
        modules.function("tools:x")
