"""The requests that end and hand over calls, as the carriers' documents have them."""

from __future__ import annotations

import base64
import json
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from vivavoce.channel.telephony.control import PlivoControl, TelnyxControl, TwilioControl, VonageControl
from vivavoce.channel.telephony.line import CallControl
from vivavoce.engine.clock import run
from vivavoce.errors import ChannelFault

TWILIO = TwilioControl("AC1", "secret", "CA/1")
TELNYX = TelnyxControl("KEY", "v3:1", "http://other")
PLIVO = PlivoControl("MA1", "secret", "C1", "https://example.com/plivo?to={to}")


class Carrier:
    """Answers every request alike, and keeps them."""

    def __init__(self, status: int = 200, text: str = "{}") -> None:
        self.asked: list[httpx.Request] = []
        self.answer = httpx.Response(status, text=text)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.answer


@pytest.fixture
def carrier(monkeypatch: pytest.MonkeyPatch) -> Carrier:
    carrier = Carrier()
    monkeypatch.setattr(httpx, "AsyncClient", partial(httpx.AsyncClient, transport=httpx.MockTransport(carrier)))
    return carrier


def told(request: httpx.Request) -> tuple[str, str, Any]:
    text = request.content.decode()
    is_json = request.headers.get("content-type") == "application/json"
    return request.method, str(request.url), json.loads(text) if is_json else parse_qs(text)


def basic(request: httpx.Request) -> str:
    return base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()


def test_twilio(carrier: Carrier) -> None:
    run(TWILIO.hang_up())
    run(TWILIO.transfer("+1<2"))
    url = "https://api.twilio.com/2010-04-01/Accounts/AC1/Calls/CA%2F1.json"
    assert told(carrier.asked[0]) == ("POST", url, {"Status": ["completed"]})
    assert told(carrier.asked[1])[2] == {"Twiml": ["<Response><Dial>+1&lt;2</Dial></Response>"]}
    assert basic(carrier.asked[0]) == "AC1:secret"


def test_telnyx(carrier: Carrier) -> None:
    run(TELNYX.hang_up())
    run(TELNYX.transfer("+12"))
    url = "http://other/v2/calls/v3%3A1/actions/"
    assert told(carrier.asked[0]) == ("POST", url + "hangup", {})
    assert told(carrier.asked[1]) == ("POST", url + "transfer", {"to": "+12"})
    assert carrier.asked[0].headers["authorization"] == "Bearer KEY"


def test_plivo(carrier: Carrier) -> None:
    run(PLIVO.hang_up())
    run(PLIVO.transfer("+12"))
    url = "https://api.plivo.com/v1/Account/MA1/Call/C1/"
    assert told(carrier.asked[0])[:2] == ("DELETE", url)
    body = {"legs": "aleg", "aleg_url": "https://example.com/plivo?to=%2B12"}
    assert told(carrier.asked[1]) == ("POST", url, body)
    with pytest.raises(ChannelFault, match="none is set"):
        run(PlivoControl("MA1", "secret", "C1").transfer("+12"))


def test_vonage(carrier: Carrier) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    control = VonageControl("APP", pem, "V1", lambda: 1_700_000_000.5)
    run(control.hang_up())
    run(control.transfer("+12"))
    assert told(carrier.asked[0]) == ("PUT", "https://api.nexmo.com/v1/calls/V1", {"action": "hangup"})
    ncco = [{"action": "connect", "endpoint": [{"type": "phone", "number": "12"}]}]
    assert told(carrier.asked[1])[2] == {"action": "transfer", "destination": {"type": "ncco", "ncco": ncco}}
    token = carrier.asked[0].headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, key.public_key(), algorithms=["RS256"], options={"verify_exp": False})
    assert (claims["application_id"], claims["iat"], claims["exp"]) == ("APP", 1_700_000_000, 1_700_000_060)


@pytest.mark.parametrize(
    ("control", "status", "text"),
    [
        (TWILIO, 404, '{"code": 20404}'),
        (TELNYX, 422, '{"errors": [{"code": "90018", "title": "Call has already ended"}]}'),
        (PLIVO, 404, ""),
        (PLIVO, 204, ""),
    ],
)
def test_a_call_that_is_over_is_no_fault(carrier: Carrier, control: CallControl, status: int, text: str) -> None:
    carrier.answer = httpx.Response(status, text=text)
    run(control.hang_up())
    assert len(carrier.asked) == 1


@pytest.mark.parametrize(("control", "status"), [(TWILIO, 401), (TELNYX, 422), (PLIVO, 500)])
def test_other_answers_are(carrier: Carrier, control: CallControl, status: int) -> None:
    carrier.answer = httpx.Response(status, text="secret")
    with pytest.raises(ChannelFault, match=f"status {status}") as raised:
        run(control.hang_up())
    assert "secret" not in str(raised.value)


def test_no_answer_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("too slow")

    monkeypatch.setattr(httpx, "AsyncClient", partial(httpx.AsyncClient, transport=httpx.MockTransport(breaks)))
    with pytest.raises(ChannelFault, match="ConnectTimeout"):
        run(TWILIO.hang_up())


def test_secrets_are_not_told() -> None:
    assert "secret" not in repr((TWILIO, PLIVO))
    assert "KEY" not in repr(TELNYX)
