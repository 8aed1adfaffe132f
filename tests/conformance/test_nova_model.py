"""Nova Sonic passes the suite that every model must pass: our client and the emulator joined in memory, every request
and event signed and checked, with a scripted model for the emulator's brain.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from vivavoce.agent.declaration import Agent
from vivavoce.audio.files import read_audio
from vivavoce.conformance import check_model
from vivavoce.emulator.admission import Access
from vivavoce.emulator.rules import Rules
from vivavoce.emulator.service import Emulator, EmulatorSettings, fixed
from vivavoce.engine.clock import run
from vivavoce.model.bedrock.client import BedrockClient
from vivavoce.model.bedrock.identity import FixedIdentity, Identity
from vivavoce.model.bedrock.memory import MemoryNetwork
from vivavoce.model.bedrock.settings import BedrockSettings
from vivavoce.model.nova.model import NovaModel
from vivavoce.model.scripted import Hear, Say, Script, ScriptedModel, Step, When
from vivavoce.wire.sigv4 import Keys

SPEECH = Path(__file__).parents[2] / "src" / "vivavoce" / "demo" / "caller" / "02-saturday.flac"
BEGAN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEYS = Keys("AKIDEXAMPLE", "a-made-up-secret")
ANSWER = (
    Step(when=When.CALLER_STOPS, wait_ms=500, hear=Hear(text="are you open on saturday")),
    Step(say=Say(text="We are open from nine until five.", ms=2000)),
)
BRAIN = Script(step=(Step(ready=True), *ANSWER * 5))


def now() -> datetime:
    return BEGAN + timedelta(seconds=asyncio.get_running_loop().time())


@pytest.mark.parametrize("model_id", ["amazon.nova-2-sonic-v1:0", "amazon.nova-2-5-sonic"])
@pytest.mark.parametrize(("input_rate_hz", "output_rate_hz"), [(16_000, 24_000), (8000, 8000), (24_000, 16_000)])
@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
def test_nova_conforms(model_id: str, input_rate_hz: int, output_rate_hz: int, *, strict: bool) -> None:
    speech = read_audio(SPEECH)
    settings = {"model_id": model_id, "input_rate_hz": input_rate_hz, "output_rate_hz": output_rate_hz}

    async def main() -> None:
        access = Access(now, {KEYS.access_key: KEYS})
        emulator = Emulator(EmulatorSettings(fixed(ScriptedModel(BRAIN)), access, Rules(strict=strict), seed=1))
        client = BedrockClient(
            BedrockSettings(region="us-east-1"),
            now=now,
            environment={},
            random=Random(1),
            identities=FixedIdentity(Identity(KEYS)),
            connect=MemoryNetwork(emulator.protocol).connect,
        )
        agent = Agent("desk", "You help at the desk.")

        def make() -> NovaModel:
            return NovaModel(agent, settings, now=now, environment={}, bedrock=client)

        await check_model(make, speech=speech.pcm, speech_hz=speech.rate_hz)
        emulator.close()

    run(main(), virtual=True)
