"""What the tests of the examples share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from vivavoce.agent import Agent
from vivavoce.agent.file import load_agent
from vivavoce.agent.templates import render

EXAMPLES = Path(__file__).parents[3] / "examples"
NAMES = ("dealership", "hotel", "helpdesk")


def load(name: str) -> Agent:
    return load_agent(EXAMPLES / name / "agent.toml")


def functions(name: str) -> dict[str, Callable[..., Any]]:
    return {tool.name: tool.function for tool in load(name).tools if callable(tool.function)}


def reply(example: str, tool: str, /, **arguments: Any) -> str:
    """What the agent says after it called the tool with these arguments."""
    (one,) = (one for one in load(example).tools if one.name == tool)
    assert callable(one.function)
    text, flaw = render(
        one.reply, {**dict.fromkeys(one.parameters["properties"]), **arguments, "result": one.function(**arguments)}
    )
    assert flaw is None, flaw
    return text
