"""Options that several verbs share, and how their values are read."""

from __future__ import annotations

import functools
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import click

from vivavoce import app
from vivavoce.agent.declaration import Agent, ModelChoice
from vivavoce.cli.exits import Outcome
from vivavoce.errors import UsageError
from vivavoce.model.port import Model

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON and nothing else.")
calls_option = click.option(
    "--calls",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Folder that keeps calls.  [default: $VIVAVOCE_CALLS, else ./calls]",
)
variables_option = click.option(
    "--var", "variables", multiple=True, metavar="NAME=VALUE", help="A variable of the agent file; repeat for more."
)
version_option = click.option(
    "--version", "version", metavar="NAME", default=None, help="A named version of the instructions."
)
model_option = click.option(
    "--model",
    "model",
    type=click.Choice(list(app.MODEL_KINDS)),
    default=None,
    help="Use this model, with the agent file's settings for it, whatever the agent file prefers.",
)
endpoint_option = click.option(
    "--endpoint",
    "endpoint",
    metavar="URL",
    default=None,
    help="Where the provider is, if not in its usual place: https://127.0.0.1:8443 for 'vivavoce emulate'.",
)
ca_option = click.option(
    "--ca",
    "ca_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Trust the certificates in this PEM file, and no others, for that provider.",
)
agent_argument = click.argument("agent_file", metavar="AGENT", required=False, type=click.Path(path_type=Path))


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the options of :func:`agent_options` chose."""

    agent_file: Path | None
    model: str | None
    endpoint: str | None
    ca_file: Path | None
    version: str | None
    variables: Sequence[str]
    calls: Path | None
    as_json: bool

    def read_agent(self) -> Agent:
        return app.read_agent(in_folder(self.agent_file), read_variables(self.variables), self.version)

    def usable_models(self, agent: Agent) -> list[Model]:
        """The agent's own choices, or the one named, with the agent file's settings for it if it has any. Raises
        :class:`UsageError` if there is an endpoint and none of them is anywhere but here.
        """
        choices: Sequence[ModelChoice] = agent.models
        if self.model is not None:
            choices = [choice for choice in agent.models if choice.name == self.model] or [ModelChoice(self.model)]
        return app.usable_models(agent, [self._placed(choice) for choice in self._remote(choices)])

    def _remote(self, choices: Sequence[ModelChoice]) -> Sequence[ModelChoice]:
        """Where an endpoint or its certificates are named, those that can be told of them: no other may stand in."""
        if self.endpoint is None and self.ca_file is None:
            return choices
        remote = [choice for choice in choices if choice.name in app.REMOTE_MODELS]
        if not remote:
            names = " or ".join(f"--model {name}" for name in app.REMOTE_MODELS)
            raise UsageError("--endpoint and --ca are for a model that a provider runs", hint=f"add {names}")
        return remote

    def _placed(self, choice: ModelChoice) -> ModelChoice:
        given = {"endpoint": self.endpoint, "ca_file": None if self.ca_file is None else str(self.ca_file)}
        settings = {name: value for name, value in given.items() if value is not None}
        return replace(choice, settings={**choice.settings, **settings})


def agent_options(command: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """Give a verb the AGENT argument and the options of every verb that calls one; it gets a :class:`Chosen` first."""
    names = [field.name for field in fields(Chosen)]

    @functools.wraps(command)
    def with_choice(**given: Any) -> Outcome:
        chosen = Chosen(**{name: given.pop(name) for name in names})
        return command(chosen, **given)

    decorated: Callable[..., Outcome] = with_choice
    for option in (
        as_json_option,
        calls_option,
        variables_option,
        version_option,
        ca_option,
        endpoint_option,
        model_option,
    ):
        decorated = option(decorated)
    return agent_argument(decorated)


def in_folder(agent_file: Path | None) -> Path:
    """The agent file, where its folder may have been named."""
    if agent_file is None:
        raise click.UsageError("name an agent: its folder or its agent.toml", click.get_current_context())
    return agent_file / "agent.toml" if agent_file.is_dir() else agent_file


def read_variables(given: Sequence[str]) -> dict[str, str]:
    """``NAME=VALUE`` pairs. Raises :class:`UsageError` for anything else."""
    pairs: dict[str, str] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--var {pair!r} is no NAME=VALUE", hint="for example --var city=Riverside")
        pairs[name] = value
    return pairs


def program() -> str:
    """What to type to run this program again."""
    if shutil.which("vivavoce"):
        return "vivavoce"
    return "python -m vivavoce" if Path(sys.argv[0]).name == "__main__.py" else sys.argv[0]
