"""The mouth as its owner sees it: the protocol by hand, then real worker processes."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import pytest

from vivavoce.errors import NotAvailable, UsageError
from vivavoce.model.local import mouth
from vivavoce.model.local import mouth_frames as frames
from vivavoce.model.local.mouth import Mouth, MouthFailed, MouthSettings, Spoken, SpokenAudio, SpokenEnd

T = TypeVar("T")
LONG = "We have three cars under twenty thousand pounds, and the cheapest of them is a Summit. " * 40


def run(work: Coroutine[Any, Any, T]) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(20):
            return await work

    return asyncio.run(bounded())


class FakePipe(asyncio.ReadTransport):
    """The worker's output, or its input."""

    def __init__(self) -> None:
        super().__init__()
        self.paused = False

    def is_paused(self) -> bool:
        return self.paused

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


class FakeTransport(asyncio.SubprocessTransport):
    """A process that never was."""

    def __init__(self) -> None:
        super().__init__()
        self.output = FakePipe()

    def get_pipe_transport(self, fd: int) -> asyncio.BaseTransport | None:
        return self.output if fd == 1 else None

    def get_returncode(self) -> int | None:
        return -11


def audio_frame(utterance: int, epoch: int = 0, pcm: bytes = b"\x01\x00" * 960) -> bytes:
    return frames.pack_keyed(frames.AUDIO, epoch, utterance, pcm)


def connected() -> tuple[Mouth, Any, FakeTransport]:
    worker = mouth._Worker()
    transport = FakeTransport()
    worker.connection_made(transport)
    return Mouth(worker, "fake:voice"), worker, transport


async def next_of(audio: AsyncIterator[Spoken]) -> Spoken:
    return await anext(audio)


def test_stop_forgets_what_waits_and_what_comes_late() -> None:
    async def work() -> None:
        speaker, worker, _ = connected()
        worker.pipe_data_received(1, audio_frame(1) + audio_frame(1)[:100])
        speaker.stop()
        worker.pipe_data_received(
            1, audio_frame(1)[100:] + frames.pack_keyed(frames.END, 0, 1) + audio_frame(2, epoch=1)
        )
        assert await next_of(speaker.audio()) == SpokenAudio(2, b"\x01\x00" * 960)

    run(work())


def test_reading_pauses_at_eight_seconds_and_goes_on_when_heard_or_stopped() -> None:
    async def work() -> None:
        speaker, worker, transport = connected()
        worker.pipe_data_received(1, audio_frame(1) * 134)
        assert transport.output.is_paused()
        audio = speaker.audio()
        for _ in range(70):
            await next_of(audio)
        assert not transport.output.is_paused()
        worker.pipe_data_received(1, audio_frame(1) * 100)
        assert transport.output.is_paused()
        speaker.stop()
        assert not transport.output.is_paused()

    run(work())


def test_death_is_told_after_what_was_spoken_and_outlives_a_stop() -> None:
    async def work() -> None:
        speaker, worker, _ = connected()
        worker.opened.set_result("fake:voice")
        worker.pipe_data_received(1, audio_frame(1))
        worker.process_exited()
        audio = speaker.audio()
        assert isinstance(await next_of(audio), SpokenAudio)
        speaker.stop()
        speaker.speak(2, "to nobody")
        assert [spoken async for spoken in audio] == [MouthFailed("the speech worker ended with status -11")]

    run(work())


@pytest.mark.parametrize("speed", [0.0, 0.4, 2.1, float("nan")])
def test_impossible_speed(speed: float) -> None:
    with pytest.raises(UsageError, match="speaking speed"):
        MouthSettings(speed=speed)


async def utterance(audio: AsyncIterator[Spoken], number: int) -> bytes:
    """The audio of the next utterance, which must be ``number``."""
    pcm = b""
    while isinstance(spoken := await anext(audio), SpokenAudio):
        assert spoken.utterance == number
        assert 0 < len(spoken.pcm) <= 1920
        pcm += spoken.pcm
    assert spoken == SpokenEnd(number)
    return pcm


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en-US", "de-DE"])
def test_speaks_in_order(language: str) -> None:
    async def work() -> None:
        speaker = await Mouth.open(language=language)
        assert speaker.rate_hz == 16_000
        assert speaker.voice.partition(":")[0] in {"flite", "espeak"}
        for number, text in enumerate(["One, two.", "", "Three."]):
            speaker.speak(number, text)
        audio = speaker.audio()
        assert len(await utterance(audio, 0)) > 16_000
        assert await utterance(audio, 1) == b""
        assert len(await utterance(audio, 2)) > 8_000
        await speaker.close()
        assert [spoken async for spoken in audio] == []

    run(work())


