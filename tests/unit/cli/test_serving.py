"""A served agent can be made anew for a call that gives variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.agents import write_agent
from vivavoce.cli.options import Chosen
from vivavoce.cli.serving import served_agents
from vivavoce.errors import AgentFileError
from vivavoce.server.desk import ServedAgent

VARIABLES = 'farewell = "Goodbye {{ name }} of {{ city }}."\n[variables]\nname = "you"\ncity = "Springfield"\n'


def served(folder: Path, *variables: str) -> ServedAgent:
    agent = write_agent(folder / "a", more=VARIABLES)
    chosen = Chosen(None, None, None, None, None, variables, folder, as_json=False)
    (one,) = served_agents([str(agent / "agent.toml")], chosen)
    return one


def test_a_calls_variables_come_before_the_servers(tmp_path: Path) -> None:
    one = served(tmp_path, "city=Riverside", "name=all")
    assert one.agent.farewell == "Goodbye all of Riverside."
    assert one.with_variables is not None
    assert one.with_variables({"name": "Ann=Bob"}).farewell == "Goodbye Ann=Bob of Riverside."
    assert one.with_variables({}) == one.agent


def test_a_variable_that_is_none(tmp_path: Path) -> None:
    one = served(tmp_path)
    assert one.with_variables is not None
    with pytest.raises(AgentFileError, match="nmae"):
        one.with_variables({"nmae": "Ann"})
