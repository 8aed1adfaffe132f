"""What the agent says, paced."""

from __future__ import annotations

import asyncio

from vivavoce.channel.webrtc.speaking import Speaker
from vivavoce.engine.clock import run
from vivavoce.events import (
    Audio,
    Evidence,
    FinishPlaying,
    Flush,
    PausePlaying,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ResponseId,
    ResumePlaying,
    Samples,
)

RATE_HZ = 24_000
FRAME = bytes(960)
ANSWER = ResponseId("r1")


class LengthEncoder:
    """The payload says how much there was to encode."""

    clock_hz = 48_000

    def encode(self, pcm: bytes) -> bytes:
        return str(len(pcm)).encode()


def speaker() -> tuple[Speaker, list[PlayoutProgress | PlayoutStopped]]:
    reports: list[PlayoutProgress | PlayoutStopped] = []
    return Speaker(LengthEncoder(), RATE_HZ, reports.append), reports


def test_a_payload_every_20_ms_silence_included() -> None:
    async def talk() -> None:
        loop, (speaks, reports) = asyncio.get_running_loop(), speaker()
        speaks.perform(Play(ANSWER, Audio(FRAME * 2 + FRAME[:100])))
        speaks.perform(FinishPlaying(ANSWER))
        begun_s = loop.time()
        sent = [await speaks.next_payload() for _ in range(5)]
        assert [payload for payload, _ in sent] == [b"960", b"960", b"100", b"0", b"0"]
        assert [timestamp for _, timestamp in sent] == [0, 960, 1920, 2880, 3840]
        assert round(loop.time() - begun_s, 6) == 0.1
        assert reports == [PlayoutProgress(ANSWER, Samples(1010), Evidence.RTP)]

    run(talk(), virtual=True)


def test_a_flush_is_answered_at_once_with_what_was_sent() -> None:
    async def talk() -> None:
        speaks, reports = speaker()
        speaks.perform(Play(ANSWER, Audio(FRAME * 10)))
        for _ in range(3):
            await speaks.next_payload()
        speaks.perform(Flush(ANSWER))
        assert reports == [PlayoutStopped(ANSWER, Samples(3 * 480), Evidence.RTP)]
        assert speaks.queued_samples == 0
        assert (await speaks.next_payload())[0] == b"0"

    run(talk(), virtual=True)


def test_after_a_stall_it_catches_up() -> None:
    async def talk() -> None:
        speaks, _ = speaker()
        await speaks.next_payload()
        await asyncio.sleep(0.2)
        begun_s = asyncio.get_running_loop().time()
        for _ in range(10):
            await speaks.next_payload()
        assert asyncio.get_running_loop().time() == begun_s

    run(talk(), virtual=True)


def test_a_pause_fades_out_within_one_payload_and_the_stream_goes_on_in_silence() -> None:
    async def talk() -> None:
        speaks, reports = speaker()
        speaks.perform(Play(ANSWER, Audio(FRAME * 3)))
        speaks.perform(FinishPlaying(ANSWER))
        await speaks.next_payload()
        speaks.perform(PausePlaying())
        paused = [await speaks.next_payload() for _ in range(3)]
        assert paused == [(b"240", 960), (b"0", 1920), (b"0", 2880)]
        assert reports == [PlayoutProgress(ANSWER, Samples(600), Evidence.RTP)]
        speaks.perform(ResumePlaying())
        assert [await speaks.next_payload() for _ in range(2)] == [(b"960", 3840), (b"720", 4800)]
        assert reports[-1] == PlayoutProgress(ANSWER, Samples(1440), Evidence.RTP)

    run(talk(), virtual=True)
