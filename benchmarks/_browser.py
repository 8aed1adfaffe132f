"""A caller's side of a peer connection for tests and measurements: aiortc as it comes, playing the browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack
from av import AudioFrame

from vivavoce.channel.webrtc.peer import PeerSettings, WebRtcPeer
from vivavoce.channel.webrtc.texts import PlayoutReport
from vivavoce.engine.clock import loop_time_s

LABEL = "oai-events"


class Tone(AudioStreamTrack):
    """A microphone before which somebody hums: 48 kHz, 20 ms a frame."""

    def __init__(self, hz: float = 220) -> None:
        super().__init__()
        self._hz = hz
        self._frames = 0
        self._begun_s = 0.0

    async def recv(self) -> AudioFrame:
        if not self._frames:
            self._begun_s = loop_time_s()
        await asyncio.sleep(self._begun_s + self._frames * 0.02 - loop_time_s())
        at = self._frames * 960 + np.arange(960)
        frame = AudioFrame(format="s16", layout="mono", samples=960)
        frame.planes[0].update((8000 * np.sin(2 * np.pi * self._hz * at / 48_000)).astype("<i2").tobytes())
        frame.sample_rate, frame.pts, frame.time_base = 48_000, self._frames * 960, Fraction(1, 48_000)
        self._frames += 1
        return frame


@dataclass
class Told:
    """A sink that keeps all it is told."""

    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    pcm: list[bytes] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    reports: list[PlayoutReport] = field(default_factory=list)

    async def opened(self) -> None:
        self.is_open.set()

    async def audio(self, pcm: bytes) -> None:
        self.pcm.append(pcm)

    async def text(self, text: str) -> None:
        self.texts.append(text)

    async def playout(self, report: PlayoutReport) -> None:
        self.reports.append(report)


class Browser:
    """``heard`` is what its loudspeaker got, 48 kHz; ``events`` what came over the data channel."""

    def __init__(self, microphone: Any = None, label: str = LABEL) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.connection.addTrack(microphone or AudioStreamTrack())
        self.channel = self.connection.createDataChannel(label)
        self.events: list[str] = []
        self.heard: list[Any] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.channel.on("message", self.events.append)
        self.connection.on("track", lambda track: self._tasks.append(asyncio.ensure_future(self._listen(track))))

    async def offer(self) -> str:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return str(self.connection.localDescription.sdp)

    async def accept(self, answer: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))

    async def send(self, text: str) -> None:
        while self.channel.readyState != "open":  # noqa: ASYNC110  # aiortc offers no event for it
            await asyncio.sleep(0.005)
        self.channel.send(text)

    async def close(self) -> None:
        await self.connection.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self, track: Any) -> None:
        while True:
            frame = await track.recv()
            self.heard.append(frame.to_ndarray()[0, ::2])


@dataclass
class Called:
    """Both ends of a call, talking."""

    browser: Browser
    peer: WebRtcPeer
    told: Told
    run: asyncio.Task[None]


@asynccontextmanager
async def call(settings: PeerSettings | None = None, browser: Browser | None = None) -> AsyncIterator[Called]:
    """A call that is up; taken down on both sides at the end."""
    browser, told = browser or Browser(), Told()
    peer = WebRtcPeer(settings or PeerSettings(), loop_time_s)
    await browser.accept(await peer.answer(await browser.offer()))
    run = asyncio.create_task(peer.run(told))
    waiting = asyncio.create_task(told.is_open.wait())
    try:
        await asyncio.wait((run, waiting), return_when=asyncio.FIRST_COMPLETED)
        yield Called(browser, peer, told, run)
    finally:
        waiting.cancel()
        run.cancel()
        await asyncio.gather(run, waiting, return_exceptions=True)
        await browser.close()


async def until(condition: Any, wait_s: float = 5) -> None:
    """Returns when ``condition()`` holds."""
    async with asyncio.timeout(wait_s):
        while not condition():  # noqa: ASYNC110  # of anything
            await asyncio.sleep(0.005)
