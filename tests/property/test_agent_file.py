"""Whatever stands in an agent file, the answer is an agent or errors that point at lines of it."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.agent.check import Report, check_agent
from vivavoce.agent.file import load_agent
from vivavoce.agent.shape import AgentTable, InstructionsTable, VariableTable
from vivavoce.agent.tool_shape import ToolTable
from vivavoce.errors import AgentFileError

KEYS = sorted(
    {*AgentTable.model_fields, *InstructionsTable.model_fields, *ToolTable.model_fields, *VariableTable.model_fields}
)
TEXTS = st.sampled_from(
    [
        "",
        "A",
        "{{ x }}",
        "{% if",
        "{x}",
        "{x",
        "json:dumps",
        "time:sleep",
        "gone:f",
        "a..b:c",
        "..",
        "**x",
        "\0",
        "*.md",
        "en-US",
    ]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    TEXTS | st.integers(-2, 10**20) | st.floats() | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*KEYS, "x", "a b"]), inner, max_size=4)
    ),
    max_leaves=10,
)
FILES = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6)


def toml(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {toml(one)}" for key, one in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case float():
            return str(value)
        case _:
            return json.dumps(value)


@given(FILES, st.booleans())
def test_an_agent_or_errors_with_lines(tables: dict[str, Any], good_start: bool) -> None:
    complete = {"name": "A", "instructions": "Help."} | tables if good_start else tables
    text = "\n".join(f"{key} = {toml(value)}" for key, value in complete.items())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "agent.toml"
        path.write_text(text)
        report = check_agent(path)
        if report.holds and not report_uses_stand_ins(report):
            load_agent(path)
            return
        with pytest.raises(AgentFileError) as caught:
            load_agent(path)
        lines = re.findall(rf"^{re.escape(str(path))}:(\d+): ", str(caught.value), re.MULTILINE)
        assert lines
        assert all(1 <= int(line) <= max(1, len(complete)) for line in lines)


def report_uses_stand_ins(report: Report) -> bool:
    """A variable that every call must give is missing when a file is loaded without a call."""
    return any("stand-ins" in proof.detail for proof in report.proofs)
