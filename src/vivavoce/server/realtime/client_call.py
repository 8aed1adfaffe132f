"""The call behind a client that may revise its agent while it talks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from vivavoce.agent.declaration import Agent
from vivavoce.channel.client import ClientChannel
from vivavoce.engine.call import Witness
from vivavoce.errors import UsageError
from vivavoce.model.port import Model
from vivavoce.server.desk import Desk, LiveCall, ServedAgent
from vivavoce.server.realtime.agents import models_for, revised
from vivavoce.server.realtime.client_tools import ClientTools
from vivavoce.wire.realtime.configuration import Configuration


class ClientCall:
    """Runs once. The agent that the call is put down to is the served one; what its models are told is revised."""

    def __init__(self, desk: Desk, served: ServedAgent, channel: ClientChannel, configuration: Configuration) -> None:
        self.channel = channel
        self.tools = ClientTools()
        self._desk = desk
        self._served = served
        self._configuration = configuration
        self._made: asyncio.Future[LiveCall] = asyncio.get_running_loop().create_future()

    @property
    def live(self) -> LiveCall | None:
        """Once it is made."""
        return self._made.result() if self._made.done() and not self._made.cancelled() else None

    async def made(self) -> LiveCall | None:
        """Returns when it is, or None if it could not be."""
        await asyncio.wait([self._made])
        return self.live

    async def run(self, witness: Witness) -> None:
        """Returns when the call is over and kept. Raises :class:`~vivavoce.errors.VivavoceError` if it cannot begin."""
        agent = revised(self._served.agent, self._configuration)
        turns = replace(self._served.agent.turns, interruption=agent.turns.interruption)
        served = replace(
            self._served,
            agent=replace(self._served.agent, turns=turns),
            make_models=lambda _agent: self._served.make_models(agent),
        )
        try:
            live = await self._desk.answering(
                served,
                self.channel,
                client_tools=self.tools,
                witnesses=(witness,),
                make_models=self._models_for,
            )
        except BaseException:
            self._made.cancel()
            raise
        self._made.set_result(live)
        await self._desk.run(live)

    async def revise(self, configuration: Configuration) -> None:
        """The client made something else of the agent. Raises :class:`~vivavoce.errors.SetupFault` if no model takes
        it; the agent then stays as it was.
        """
        agent = revised(self._served.agent, configuration)
        models = await asyncio.to_thread(self._served.make_models, agent)
        if [model.profile.name for model in models] != list(self._served.models):
            raise UsageError("not all of the agent's models can be told this", hint="see the server's agent file")
        live = await asyncio.shield(self._made)
        live.answering.revise(replace(self._served.agent, turns=agent.turns), models)
        self._configuration = configuration

    def _models_for(self, agent: Agent) -> Sequence[Model]:
        """For what the call becomes by itself. Blocks."""
        return models_for(agent, self._served.agent, self._configuration, self._served.make_models)

    def make_models_aside(self, instructions: str | None) -> Sequence[Model]:
        """Models for a reply beside the call, which calls no tools. None keeps the session's instructions. Blocks."""
        configuration = self._configuration
        if instructions is not None:
            configuration = msgspec.structs.replace(configuration, instructions=instructions)
        return self._served.make_models(replace(revised(self._served.agent, configuration), tools=()))
