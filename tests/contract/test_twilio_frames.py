"""A call through Twilio's frames at real time, from the webhook to the hang-up, over sockets and with recorded speech.

The other side is :class:`Phone`, some thirty lines of what Twilio's documents say that Twilio does. Twilio itself was
not called.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedOK, InvalidStatus

from tests.contract.phones import serving
from vivavoce.audio.files import read_audio
from vivavoce.audio.g711 import ulaw_decode, ulaw_encode
from vivavoce.audio.level import rms_dbfs
from vivavoce.audio.resample import resample
from vivavoce.engine.clock import loop_time_s
from vivavoce.events import CallerPressed, CallerTranscribed, PlayoutStopped
from vivavoce.model.scripted import End, Hear, Say, Script, Step, When
from vivavoce.server.telephony.settings import TelephonySettings, TwilioSettings
from vivavoce.timeline.read import read_timeline

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

TOKEN = "the account's auth token"
PARAMETER = re.compile(r'<Parameter name="(\w+)" value="(\w+)"/>')
SETTINGS = TelephonySettings(twilio=TwilioSettings(auth_token=TOKEN))
SPEECH = Path(__file__).parents[2] / "src" / "vivavoce" / "demo" / "caller"
SCRIPT = Script(
    step=(
        Step(when=When.SPEAK, say=Say(ms=800)),
        Step(when=When.CALLER_STOPS, wait_ms=100, hear=Hear(text="have you time on saturday")),
        Step(say=Say(text="Let me read you all of our hours.", ms=6000)),
        Step(when=When.CALLER_STOPS, wait_ms=100, hear=Hear(text="yes")),
        Step(say=Say(text="Then press a key.", ms=600)),
        Step(when=When.TEXT, say=Say(text="Goodbye.", ms=400)),
        Step(end=End()),
    )
)


def signed(url: str, form: dict[str, str]) -> dict[str, str]:
    text = url + "".join(name + form[name] for name in sorted(form))
    digest = hmac.new(TOKEN.encode(), text.encode(), "sha1").digest()
    return {"x-twilio-signature": base64.b64encode(digest).decode()}


class Phone:
    """Twilio and the caller behind it: 20 ms each way, marks when they are played, all of them at a clear."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket, self.heard, self.cleared, self.played_s = socket, b"", 0, 0.0
        self.saying: list[bytes] = []
        self.marks: list[tuple[float, str]] = []
        self.began_s, self.count, self.changed = loop_time_s(), 0, asyncio.Event()

    async def send(self, event: str, **rest: Any) -> None:
        self.count += 1
        await self.socket.send(
            json.dumps({"event": event, "sequenceNumber": str(self.count), "streamSid": "MZ1", **rest})
        )

    async def talk(self) -> None:
        for frame in range(100_000):
            await asyncio.sleep(self.began_s + frame * 0.02 - loop_time_s())
            payload = base64.b64encode(self.saying.pop(0) if self.saying else b"\xff" * 160).decode()
            await self.send("media", media={"track": "inbound", "timestamp": str(frame * 20), "payload": payload})
            while self.marks and self.marks[0][0] <= loop_time_s():
                await self.send("mark", mark={"name": self.marks[0][1]})
                self.marks.pop(0)
                self.changed.set()

    async def listen(self) -> None:
        async for message in self.socket:
            frame, now_s = json.loads(message), loop_time_s()
            assert frame["streamSid"] == "MZ1"
            if frame["event"] == "media":
                audio = base64.b64decode(frame["media"]["payload"], validate=True)
                assert len(audio) % 160 == 0
                self.heard += audio
                self.played_s = max(now_s, self.played_s) + len(audio) / 8000
            elif frame["event"] == "mark":
                self.marks.append((self.played_s, frame["mark"]["name"]))
            else:
                assert frame["event"] == "clear"
                self.cleared += 1
                self.heard = self.heard[: len(self.heard) - max(0, round((self.played_s - now_s) * 8000))]
                self.played_s, self.marks = now_s, [(0, name) for _, name in self.marks]
            self.changed.set()

    def say(self, file: str) -> None:
        recording = read_audio(SPEECH / file)
        spoken = ulaw_encode(resample(recording.pcm, recording.rate_hz, 8000))
        self.saying = [spoken[at : at + 160].ljust(160, b"\xff") for at in range(0, len(spoken), 160)]

    async def until(self, found: Callable[[], bool]) -> None:
        async with asyncio.timeout(15):
            while not found():
                self.changed.clear()
                await self.changed.wait()

    async def has_heard(self, ms: int) -> None:
        """So much of the agent was played, and said to be."""
        await self.until(lambda: len(self.heard) >= ms * 8 and not self.marks)


