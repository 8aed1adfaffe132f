"""The embedded model passes the suite that every model must pass: with its real ear and mouth, at real time."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import Path

import pytest

from vivavoce.agent.file import load_agent
from vivavoce.audio.files import read_audio
from vivavoce.conformance import ModelLimits, check_model
from vivavoce.engine import clock
from vivavoce.model.local.model import LocalModel

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("voice", ["", "espeak:en-us"])
def test_the_embedded_model_conforms(voice: str, tmp_path: Path) -> None:
    agent_file = ROOT / "examples" / "dealership" / "agent.toml"
    agent = load_agent(agent_file, environment={"VIVAVOCE_EXAMPLE_DATA": str(tmp_path)})
    speech = read_audio(ROOT / "src" / "vivavoce" / "demo" / "caller" / "02-saturday.flac")

    def make() -> LocalModel:
        return LocalModel(
            dataclasses.replace(agent, voice=voice),
            {},
            now=lambda: datetime(2026, 3, 2, 9).astimezone(),
            environment={},
        )

    limits = ModelLimits(open_s=20, say_s=45, reply_s=10, hush_s=1.5, close_s=5)
    clock.run(check_model(make, speech=speech.pcm, speech_hz=speech.rate_hz, limits=limits))
