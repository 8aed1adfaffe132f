"""A call that the server makes, and that its agent hands over: from the order to the last of the stream, at real time
and over sockets. Twilio is :class:`Twilio` and a phone, both written from its documents; Twilio itself was not called.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

import httpx
import pytest

from tests.contract.phones import serving
from tests.contract.test_twilio_frames import PARAMETER, TOKEN, asked, streaming
from vivavoce.agent.declaration import CallControl, Destination
from vivavoce.events import CallerConnected, CloseCall, Disposition, Evidence, PlayoutProgress
from vivavoce.model.scripted import Say, Script, Step, UseTool, When
from vivavoce.server.keys import hash_of
from vivavoce.server.settings import KeyLine
from vivavoce.server.telephony.settings import TelephonySettings, TwilioSettings
from vivavoce.timeline.read import read_timeline

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

KEY = "vv_reminders"
SUMMARY = "About an oil change."
CONTROL = CallControl(transfer=(Destination("service", "+14155550111", warm=True),))
SCRIPT = Script(
    step=(
        Step(when=When.SPEAK, say=Say(ms=500)),
        Step(when=When.TEXT, say=Say(text="I am putting you through.", ms=600)),
        Step(tool=UseTool(name="transfer_call", arguments={"destination": "service", "summary": SUMMARY})),
    )
)


class Twilio(ThreadingHTTPServer):
    """Its REST interface: keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def settings(self) -> TelephonySettings:
        twilio = TwilioSettings(auth_token=TOKEN, account_sid="AC1", api_url=self.url)
        return TelephonySettings(twilio, outbound_prefixes=("+1415",))


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Twilio)
        form = dict(parse_qsl(self.rfile.read(int(self.headers["content-length"])).decode()))
        self.server.asked.append((self.path, form))
        body = b'{"sid": "CA7", "status": "queued"}'
        self.send_response(201)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def on_loopback() -> Iterator[Twilio]:
    with Twilio() as twilio:
        thread = threading.Thread(target=twilio.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield twilio
        finally:
            twilio.shutdown()
            thread.join()


async def order(base: str) -> dict[str, str]:
    told = {"to": "+14155550100", "from": "+14155550199", "agent": "desk"}
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            f"http://{base}/v1/telephony/twilio/calls", json=told, headers={"authorization": f"Bearer {KEY}"}
        )
    assert answer.status_code == 201
    return dict(answer.json())


def test_a_call_that_is_made_and_handed_over(tmp_path: Path) -> None:
    async def call(twilio: Twilio) -> str:
        keys = (KeyLine("reminders", hash_of(KEY), scopes=("dial",)),)
        async with serving(tmp_path, twilio.settings(), SCRIPT, keys=keys, control=CONTROL) as base:
            ordered = await order(base)
            assert ordered["call"] == "CA7"
            (path, form), *_ = twilio.asked
            assert (path, form["To"]) == ("/2010-04-01/Accounts/AC1/Calls.json", "+14155550100")
            twiml = await asked(form["Url"], {"CallSid": "CA7", "Direction": "outbound-api"})
            (stream,) = ET.fromstring(twiml).iter("Stream")
            async with streaming(stream.attrib["url"], dict(PARAMETER.findall(twiml)), "CA7") as phone:
                await phone.has_heard(500)
                await phone.send("dtmf", dtmf={"track": "inbound_track", "digit": "#"})
                await asyncio.wait_for(phone.socket.wait_closed(), 10)
                assert not phone.marks, "it was handed over before the caller had heard so"
                assert len(phone.heard) >= 8 * 1100
            (number,) = ET.fromstring(twilio.asked[1][1]["Twiml"]).iter("Number")
            assert number.text == "+14155550111"
            return await asked(number.attrib["url"], {})

    with on_loopback() as twilio:
        whisper = asyncio.run(call(twilio))
        assert [path for path, _ in twilio.asked[1:]] == ["/2010-04-01/Accounts/AC1/Calls/CA7.json"]
    assert ET.fromstring(whisper)[0].text == SUMMARY
    (folder,) = tmp_path.iterdir()
    values = [line.value for line in read_timeline(folder / "timeline.jsonl").lines]
    assert [value.disposition for value in values if isinstance(value, CloseCall)] == [Disposition.TRANSFERRED]
    assert {value.evidence for value in values if isinstance(value, PlayoutProgress)} == {Evidence.MARK}
    assert len([value for value in values if isinstance(value, CallerConnected)]) == 1