async def parameters(base: str) -> dict[str, str]:
    """What Twilio finds in the TwiML that the webhook answers."""
    twiml = await asked(f"http://{base}/twilio/voice/desk", {"CallSid": "CA1", "From": "+15550100"})
    assert f'url="ws://{base}/twilio/stream"' in twiml
    return dict(PARAMETER.findall(twiml))


async def asked(url: str, form: dict[str, str]) -> str:
    """What the server answers to Twilio."""
    async with httpx.AsyncClient() as client:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        answer = await client.post(url, content=urlencode(form), headers={**signed(url, form), **kind})
    assert answer.status_code == 200
    return answer.text


async def until_closed(talk: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(ConnectionClosedOK):
        await talk


@asynccontextmanager
async def calling(base: str) -> AsyncIterator[Phone]:
    async with streaming(f"ws://{base}/twilio/stream", await parameters(base), "CA1") as phone:
        yield phone


@asynccontextmanager
async def streaming(url: str, told: dict[str, str], call: str) -> AsyncIterator[Phone]:
    async with connect(url, additional_headers=signed(url, {}), compression=None) as socket:
        phone = Phone(socket)
        await socket.send('{"event":"connected","protocol":"Call","version":"1.0.0"}')
        media_format = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
        start = {"accountSid": "AC1", "callSid": call, "tracks": ["inbound"], "mediaFormat": media_format}
        await phone.send("start", start={**start, "customParameters": told})
        async with asyncio.TaskGroup() as tasks:
            talking = tasks.create_task(until_closed(phone.talk()))
            listening = tasks.create_task(phone.listen())
            yield phone
            talking.cancel()
            listening.cancel()


def test_a_whole_call(tmp_path: Path) -> None:
    async def call() -> Phone:
        async with serving(tmp_path, SETTINGS, SCRIPT) as base, calling(base) as phone:
            await phone.has_heard(800)
            phone.say("02-saturday.flac")
            await phone.until(lambda: len(phone.heard) > 8 * 800 + 8 * 2000)  # into the long answer
            phone.say("07-yes.flac")
            await phone.until(lambda: phone.cleared > 0)
            cut = len(phone.heard)
            await phone.has_heard(cut // 8 + 600)
            for digit in "42#":
                await phone.send("dtmf", dtmf={"track": "inbound_track", "digit": digit})
            await phone.has_heard(cut // 8 + 600 + 400)
            await asyncio.wait_for(phone.socket.wait_closed(), 5)
            return phone

    phone = asyncio.run(call())
    assert phone.socket.close_code == 1000
    assert phone.cleared == 1
    pcm = ulaw_decode(phone.heard)
    assert rms_dbfs(pcm[1600:12_000]) == pytest.approx(-33, abs=1), "a tone whose peak is at -30"
    spectrum = np.abs(np.fft.rfft(np.frombuffer(pcm, "<i2")[:4000]))
    assert int(spectrum.argmax()) * 2 == pytest.approx(220, abs=4)
    (folder,) = tmp_path.iterdir()
    lines = read_timeline(folder / "timeline.jsonl").lines
    values = [line.value for line in lines]
    assert [value.digits for value in values if isinstance(value, CallerPressed)] == ["42#"]
    assert len({value.text for value in values if isinstance(value, CallerTranscribed)}) == 2
    (stopped,) = [value for value in values if isinstance(value, PlayoutStopped)]
    # What was heard of the answer by the phone's own account: to within the two sides' wait for each other.
    played = len(phone.heard) - 8 * (800 + 600 + 400)
    assert abs(stopped.played - played) < 8 * 300
    assert 500 * 8 < stopped.played < 5500 * 8


@pytest.mark.parametrize("headers", [{}, {"x-twilio-signature": "AAAA"}, signed("wss://127.0.0.1/twilio/stream", {})])
def test_nobody_else_opens_a_stream(tmp_path: Path, headers: dict[str, str]) -> None:
    async def call() -> int:
        async with serving(tmp_path, SETTINGS, SCRIPT) as base:
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"ws://{base}/twilio/stream", additional_headers=headers)
            return refused.value.response.status_code

    assert asyncio.run(call()) == 403
    assert list(tmp_path.iterdir()) == []
