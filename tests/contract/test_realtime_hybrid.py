"""The ``openai`` package, unchanged, with an agent that decides itself whose turn it is: real speech, the real ear."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.realtime_openai import WRITTEN_DOWN, talking
from tests.contract.realtime_server import RATE_HZ, TALKS_LONG, Served, serving, sound_of, speak, write_scripted
from vivavoce.audio.files import read_audio
from vivavoce.audio.resample import resample
from vivavoce.events import FloorDecided, FloorVerdict, Flush, PausePlaying, Play
from vivavoce.timeline.read import read_timeline
from vivavoce.voice.ear import why_not_here

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        bool(why_not_here()) or shutil.which("flite") is None, reason="needs the extra turns, and flite"
    ),
]
WORDS = "Wait a moment please, I have another question about the price of the car"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("hybrid")
    agent = write_scripted(folder / "long", TALKS_LONG, '[turns]\ninterruption = "hybrid"\n')
    with serving(folder, [agent]) as server:
        yield server


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path: Path = tmp_path_factory.mktemp("speech") / "words.wav"
    subprocess.run(["flite", "-voice", "slt", "-t", WORDS, "-o", str(path)], check=True)
    recording = read_audio(path)
    return resample(recording.pcm, recording.rate_hz, RATE_HZ)


def test_speech_into_a_reply_takes_the_turn_and_what_was_not_sent_stays_here(served: Served, speech: bytes) -> None:
    async def talk() -> bytes:
        async with talking(served, "long", WRITTEN_DOWN) as session:
            await speak(session.append, speech)
            first = await session.until("response.output_audio.delta")
            await asyncio.sleep(1.5)  # the caller hears some of it
            await speak(session.append, speech)
            await session.until("input_audio_buffer.speech_started")
            response = (await session.until("response.done"))["response"]
            assert response["id"] == first["response_id"]
            assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
            return sound_of(session.events, first["response_id"])

    sent = asyncio.run(talk())
    (file,) = served.calls.glob("*/timeline.jsonl")
    seen = [line.value for line in read_timeline(file).lines]
    assert any(isinstance(value, PausePlaying) for value in seen)
    assert FloorVerdict.TAKEN in [value.verdict for value in seen if isinstance(value, FloorDecided)]
    response = next(value.response for value in seen if isinstance(value, Flush))
    made = sum(value.audio.samples for value in seen if isinstance(value, Play) and value.response == response)
    assert 0 < len(sent) // 2 < made
