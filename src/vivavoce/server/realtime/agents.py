"""What a client's configuration makes of the agent that it calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vivavoce.agent.declaration import Agent, Tool
from vivavoce.errors import ProgrammingError
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
