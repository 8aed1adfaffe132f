"""A cheap Nova Sonic: it speaks the protocol, and what it says is a noise with marks. In a process of its own.

_nova_endpoint.py CERTIFICATE KEY

Turn after turn it says :data:`TURN_S` of sound and is silent for :data:`PAUSE_S`. On standard input: ``reset`` forgets
the sessions that ended, ``report FILE`` writes down when which sample of whom arrived.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import ssl
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from _bedrock_endpoint import Endpoint
from _bedrock_traffic import Pace, new_loop
from _call_marks import CLAP_FROM, MARK_BYTES, mark

from vivavoce.wire.bedrock import InputFrame, RequestDecoder, encode_event
from vivavoce.wire.nova_input import PromptStart, decode
from vivavoce.wire.nova_output import (
    AudioOutputEncoder,
    CompletionStart,
    ContentEnd,
    ContentStart,
    Ids,
    OutputEvent,
    TextOutput,
    encode,
)

RATE_HZ = 24_000
PIECES_PER_S = 25
PIECE_BYTES = RATE_HZ // PIECES_PER_S * 2
TURN_S, PAUSE_S = 6.0, 0.4
_NOISE = (np.random.default_rng(1).normal(0, 1500, PIECE_BYTES // 2)).astype("<i2").tobytes()[MARK_BYTES:]
_AUDIO_INPUT = b'"audioInput"'
_CONTENT = b'"content":"'


class NovaSession:
    """What one session has heard. ``clap`` is the sample that the clap began with; ``arrivals`` are pairs of the sample
    behind the last one of an event, and when it came."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.samples = 0
        self.clap = -1
        self.arrivals: list[tuple[int, int]] = []
        self.prompt: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def hear(self, event: bytes, now_ns: int) -> None:
        if _AUDIO_INPUT not in event[:64]:
            told = decode(event)
            if isinstance(told, PromptStart) and not self.prompt.done():
                self.prompt.set_result(told.prompt)
            return
        begin = event.index(_CONTENT) + len(_CONTENT)
        end = event.index(b'"', begin)
        encoded = event[begin:end]
        if self.clap < 0:
            loud = np.flatnonzero(np.frombuffer(base64.b64decode(encoded), "<i2") > CLAP_FROM)
            if loud.size:
                self.clap = self.samples + int(loud[0])
        self.keep(encoded)
        self.samples += ((end - begin) // 4 * 3 - encoded[-2:].count(b"=")) // 2
        if self.clap >= 0:
            self.arrivals.append((self.samples, now_ns))

    def keep(self, encoded: bytes) -> None:
        """Of all sound, as it came."""

    def told(self) -> dict[str, npt.NDArray[Any]]:
        """For the report."""
        return {f"arrivals_{self.number}": np.array(self.arrivals, np.int64)} if self.arrivals else {}


sessions: list[NovaSession] = []


class NovaEndpoint(Endpoint):
    """One connection."""

    session_kind = NovaSession

    def __init__(self) -> None:
        super().__init__()
        self.sessions: dict[int, NovaSession] = {}

    def note(self, stream_id: int, data: bytes) -> None:
        decoder: RequestDecoder = self.decoders[stream_id]
        decoder.feed(data)
        now_ns = time.monotonic_ns()
        while (frame := decoder.next()) is not None:
            assert isinstance(frame, InputFrame), frame
            if frame.event is not None:
                self.session(stream_id).hear(frame.event, now_ns)

    def session(self, stream_id: int) -> NovaSession:
        found = self.sessions.get(stream_id)
        if found is None:
            found = self.sessions[stream_id] = self.session_kind(len(sessions))
            sessions.append(found)
        return found

    async def speak(self, stream_id: int) -> None:
        session = self.session(stream_id)
        ids = Ids(session=f"s{session.number}", prompt=await session.prompt, completion=f"c{session.number}")
        self.say(stream_id, ids, CompletionStart())
        turn = 0
        while True:
            turn += 1
            self.text(stream_id, ids, f"t{turn}", "SPECULATIVE")
            audio = f"a{turn}"
            self.say(
                stream_id, ids, ContentStart(content=audio, type="AUDIO", role="ASSISTANT", stage=None, rate_hz=RATE_HZ)
            )
            await self.sound(stream_id, AudioOutputEncoder(ids, audio), session)
            self.say(stream_id, ids, ContentEnd(content=audio, type="AUDIO", stop_reason="END_TURN"))
            self.text(stream_id, ids, f"f{turn}", "FINAL")
            await asyncio.sleep(PAUSE_S)

    async def sound(self, stream_id: int, encoder: AudioOutputEncoder, session: NovaSession) -> None:
        left = round(TURN_S * PIECES_PER_S * random.uniform(0.8, 1.2))
        async for _ in Pace(PIECES_PER_S):
            self.send(stream_id, encoder.encode(mark(session.number, time.monotonic_ns()) + _NOISE))
            left -= 1
            if not left:
                return

    def text(self, stream_id: int, ids: Ids, content: str, stage: str) -> None:
        self.say(stream_id, ids, ContentStart(content=content, type="TEXT", role="ASSISTANT", stage=stage))
        self.say(stream_id, ids, TextOutput(content=content, text="This is what I have to say.", role="ASSISTANT"))
        reason = "PARTIAL_TURN" if stage == "SPECULATIVE" else "END_TURN"
        self.say(stream_id, ids, ContentEnd(content=content, type="TEXT", stop_reason=reason))

    def say(self, stream_id: int, ids: Ids, event: OutputEvent) -> None:
        self.send(stream_id, encode(event, ids))

    def send(self, stream_id: int, event: bytes) -> None:
        message = encode_event(event)
        if self.h2.local_flow_control_window(stream_id) > len(message):
            self.h2.send_data(stream_id, message)
            self.flush()


def report(path: Path) -> None:
    arrays: dict[str, Any] = {}
    for one in sessions:
        arrays |= one.told()
    claps = np.array([one.clap for one in sessions], np.int64)
    np.savez(path, claps=claps, **arrays)


async def commands() -> None:
    """Do what standard input says, until it ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        command, _, argument = line.decode().strip().partition(" ")
        if command == "report":
            report(Path(argument))
        else:
            for one in sessions:
                one.arrivals.clear()
        print(json.dumps({"sessions": len(sessions)}), flush=True)


async def main(endpoint: type[NovaEndpoint], certificate: str, key: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2"])
    server = await asyncio.get_running_loop().create_server(endpoint, "127.0.0.1", 0, ssl=context, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await commands()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main(NovaEndpoint, *sys.argv[1:]))
