"""A short call from each carrier's side through the server's sockets, at real time. No carrier was called."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.contract.phones import serving
from tests.unit.channel.telephony.carriers import (
    Asterisk,
    AsteriskInJson,
    Carrier,
    Dialect,
    Plivo,
    Telnyx,
    Twilio,
    Vonage,
)
from vivavoce.audio.pcm import samples_in
from vivavoce.events import CallerPressed
from vivavoce.model.scripted import End, Say, Script, Step, When
from vivavoce.server.telephony.settings import (
    AsteriskSettings,
    PlivoSettings,
    TelephonySettings,
    TelnyxSettings,
    TwilioSettings,
    VonageSettings,
)
from vivavoce.timeline.read import read_timeline

pytestmark = [pytest.mark.slow, pytest.mark.timeout(15)]

OPEN = TelephonySettings(
    twilio=TwilioSettings(insecure=True),
    telnyx=TelnyxSettings(insecure=True),
    plivo=PlivoSettings(insecure=True),
    vonage=VonageSettings(insecure=True),
    asterisk=AsteriskSettings(insecure=True),
)
SCRIPT = Script(
    step=(
        Step(when=When.SPEAK, say=Say(ms=400)),
        Step(when=When.TEXT, say=Say(text="Goodbye.", ms=200)),
        Step(end=End()),
    )
)


class ToPlivo(Plivo):
    """The agent's name is told in hex there."""

    def start(self) -> list[str | bytes]:
        return [str(message).replace("agent: a1", f"agent: {b'desk'.hex()}") for message in super().start()]


def of_desk(message: str | bytes) -> str | bytes:
    return message.replace('"a1"', '"desk"') if isinstance(message, str) else message


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        ("/twilio/stream", Twilio),
        ("/telnyx/stream", Telnyx),
        ("/plivo/stream", ToPlivo),
        ("/vonage/stream", Vonage),
        ("/asterisk?agent=desk", Asterisk),
        ("/asterisk?agent=desk", AsteriskInJson),
    ],
)
def test_a_short_call(tmp_path: Path, path: str, dialect: type[Dialect]) -> None:
    async def call() -> int:
        carrier = Carrier(dialect())
        offered = [Subprotocol("media")] if dialect in (Asterisk, AsteriskInJson) else None
        async with serving(tmp_path, OPEN, SCRIPT) as base:
            async with connect(f"ws://{base}{path}", subprotocols=offered, compression=None) as socket:
                for message in carrier.dialect.start():
                    await socket.send(of_desk(message))
                speaking = asyncio.create_task(speak(carrier, socket))
                try:
                    await listen(carrier, socket)
                finally:
                    speaking.cancel()
                    await asyncio.wait([speaking])
            assert socket.subprotocol == (offered and offered[0])
            assert socket.close_code == 1000
            await carrier.close()
            return samples_in(carrier.heard)

    assert asyncio.run(call()) >= dialect.rate_hz * 590 // 1000
    (folder,) = tmp_path.iterdir()
    lines = read_timeline(folder / "timeline.jsonl").lines
    assert [line.value.digits for line in lines if isinstance(line.value, CallerPressed)] == ["1#"]


async def speak(carrier: Carrier, socket: ClientConnection) -> None:
    carrier._plan_tick()
    while (message := await carrier.receive()) is not None:
        await socket.send(message)


async def listen(carrier: Carrier, socket: ClientConnection) -> None:
    """Until the server closes. When the greeting was heard, keys are pressed."""
    async for message in socket:
        if not carrier.sent:
            loop = asyncio.get_running_loop()
            loop.call_later(0.5, carrier.press, "1")
            loop.call_later(0.5, carrier.press, "#")
        await carrier.send(message)
