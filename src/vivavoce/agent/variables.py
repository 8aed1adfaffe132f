"""The values of an agent file's variables: from the file, from the environment, from the call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vivavoce.agent.problems import Problem, did_you_mean
from vivavoce.agent.shape import AgentTable, VariableTable
from vivavoce.agent.source import Source


def variable_values(
    source: Source, shape: AgentTable, *, given: Mapping[str, str], environment: Mapping[str, str]
) -> tuple[dict[str, Any], list[Problem]]:
    """A value for each variable that has one, and what is missing or unknown. What the call gives comes before the
    environment, and that before the default."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, variable in shape.variables.items():
        if name in given:
            values[name] = given[name]
        elif not isinstance(variable, VariableTable):
            values[name] = variable
        elif variable.env is not None and variable.env in environment:
            values[name] = environment[variable.env]
        elif variable.default is not None:
            values[name] = variable.default
        else:
            problems.append(Problem(source.where("variables", name), *_missing(name, variable)))
    unknown = [name for name in given if name not in shape.variables]
    problems += [
        Problem(source.where("variables"), f'there is no variable "{name}"', did_you_mean(name, shape.variables))
        for name in unknown
    ]
    return values, problems


def _missing(name: str, variable: VariableTable) -> tuple[str, str]:
    if variable.env is not None:
        return f'variable "{name}" has no value', f"set {variable.env} in the environment, or write a default"
    return f'variable "{name}" has no value', "every call must give one"
