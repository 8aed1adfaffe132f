"""Who is talking: the caller's voice, as a model or a channel hears it, and the agent's voice, as the model makes it.

What the *caller hears* of the agent is another matter and another machine (:mod:`vivavoce.core.playout`): a model
makes its words faster than they are played, so it is often silent again while its answer is still to be heard.
"""

from __future__ import annotations

from enum import StrEnum

from vivavoce.core.machine import Machine


class Caller(StrEnum):
    """Whether the caller talks."""

    SILENT = "silent"
    TALKING = "talking"


class CallerMove(StrEnum):
    """What the caller's voice does."""

    START = "start"
    STOP = "stop"


CALLER_TABLE = {
    (Caller.SILENT, CallerMove.START): Caller.TALKING,
    (Caller.TALKING, CallerMove.STOP): Caller.SILENT,
}


class Agent(StrEnum):
    """Whether the model is making speech."""

    IDLE = "idle"
    PREPARING = "preparing"  # a response was begun, no audio of it has come
    SPEAKING = "speaking"


class AgentMove(StrEnum):
    """What the agent's voice does."""

    BEGIN = "begin"
    SPEAK = "speak"
    FINISH = "finish"
    CUT = "cut"


AGENT_TABLE = {
    (Agent.IDLE, AgentMove.BEGIN): Agent.PREPARING,
    # A provider may begin its next response before it closed the last, for instance around a tool call.
    (Agent.PREPARING, AgentMove.BEGIN): Agent.PREPARING,
    (Agent.SPEAKING, AgentMove.BEGIN): Agent.PREPARING,
    (Agent.PREPARING, AgentMove.SPEAK): Agent.SPEAKING,
    (Agent.SPEAKING, AgentMove.SPEAK): Agent.SPEAKING,
    (Agent.PREPARING, AgentMove.FINISH): Agent.IDLE,
    (Agent.SPEAKING, AgentMove.FINISH): Agent.IDLE,
    (Agent.PREPARING, AgentMove.CUT): Agent.IDLE,
    (Agent.SPEAKING, AgentMove.CUT): Agent.IDLE,
}


def caller_voice() -> Machine[Caller, CallerMove]:
    return Machine(CALLER_TABLE, Caller.SILENT)


def agent_voice() -> Machine[Agent, AgentMove]:
    return Machine(AGENT_TABLE, Agent.IDLE)