@pytest.mark.slow
@pytest.mark.parametrize("voice", ["", "espeak:en-gb", "espeak:en-us+f3"])
def test_odd_texts(voice: str) -> None:
    texts = [
        "\x00\x01\x1b",
        "<speak>a <break time='3s'/> b</speak>",
        "😀 🎉",
        "\ud800",
        "漢字 العربية",
        "[[h@'loU]]",
        "x" * 500,
    ]

    async def work() -> None:
        speaker = await Mouth.open(language="en", voice=voice)
        assert speaker.voice.startswith(voice)
        audio = speaker.audio()
        for number, text in enumerate(texts):
            speaker.speak(number, text)
            await utterance(audio, number)
        speaker.speak(100, "word, and another. " * 5_500)
        assert isinstance(await anext(audio), SpokenAudio)
        speaker.stop()
        speaker.speak(101, "Yes.")
        assert await utterance(audio, 101)
        await speaker.close()

    run(work())


@pytest.mark.slow
def test_stop_while_the_pipe_is_full() -> None:
    async def work() -> None:
        speaker = await Mouth.open(language="en")
        audio = speaker.audio()
        for number in range(3):
            speaker.speak(number, LONG)
        await anext(audio)
        while speaker._worker._queued_bytes < mouth._PAUSE_BYTES:  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0)
        speaker.stop()
        speaker.speak(9, "Sorry?")
        assert await utterance(audio, 9)
        await speaker.close()

    run(work())


@pytest.mark.slow
def test_worker_that_dies_is_a_failure_not_a_hang() -> None:
    async def work() -> None:
        speaker = await Mouth.open(language="en")
        assert speaker._worker._transport is not None
        os.kill(speaker._worker._transport.get_pid(), signal.SIGKILL)
        assert [spoken async for spoken in speaker.audio()] == [MouthFailed("the speech worker ended with status -9")]
        speaker.speak(1, "to nobody")
        speaker.stop()
        await speaker.close()

    run(work())


@pytest.mark.slow
def test_close_ends_a_worker_in_the_middle_of_a_sentence() -> None:
    async def work() -> int | None:
        speaker = await Mouth.open(language="en")
        speaker.speak(1, LONG)
        await speaker.close()
        await speaker.close()
        return speaker._worker._transport.get_returncode() if speaker._worker._transport else None

    assert run(work()) == 0


@pytest.mark.slow
def test_voices_that_are_not_there() -> None:
    async def work() -> None:
        with pytest.raises(NotAvailable, match=r"no voice 'flite:bob'.*voices here: .*espeak:en-gb"):
            await Mouth.open(language="en", voice="flite:bob")
        with pytest.raises(NotAvailable, match="no voice here speaks 'xx'"):
            await Mouth.open(language="xx")

    run(work())


@pytest.mark.slow
def test_voice_that_takes_too_long() -> None:
    async def work() -> None:
        with pytest.raises(NotAvailable, match="not ready after 1 ms"):
            await Mouth.open(language="en", settings=MouthSettings(ready_timeout_ms=1))

    run(work())


@pytest.mark.slow
def test_faster_speech_is_shorter() -> None:
    async def seconds(speed: float) -> float:
        speaker = await Mouth.open(language="en", settings=MouthSettings(speed=speed))
        speaker.speak(0, "We are open from nine to five on weekdays.")
        pcm = await utterance(speaker.audio(), 0)
        await speaker.close()
        return len(pcm) / 32_000

    assert run(seconds(1.5)) < 0.8 * run(seconds(1.0))


@pytest.mark.slow
def test_worker_loads_nothing_else_of_vivavoce() -> None:
    """espeak-ng's licence reaches as far as its process does."""
    probe = (
        "import sys, vivavoce.model.local.mouth_worker; print(*(m for m in sys.modules if m.startswith('vivavoce.')))"
    )
    loaded = subprocess.run(
        [sys.executable, "-P", "-c", probe], capture_output=True, text=True, check=True
    ).stdout.split()
    own = {f"vivavoce.model.local.mouth_{part}" for part in ("engines", "frames", "text", "worker")}
    assert set(loaded) == own | {"vivavoce.model", "vivavoce.model.local", "vivavoce.model.local.worker_frames"}


@pytest.mark.slow
def test_worker_ends_with_its_input_and_ignores_ctrl_c() -> None:
    with subprocess.Popen(mouth._WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        wanted = b'{"language": "en", "voice": "", "speed": 1.0, "sherpa_directory": ""}'
        process.stdin.write(frames.pack(frames.OPEN, wanted))
        process.stdin.flush()
        assert process.stdout.read(1) == frames.READY
        process.send_signal(signal.SIGINT)
        process.stdin.close()
        assert process.wait(timeout=5) == 0
