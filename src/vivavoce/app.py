"""The composition root: what is named in files and on command lines becomes objects here, and only here.

The only module that reads the environment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from vivavoce.agent.check import Report, check_agent
from vivavoce.agent.declaration import Agent, ModelChoice
from vivavoce.agent.file import load_agent
from vivavoce.engine.clock import wall_clock
from vivavoce.errors import NotAvailable, SetupFault
from vivavoce.model.local.model import DESCRIPTION as LOCAL_DESCRIPTION
from vivavoce.model.local.model import LocalModel
from vivavoce.model.port import Model
from vivavoce.model.scripted import ScriptedModel, read_script

Clock = Callable[[], datetime]
"""The time of day, for agents that are asked for "tomorrow"."""


@dataclass(frozen=True, slots=True)
class ModelKind:
    """A model that an agent file can name."""

    name: str
    description: str
    make: Callable[[Agent, Mapping[str, Any], Clock], Model]


def environment() -> Mapping[str, str]:
    return os.environ


def calls_folder() -> Path:
    """Where calls are kept unless a command says otherwise: ``VIVAVOCE_CALLS``, else ``calls`` in this folder."""
    return Path(environment().get("VIVAVOCE_CALLS", "calls"))


def _make_local(agent: Agent, settings: Mapping[str, Any], now: Clock) -> Model:
    return LocalModel(agent, settings, now=now, environment=environment())


def _make_scripted(agent: Agent, settings: Mapping[str, Any], now: Clock) -> Model:
    del agent, now  # the script says it all
    if set(settings) != {"script"} or not isinstance(settings["script"], str):
        raise SetupFault(
            "the scripted model has one setting, script: the file to follow",
            hint='[models.settings] script = "timing.toml"; see docs/reference/scripted-model.md',
        )
    return ScriptedModel(read_script(Path(settings["script"])))


SCRIPTED_DESCRIPTION = (
    "Simulated: follows a file of events with times and speaks in tones. For tests, and for demos of timing without a "
    "provider."
)

MODEL_KINDS: Mapping[str, ModelKind] = {
    kind.name: kind
    for kind in (
        ModelKind("local", LOCAL_DESCRIPTION, _make_local),
        ModelKind("scripted", SCRIPTED_DESCRIPTION, _make_scripted),
    )
}


def make_model(agent: Agent, choice: ModelChoice, now: Clock = wall_clock) -> Model:
    """Raises :class:`SetupFault` for an unknown name or settings the model does not take."""
    kind = MODEL_KINDS.get(choice.name)
    if kind is None:
        known = ", ".join(MODEL_KINDS)
        raise SetupFault(f"there is no model named {choice.name!r}", hint=f"this version knows {known}")
    return kind.make(agent, choice.settings, now)


def why_not_here(agent: Agent, choice: ModelChoice) -> str:
    """Why this model cannot be used on this machine; empty if it can."""
    try:
        return make_model(agent, choice).why_not_here()
    except SetupFault as fault:
        return str(fault)


def usable_models(
    agent: Agent, choices: Sequence[ModelChoice] | None = None, *, now: Clock = wall_clock
) -> list[Model]:
    """The agent's models that can be used here, in order of preference. Raises :class:`NotAvailable`, with every
    model's
    reason, if there is none."""
    usable: list[Model] = []
    reasons: list[str] = []
    for choice in choices if choices is not None else agent.models:
        try:
            model = make_model(agent, choice, now)
            reason = model.why_not_here()
        except SetupFault as fault:
            reason = str(fault)
        if reason:
            reasons.append(f"{choice.name}: {reason}")
        else:
            usable.append(model)
    if not usable:
        raise NotAvailable("no model of this agent can be used here. " + "; ".join(reasons))
    return usable


def read_agent(path: Path, variables: Mapping[str, str], version: str | None) -> Agent:
    """An agent file, rendered with this process's environment."""
    return load_agent(path, variables=variables, version=version, environment=environment())


def prove_agent(path: Path, variables: Mapping[str, str], version: str | None) -> Report:
    """Everything that can be known of an agent without taking a call."""
    nobody = Agent(name="", instructions="")
    return check_agent(
        path,
        variables=variables,
        version=version,
        environment=environment(),
        model_problem=lambda choice: why_not_here(nobody, choice),
    )
