"""A real talk for each SDK: recorded speech, the embedded model behind the server, and the agent of the example with a
tool that runs there. What is said is understood, and what comes back is speech.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.realtime_agents import KIND
from tests.contract.realtime_agents import talking as agents_talking
from tests.contract.realtime_openai import WRITTEN_DOWN
from tests.contract.realtime_openai import talking as openai_talking
from tests.contract.realtime_peers import run_peer
from tests.contract.realtime_server import RATE_HZ, Served, serving, sound_of, speak
from vivavoce.audio.files import read_audio
from vivavoce.audio.level import active_rms_dbfs
from vivavoce.audio.resample import resample
from vivavoce.demo import demo_caller

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]  # a first run installs the SDKs

ROOT = Path(__file__).resolve().parents[2]
BYTES_PER_S = 2 * RATE_HZ


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served"), [ROOT / "examples" / "dealership"]) as server:
        yield server


@pytest.fixture(scope="module")
def said() -> list[bytes]:
    """Asking for estates below 25000 dollars, and for the hours on Saturday."""
    recordings = [read_audio(row.path) for row in demo_caller()[:2]]
    return [resample(recording.pcm, recording.rate_hz, RATE_HZ) for recording in recordings]


def check_talk(events: list[dict[str, Any]]) -> None:
    heard = [
        event["transcript"]
        for event in events
        if event["type"] == "conversation.item.input_audio_transcription.completed"
    ]
    assert re.search("estates", heard[0]), heard
    assert re.search("opening hours", heard[1]), heard
    done = [event["response"] for event in events if event["type"] == "response.done"]
    spoken = [(response["id"], response["output"][0]["content"][0]["transcript"]) for response in done]
    assert [response["status"] for response in done] == ["completed"] * 3, spoken
    assert "Thank you for calling" in spoken[0][1]
    assert "Beacon" in spoken[1][1], "by the tool that runs on the server"
    assert not [event for event in events if event["type"].startswith("response.function_call")], "and nobody is told"
    for response, text in spoken:
        sound = sound_of(events, response)
        assert 8 < len(text) * BYTES_PER_S / len(sound) < 25, text
        assert -40 < active_rms_dbfs(sound) < -6


def test_the_openai_package(served: Served, said: list[bytes]) -> None:
    async def talk() -> list[dict[str, Any]]:
        async with openai_talking(served, "dealership", WRITTEN_DOWN) as session:
            for sound in (*said, b""):
                response = (await session.until("response.done"))["response"]["id"]
                await asyncio.sleep(len(sound_of(session.events, response)) / BYTES_PER_S)
                await speak(session.append, sound)
            return session.events

    check_talk(asyncio.run(talk()))


def test_the_agents_sdk_for_python(served: Served, said: list[bytes]) -> None:
    async def talk() -> list[dict[str, Any]]:
        async with agents_talking(served, "dealership", KIND) as session:
            for sound in (*said, b""):
                response = (await session.events.until("response.done"))["response"]["id"]
                await asyncio.sleep(len(sound_of(session.events.events, response)) / BYTES_PER_S)
                await speak(session.session.send_audio, sound)
            return session.events.events

    check_talk(asyncio.run(talk()))


def test_the_agents_sdk_for_javascript(served: Served, said: list[bytes], tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = [{"until": "response.done", "play": 1}]
    for number, sound in enumerate(said):
        path = tmp_path / f"{number}.pcm"
        path.write_bytes(sound)
        steps += [{"say": str(path)}, {"until": "response.done", "play": 1}]
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"agent": {"name": "Kind", "instructions": ""}, "steps": steps}))
    told = run_peer("realtime_agents.mjs", f"{served.ws}/realtime?model=dealership", str(plan))
    assert told["dropped"] == []
    check_talk(told["events"])
