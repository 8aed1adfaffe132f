"""The peer against aiortc as a browser, over this machine's own network."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import aioice.ice
import numpy as np
import pytest
from _browser import Browser, Told, Tone, call, until

from vivavoce.channel.webrtc.peer import PeerSettings, WebRtcPeer
from vivavoce.engine.clock import loop_time_s
from vivavoce.errors import ChannelFault, Refused, UsageError
from vivavoce.events import (
    Audio,
    Evidence,
    FinishPlaying,
    Flush,
    HangUp,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ResponseId,
    Samples,
)

pytestmark = pytest.mark.slow

ANSWER = ResponseId("r1")
RATE_HZ = 24_000


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def tone(seconds: float, hz: float) -> bytes:
    at = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return (8000 * np.sin(2 * np.pi * hz * at)).astype("<i2").tobytes()


def loudest_hz(sound: np.ndarray, rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum)) * rate_hz / len(sound)


def test_sound_and_events_go_both_ways() -> None:
    async def talk() -> None:
        async with call(browser=Browser(Tone(440))) as called:
            called.peer.send(b'{"type":"session.created"}')
            await called.browser.send("hällo")
            called.peer.perform(Play(ANSWER, Audio(tone(1, 330))))
            called.peer.perform(FinishPlaying(ANSWER))
            finished = PlayoutProgress(ANSWER, Samples(RATE_HZ), Evidence.RTP)
            await until(lambda: finished in called.told.reports and len(called.told.pcm) > 75)
            assert called.told.texts == ["hällo"]
            assert called.browser.events == ['{"type":"session.created"}']
            assert all(len(pcm) == 960 for pcm in called.told.pcm)
            heard = np.frombuffer(b"".join(called.told.pcm[25:75]), "<i2")
            assert loudest_hz(heard, RATE_HZ) == pytest.approx(440, abs=3)
            # aiortc makes stereo of a mono microphone, 3 dB less in each channel.
            assert np.sqrt(np.mean(heard.astype(float) ** 2)) == pytest.approx(8000 / 2, rel=0.2)
            spoken = np.concatenate(called.browser.heard[15:40])
            assert loudest_hz(spoken, 48_000) == pytest.approx(330, abs=4)
            statistics = called.peer.statistics
            assert statistics is not None
            assert statistics.received > 70
            assert statistics.lost == 0

    asyncio.run(talk())


def test_a_flush_stops_the_agent_and_says_where() -> None:
    async def talk() -> None:
        async with call() as called:
            called.peer.perform(Play(ANSWER, Audio(tone(5, 330))))
            await until(lambda: called.told.reports)
            called.peer.perform(Flush(ANSWER))
            await until(lambda: isinstance(called.told.reports[-1], PlayoutStopped))
            stopped = called.told.reports[-1]
            assert 0 < stopped.played < RATE_HZ
            assert called.peer.queued_samples == 0

    asyncio.run(talk())


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_a_peer_without_opus_is_spoken_to_in_g711(codec: str) -> None:
    async def talk() -> None:
        browser = Browser(Tone(440))
        transceiver = browser.connection.getTransceivers()[0]
        codecs = type(transceiver.sender).getCapabilities("audio").codecs
        transceiver.setCodecPreferences([each for each in codecs if each.mimeType == f"audio/{codec}"])
        async with call(browser=browser) as called:
            called.peer.perform(Play(ANSWER, Audio(tone(1, 330))))
            await until(lambda: len(called.told.pcm) > 60)
            heard = np.frombuffer(b"".join(called.told.pcm[10:60]), "<i2")
            assert loudest_hz(heard, RATE_HZ) == pytest.approx(440, abs=3)

    asyncio.run(talk())


def test_the_browser_leaving_ends_the_call_quietly() -> None:
    async def talk() -> None:
        async with call() as called:
            await called.browser.connection.close()
            async with asyncio.timeout(5):
                await called.run

    asyncio.run(talk())


def test_the_data_channel_closing_ends_the_call_too() -> None:
    async def talk() -> None:
        async with call() as called:
            await called.browser.send("x")
            called.browser.channel.close()
            async with asyncio.timeout(5):
                await called.run

    asyncio.run(talk())


def test_hanging_up_ends_it_and_what_was_said_last_arrives() -> None:
    async def talk() -> None:
        async with call() as called:
            await called.browser.send("x")
            called.peer.send(b"the last word")
            called.peer.perform(HangUp("done"))
            async with asyncio.timeout(5):
                await called.run
            assert called.browser.events == ["the last word"]

    asyncio.run(talk())


def test_what_a_sink_raises_ends_the_call() -> None:
    class Deaf(Told):
        async def text(self, text: str) -> None:
            raise UsageError(f"no {text}")

    async def talk() -> None:
        browser, told = Browser(), Deaf()
        peer = WebRtcPeer(PeerSettings(), loop_time_s)
        await browser.accept(await peer.answer(await browser.offer()))
        run = asyncio.create_task(peer.run(told))
        await browser.send("thanks")
        with pytest.raises(UsageError, match="no thanks"):
            await run
        await browser.close()

    asyncio.run(talk())


def test_a_peer_that_never_connects_is_given_up() -> None:
    async def talk() -> None:
        browser = Browser()
        peer = WebRtcPeer(PeerSettings(connect_timeout_s=0.3), loop_time_s)
        await peer.answer(await browser.offer())
        with pytest.raises(ChannelFault, match=r"has not connected within 0\.3 s"):
            await peer.run(Told())
        await browser.close()

    asyncio.run(talk())


def test_a_peer_that_never_opens_our_channel_is_given_up() -> None:
    async def talk() -> None:
        async with call(PeerSettings(connect_timeout_s=0.5), Browser(label="chat")) as called:
            with pytest.raises(ChannelFault, match="has not opened its data channel"):
                await called.run

    asyncio.run(talk())


def test_a_peer_that_falls_silent_for_ice_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.05)
    monkeypatch.setattr(aioice.ice, "CONSENT_FAILURES", 1)

    async def talk() -> None:
        async with call() as called:
            transport = called.browser.connection.getTransceivers()[0].sender.transport.transport
            for protocol in transport._connection._protocols:
                monkeypatch.setattr(protocol, "datagram_received", lambda data, address: None)
            with pytest.raises(ChannelFault, match="lost"):
                async with asyncio.timeout(8):
                    await called.run

    asyncio.run(talk())


def test_events_that_are_too_large_are_refused() -> None:
    async def talk() -> None:
        async with call() as called:
            called.peer.send(b"x" * (256 * 1024 - 1))
            with pytest.raises(UsageError, match="262144 bytes"):
                called.peer.send(b"x" * 256 * 1024)
            await until(lambda: called.browser.events)
            assert len(called.browser.events[0]) == 256 * 1024 - 1

    asyncio.run(talk())


def test_a_peer_that_takes_no_events_is_lost_before_memory_is() -> None:
    async def talk() -> None:
        async with call() as called:
            for _ in range(100):
                called.peer.send(b"x" * 200_000)
            with pytest.raises(ChannelFault, match="does not take"):
                await called.run

    asyncio.run(talk())


def test_a_peer_that_floods_us_is_lost() -> None:
    class Slow(Told):
        async def text(self, text: str) -> None:
            await asyncio.Event().wait()

    async def talk() -> None:
        browser, told = Browser(), Slow()
        peer = WebRtcPeer(PeerSettings(), loop_time_s)
        await browser.accept(await peer.answer(await browser.offer()))
        run = asyncio.create_task(peer.run(told))
        for _ in range(1200):
            await browser.send("x")
        with pytest.raises(ChannelFault, match="more than can be read"):
            async with asyncio.timeout(10):
                await run
        await browser.close()

    asyncio.run(talk())


def test_ports_are_of_the_range_and_running_out_of_them_is_said() -> None:
    async def talk() -> None:
        settings = PeerSettings(ports=(41_000, 41_000))
        peers = [WebRtcPeer(settings, loop_time_s) for _ in range(2)]
        browser = Browser()
        offer = await browser.offer()
        answer = await peers[0].answer(offer)
        candidates = [line.split() for line in answer.splitlines() if line.startswith("a=candidate:")]
        assert {candidate[5] for candidate in candidates} == {"41000"}
        with pytest.raises(Refused, match="no UDP port is free from 41000 to 41000"):
            await peers[1].answer(offer)
        for peer in peers:
            await peer.close()
        await browser.close()

    asyncio.run(talk())


@pytest.mark.parametrize(
    "offer",
    [
        "",
        "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nm=application 9 x y\r\na=ice-ufrag:a\r\na=fingerprint:b\r\n",
        "v=0\r\nm=audio\r\nm=application\r\na=ice-ufrag:a\r\na=fingerprint:sha-256 b\r\n",
    ],
)
def test_an_offer_that_cannot_be_answered_is_a_usage_error(offer: str) -> None:
    async def talk() -> None:
        peer = WebRtcPeer(PeerSettings(), loop_time_s)
        with pytest.raises(UsageError):
            await peer.answer(offer)
        await peer.close()

    asyncio.run(talk())


def test_an_offer_without_a_codec_of_ours_is_a_usage_error() -> None:
    async def talk() -> None:
        browser = Browser()
        offer = (await browser.offer()).replace("opus", "opal").replace("PCM", "PCX")
        peer = WebRtcPeer(PeerSettings(), loop_time_s)
        with pytest.raises(UsageError, match="no codec"):
            await peer.answer(offer)
        await peer.close()
        await browser.close()

    asyncio.run(talk())


def test_twenty_calls_leave_no_task_and_no_socket() -> None:
    async def talk() -> None:
        for _ in range(2):  # whatever is made once and kept
            async with call():
                pass
        gc.collect()
        files, tasks = open_files(), len(asyncio.all_tasks())
        for number in range(20):
            async with call() as called:
                if number % 2:
                    called.peer.perform(HangUp("done"))
                    await called.run
        gc.collect()
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == tasks
        assert open_files() <= files

    if not Path("/proc/self/fd").exists():
        pytest.skip("counts files as Linux shows them")
    asyncio.run(talk())
