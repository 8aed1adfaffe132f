"""What all examples have in common: they are good, they cover what callers say, they sound right."""

from __future__ import annotations

import importlib.util
import os
import re
import string
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.examples.loading import EXAMPLES, NAMES, functions, load
from vivavoce.agent.check import check_agent
from vivavoce.agent.control_tools import BUILT_IN

FIRST_CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "dealership": ("find_cars", {}),
    "hotel": ("request_item", {"room": 101, "item": "robe"}),
    "helpdesk": ("ticket_status", {"ticket_number": "4817"}),
}


@pytest.mark.parametrize("name", NAMES)
def test_it_is_good_with_every_version_of_its_instructions(name: str) -> None:
    report = check_agent(EXAMPLES / name / "agent.toml")
    assert report.holds, report.proofs


@pytest.mark.parametrize("name", NAMES)
def test_its_tools_have_enough_examples_and_every_parameter_is_asked_for(name: str) -> None:
    for tool in [tool for tool in load(name).tools if tool.name not in BUILT_IN]:
        assert len(tool.examples) >= 8, tool.name
        assert len(set(tool.examples)) == len(tool.examples)
        parameters = set(tool.parameters["properties"])
        shown = {slot for example in tool.examples for _, slot, _, _ in string.Formatter().parse(example) if slot}
        assert shown <= parameters
        assert set(tool.parameters["required"]) <= set(tool.questions)
        assert tool.reply
        for example in tool.examples:
            assert re.fullmatch(r"[a-z' ]+", re.sub(r"\{\w+\}", "", example)), example


@pytest.mark.parametrize("name", NAMES)
def test_its_vocabulary_is_about_values_and_parameters(name: str) -> None:
    agent = load(name)
    own = [tool for tool in agent.tools if tool.name not in BUILT_IN]
    properties = {key: about for tool in own for key, about in tool.parameters["properties"].items()}
    values = {value for about in properties.values() for value in about.get("enum", ())}
    assert set(agent.vocabulary) <= values | set(properties)


@pytest.mark.parametrize("name", NAMES)
def test_its_knowledge_sounds_right(name: str) -> None:
    agent = load(name)
    assert len(agent.knowledge) >= 4
    for file in agent.knowledge:
        title, *sections = re.split(r"^## ", file.text, flags=re.MULTILINE)
        assert re.fullmatch(r"# [^\n]+\n\n", title), file.name
        for section in sections:
            heading, body = section.split("\n", 1)
            sentences = re.findall(r"[^.!?]+[.!?](?:\s|$)", body.strip())
            assert 1 <= len(sentences) <= 4, heading
            assert body.strip().endswith("."), heading
            assert not re.search(r"[*_`#\[\]|$%&/()]", body), heading


@pytest.mark.parametrize("name", NAMES)
def test_calls_side_by_side_make_one_database(name: str) -> None:
    tool, arguments = FIRST_CALLS[name]
    function = functions(name)[tool]
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(function(**arguments))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [function(**arguments)] * 4


def folder_function(name: str) -> Callable[[], Path]:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / name / "tools.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder: Callable[[], Path] = module._folder
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_where_the_database_is(name: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_function(name)
    assert folder() == data
    monkeypatch.delenv("VIVAVOCE_EXAMPLE_DATA")
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: None)
    monkeypatch.setattr(os, "access", lambda path, _: "data" not in Path(path).parts[-1:])
    assert folder().name.startswith("vivavoce-")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError, match="set VIVAVOCE_EXAMPLE_DATA"):
        folder()
