"""What a client's configuration makes of the agent that it calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec

from vivavoce.agent.declaration import Agent, Tool
from vivavoce.errors import ProgrammingError, SetupFault
from vivavoce.model.port import Model
from vivavoce.wire.realtime.configuration import Configuration


def revised(agent: Agent, configuration: Configuration) -> Agent:
    """The agent as the model is to know it. The agent's own tools stay, those of the client come on top."""
    instructions = agent.instructions if configuration.instructions is None else configuration.instructions
    return replace(
        agent,
        instructions="\n\n".join(
            part for part in (instructions, *configuration.notes, _tool_rule(configuration)) if part
        ),
        voice=configuration.voice or agent.voice,
        tools=(*agent.tools, *_client_tools(configuration)),
        turns=replace(
            agent.turns,
            interruption=configuration.interruption,
            endpoint_ms=configuration.endpoint_ms or agent.turns.endpoint_ms,
        ),
    )


def models_for(
    agent: Agent, served: Agent, configuration: Configuration, make_models: Callable[[Agent], Sequence[Model]]
) -> Sequence[Model]:
    """Models for what the call became by itself: ``served`` in another language, or another agent. The client's tools
    stay, since it runs them still; its instructions and its voice stay with the agent that it called, the voice only
    if it speaks the language. Blocks, and raises :class:`~vivavoce.errors.SetupFault`.
    """
    if agent.name != served.name:
        return make_models(revised(agent, msgspec.structs.replace(configuration, instructions=None, voice="")))
    if configuration.instructions is not None:
        added = agent.instructions.removeprefix(served.instructions).strip()
        configuration = msgspec.structs.replace(
            configuration, notes=(*configuration.notes, *([added] if added else []))
        )
    try:
        return make_models(revised(agent, configuration))
    except SetupFault:
        if not configuration.voice:
            raise
        return make_models(revised(agent, msgspec.structs.replace(configuration, voice="")))


def _client_tools(configuration: Configuration) -> Sequence[Tool]:
    if configuration.tool_choice == "none":
        return ()
    return [Tool(tool.name, tool.description, tool.parameters, _elsewhere) for tool in configuration.tools]


def _tool_rule(configuration: Configuration) -> str:
    """A model that cannot be made to call a tool can be told to."""
    match configuration.tool_choice:
        case "auto" | "none":
            return ""
        case "required":
            return "Before every answer, call one of your tools."
        case name:
            return f"Before every answer, call the tool {name}."


def _elsewhere() -> None:
    raise ProgrammingError("a tool of the client was called here")
