"""What a carrier fetches here when a call is handed over: what is spoken to whoever answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.unit.server.asgi import OPENED, Answer, House
from tests.unit.server.telephony.test_calls import Rest
from tests.unit.server.telephony.test_routes import PUBLIC
from vivavoce.engine.clock import run
from vivavoce.server.telephony.carrier import PAPER_S, Carrier, Exchange
from vivavoce.server.telephony.plivo import Plivo
from vivavoce.server.telephony.settings import PlivoSettings, TelnyxSettings, TwilioSettings, VonageSettings
from vivavoce.server.telephony.telnyx import Telnyx
from vivavoce.server.telephony.twilio import Twilio
from vivavoce.server.telephony.vonage import Vonage
from vivavoce.wire.telephony.line import Started

WORDS = "About <one> car."


class Server:
    """One carrier's routes, and a call of it that is to be handed over."""

    def __init__(self, make: Callable[[Exchange], Carrier]) -> None:
        self.now_s = OPENED.timestamp()
        self.house = House()
        exchange = Exchange(self.house.door.desk, PUBLIC, lambda: self.now_s, b"key")
        self.carrier = make(exchange)
        self.house.routes = self.carrier.routes()

    def transfer(self, to: str, summary: str) -> None:
        agent = b"sales".hex() if self.carrier.name == "plivo" else "sales"
        control = self.carrier._greet("", Started("S1", "C1", 8000, {"agent": agent})).control
        assert control is not None
        run(control.transfer(to, summary))

    def fetch(self, url: str, method: str = "POST") -> Answer:
        assert url.startswith(f"{PUBLIC}/v1/telephony/{self.carrier.name}/papers/")
        return self.house.ask(urlsplit(url).path, method=method)


@pytest.fixture
def rest(monkeypatch: pytest.MonkeyPatch) -> Rest:
    rest = Rest()
    monkeypatch.setattr(httpx, "AsyncClient", partial(httpx.AsyncClient, transport=httpx.MockTransport(rest)))
    return rest


def asked(rest: Rest) -> Any:
    text = rest.asked[-1].content.decode()
    return json.loads(text) if text.startswith("{") else {name: one for name, (one,) in parse_qs(text).items()}


def spoken(answer: Answer, tag: str) -> tuple[str | None, dict[str, str]]:
    assert answer.headers["content-type"].startswith("application/xml")
    (found,) = ET.fromstring(answer.body)
    assert found.tag == tag
    return found.text, found.attrib


def twilio(exchange: Exchange) -> Carrier:
    return Twilio(exchange, TwilioSettings(insecure=True, auth_token="token", account_sid="AC1"))


def telnyx(exchange: Exchange) -> Carrier:
    return Telnyx(exchange, TelnyxSettings(insecure=True, api_key="KEY", account_sid="A1"))


@pytest.mark.parametrize(("make", "field"), [(twilio, "Twiml"), (telnyx, "Texml")])
def test_twilio_and_telnyx_fetch_what_to_say(rest: Rest, make: Callable[[Exchange], Carrier], field: str) -> None:
    server = Server(make)
    server.transfer("+14155550100", WORDS)
    number = ET.fromstring(asked(rest)[field]).find("Dial/Number")
    assert number is not None
    assert number.text == "+14155550100"
    for method in ("POST", "GET", "POST"):  # a carrier may try again
        assert spoken(server.fetch(number.attrib["url"], method), "Say") == (WORDS, {"language": "en-US"})
    server.now_s += PAPER_S
    assert server.fetch(number.attrib["url"]).status == 404


def test_plivo_fetches_what_to_do_and_then_what_to_say(rest: Rest) -> None:
    own = PlivoSettings(insecure=True, auth_id="MA1", auth_token="token")
    server = Server(lambda exchange: Plivo(exchange, own))
    server.transfer("+14155550100", WORDS)
    (dial,) = ET.fromstring(server.fetch(asked(rest)["aleg_url"]).body)
    assert [(one.tag, one.text) for one in dial] == [("Number", "+14155550100")]
    assert spoken(server.fetch(dial.attrib["confirmSound"]), "Speak") == (WORDS, {"language": "en-US"})


def test_vonage_fetches_what_to_say(rest: Rest) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    coded = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    own = VonageSettings(insecure=True, application_id="APP", private_key=key.private_bytes(*coded).decode())
    server = Server(lambda exchange: Vonage(exchange, own))
    server.transfer("+14155550100", WORDS)
    (connect,) = asked(rest)["destination"]["ncco"]
    (endpoint,) = connect["endpoint"]
    answer = server.fetch(endpoint["onAnswer"]["url"], "GET")
    assert answer.headers["content-type"] == "application/json"
    assert answer.told == [{"action": "talk", "text": WORDS, "language": "en-US"}]


def test_a_blind_transfer_leaves_nothing_to_fetch(rest: Rest) -> None:
    server = Server(twilio)
    server.transfer("+14155550100", "")
    assert PUBLIC not in asked(rest)["Twiml"]
    assert server.house.ask("/v1/telephony/twilio/papers/unknown").status == 404
