"""Calls over our Nova client to the emulator, in memory and on virtual time. Simulated: what answers keeps published
times, speaks in tones, understands nothing, and breaks off for any speech it hears.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec

from vivavoce.agent.declaration import Agent
from vivavoce.emulator.admission import Access
from vivavoce.emulator.profile import PublishedProfile
from vivavoce.emulator.rules import Rules
from vivavoce.emulator.service import Emulator, EmulatorSettings
from vivavoce.engine.clock import loop_time_s
from vivavoce.model.bedrock.client import BedrockClient
from vivavoce.model.bedrock.identity import FixedIdentity, Identity
from vivavoce.model.bedrock.memory import MemoryNetwork
from vivavoce.model.bedrock.settings import BedrockSettings
from vivavoce.model.nova.model import NovaModel
from vivavoce.model.port import Model
from vivavoce.wire.nova_input import PromptStart
from vivavoce.wire.sigv4 import Keys

BEGAN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SENTENCES = (4, 6)
"""So many a reply: long enough to talk into."""
_KEYS = Keys("AKIDEXAMPLE", "a-made-up-secret")
_STREAMS = 1_000


def _now() -> datetime:
    return BEGAN + timedelta(seconds=loop_time_s())


def _brain(prompt: PromptStart, seed: int) -> Model:
    """One that calls no tools: it understands nothing, and would end the call or book whatever there is."""
    return PublishedProfile(msgspec.structs.replace(prompt, tools=None), seed, SENTENCES, noise_proof=True)


@asynccontextmanager
async def emulated_nova(agent: Agent) -> AsyncIterator[Callable[[int], Model]]:
    """Makes the model of a call by its number, which is also the seed of the times it takes. For a virtual loop."""
    settings = EmulatorSettings(
        brain=_brain,
        access=Access(_now, {}),
        rules=Rules(concurrency=_STREAMS),
        seed=1,
    )
    emulator = Emulator(settings)
    network = MemoryNetwork(emulator.protocol)

    def model(number: int) -> Model:
        bedrock = BedrockClient(
            BedrockSettings(region="us-east-1"),
            now=_now,
            environment={},
            random=Random(number),  # noqa: S311  # keeps no secret
            identities=FixedIdentity(Identity(_KEYS), "us-east-1"),
            connect=network.connect,
        )
        return NovaModel(agent, {}, now=_now, environment={}, bedrock=bedrock)

    yield model
    emulator.close()
    await asyncio.sleep(1)
