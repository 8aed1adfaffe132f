from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vivavoce.agent.schema import agent_file_schema, agent_file_schema_text

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs" / "reference" / "agent-file.md"


def tables() -> Iterator[tuple[str, dict[str, Any]]]:
    schema = agent_file_schema()
    yield "", schema
    yield from schema["$defs"].items()


def test_every_key_has_a_description_and_unknown_ones_are_wrong() -> None:
    for name, table in tables():
        assert table["additionalProperties"] is False, name
        for key, about in table["properties"].items():
            assert about.get("description") or "$ref" in about, f"{name}.{key}"


def test_nothing_is_null_and_nothing_has_a_title_of_pydantics_making() -> None:
    text = agent_file_schema_text()
    assert "null" not in text
    assert text.count('"title"') == 1


def test_a_key_of_the_file_that_is_called_default_stays() -> None:
    assert "default" in agent_file_schema()["$defs"]["VariableTable"]["properties"]
    assert agent_file_schema()["required"] == ["name", "instructions"]


def test_the_schema_beside_the_examples_is_the_one_that_is_exported() -> None:
    assert json.loads((ROOT / "examples" / "agent.schema.json").read_text()) == agent_file_schema()


def test_the_reference_describes_every_key() -> None:
    described = REFERENCE.read_text()
    missing = [
        f"{name}.{key}" for name, table in tables() for key in table["properties"] if f"`{key}`" not in described
    ]
    assert missing == []
