"""The standing set as it is run: on the emulated Nova in virtual time, on the embedded model in real time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from vivavoce.agent.declaration import Agent
from vivavoce.agent.file import load_agent
from vivavoce.engine.clock import run
from vivavoce.model.port import Model
from vivavoce.rehearsal.emulated import BEGAN, emulated_nova
from vivavoce.rehearsal.outcomes import Conversation
from vivavoce.rehearsal.stage import Hall, Programme, rehearse
from vivavoce.rehearsal.standing import AGENT_FILE
from vivavoce.voice.recogniser_worker import InlineRecogniser

OPENED: datetime = BEGAN
"""A Monday: callers speak of "Thursday" and "tomorrow"."""
AT_ONCE = 6
"""Calls of the embedded model that two cores bear: each takes about a quarter of one while it talks."""

APART_S = 0.6
"""Opening a session of it takes most of a core for a moment."""


def standing_agent() -> Agent:
    return load_agent(AGENT_FILE, variables={}, version=None, environment={})


def emulated_calls(programmes: Sequence[Programme], folder: Path) -> list[list[Conversation]]:
    """Calls are kept in ``folder``. The agent has no tools, since this model understands nothing that is said to it."""
    agent = replace(standing_agent(), tools=())

    async def main() -> list[list[Conversation]]:
        async with emulated_nova(agent) as model:
            return await rehearse(Hall(agent, model, folder, OPENED, recogniser=InlineRecogniser()), programmes)

    return run(main(), virtual=True)


def embedded_calls(
    model: Model, programmes: Sequence[Programme], folder: Path, at_once: int = AT_ONCE
) -> list[list[Conversation]]:
    """``model`` is the embedded one, made for :func:`standing_agent`."""
    hall = Hall(standing_agent(), lambda _: model, folder, OPENED, at_once, APART_S)
    return run(rehearse(hall, programmes))
