"""Options that several verbs share, and how their values are read."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from vivavoce import app
from vivavoce.agent.declaration import Agent, ModelChoice
from vivavoce.errors import UsageError

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line, nothing else.")
calls = click.option(
    "--calls",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Folder that keeps calls. Default: VIVAVOCE_CALLS, else ./calls.",
)
variables = click.option(
    "--var", "variables", multiple=True, metavar="NAME=VALUE", help="A variable of the agent file; repeat for more."
)
version = click.option("--version", "version", default=None, help="A named version of the instructions.")
model = click.option("--model", "model", default=None, help="Use this model, whatever the agent file prefers.")
agent_file = click.argument("agent_file", metavar="AGENT", type=click.Path(path_type=Path))


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the options of :func:`agent_options` chose."""

    agent: Agent
    models: Sequence[ModelChoice]
    calls: Path | None
    as_json: bool


def agent_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a verb the AGENT argument and the options of every verb that calls one; it gets a :class:`Chosen` first."""

    @functools.wraps(command)
    def with_choice(
        agent_file: Path,
        *,
        model: str | None,
        version: str | None,
        variables: Sequence[str],
        calls: Path | None,
        as_json: bool,
        **others: Any,
    ) -> int:
        agent = read_agent(agent_file, variables, version)
        return command(Chosen(agent, choose_models(agent, model), calls, as_json), **others)

    decorated: Callable[..., int] = with_choice
    for option in (model, version, variables, calls, as_json):
        decorated = option(decorated)
    return agent_file(decorated)


def read_variables(given: Sequence[str]) -> dict[str, str]:
    """``NAME=VALUE`` pairs. Raises :class:`UsageError` for anything else."""
    pairs: dict[str, str] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--var {pair!r} is no NAME=VALUE", hint="for example --var city=Riverside")
        pairs[name] = value
    return pairs


def read_agent(path: Path, given: Sequence[str], version: str | None) -> Agent:
    file = path / "agent.toml" if path.is_dir() else path
    return app.read_agent(file, read_variables(given), version)


def choose_models(agent: Agent, model: str | None) -> Sequence[ModelChoice]:
    """The agent's own choices, or the one named, with the agent file's settings for it if it has any."""
    if model is None:
        return agent.models
    return [choice for choice in agent.models if choice.name == model] or [ModelChoice(model)]


def print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=str))
