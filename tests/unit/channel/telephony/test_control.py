"""The requests that end and hand over calls, as the carriers' documents have them."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from vivavoce.channel.telephony.control import (
    NoControl,
    PlivoAccount,
    PlivoControl,
    TelnyxAccount,
    TelnyxControl,
    TwilioAccount,
    TwilioControl,
    VonageAccount,
    VonageControl,
    nobody_speaks,
)
from vivavoce.channel.telephony.line import CallControl
from vivavoce.engine.clock import run
from vivavoce.errors import ChannelFault

PUBLIC = "https://calls.example.com"


def speech(words: str) -> str:
    return f"{PUBLIC}/speech/{len(words)}"


TWILIO_ACCOUNT = TwilioAccount("AC1", "secret")
TWILIO = TwilioControl(TWILIO_ACCOUNT, "CA/1", speech)
TELNYX_ACCOUNT = TelnyxAccount("KEY", "A1", "APP1", "http://other")
TELNYX = TelnyxControl(TELNYX_ACCOUNT, "v3:1", speech)
PLIVO_ACCOUNT = PlivoAccount("MA1", "secret")
PLIVO_MARKUP: list[str] = []


def markup(xml: str) -> str:
    PLIVO_MARKUP.append(xml)
    return f"{PUBLIC}/markup"


PLIVO = PlivoControl(PLIVO_ACCOUNT, "C1", markup, speech)


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


XML = '<?xml version="1.0" encoding="UTF-8"?>'
BLIND = XML + "<Response><Dial><Number>+1&lt;2</Number></Dial></Response>"
WARM = XML + f'<Response><Dial><Number url="{PUBLIC}/speech/12">+12</Number></Dial></Response>'
SUMMARY = "About a car."


def test_twilio(carrier: Carrier) -> None:
    run(TWILIO.hang_up())
    run(TWILIO.transfer("+1<2", ""))
    run(TWILIO.transfer("+12", SUMMARY))
    run(TWILIO.transfer("sip:desk@example.com", ""))
    url = "https://api.twilio.com/2010-04-01/Accounts/AC1/Calls/CA%2F1.json"
    assert told(carrier.asked[0]) == ("POST", url, {"Status": ["completed"]})
    assert told(carrier.asked[1])[2] == {"Twiml": [BLIND]}
    assert told(carrier.asked[2])[2] == {"Twiml": [WARM]}
    assert "<Dial><Sip>sip:desk@example.com</Sip></Dial>" in told(carrier.asked[3])[2]["Twiml"][0]
    assert basic(carrier.asked[0]) == "AC1:secret"


def test_telnyx(carrier: Carrier) -> None:
    run(TELNYX.hang_up())
    run(TELNYX.transfer("+12", ""))
    run(TELNYX.transfer("+12", SUMMARY))
    url = "http://other/v2/calls/v3%3A1/actions/"
    assert told(carrier.asked[0]) == ("POST", url + "hangup", {})
    assert told(carrier.asked[1]) == ("POST", url + "transfer", {"to": "+12"})
    texml = "http://other/v2/texml/Accounts/A1/Calls/v3%3A1"
    assert told(carrier.asked[2]) == ("POST", texml, {"Texml": [WARM]})
    assert carrier.asked[0].headers["authorization"] == "Bearer KEY"
    with pytest.raises(ChannelFault, match="account_sid"):
        run(TelnyxControl(TelnyxAccount("KEY"), "v3:1", speech).transfer("+12", SUMMARY))


def test_plivo(carrier: Carrier) -> None:
    run(PLIVO.hang_up())
    run(PLIVO.transfer("+12", ""))
    run(PLIVO.transfer("sip:desk@example.com", SUMMARY))
    url = "https://api.plivo.com/v1/Account/MA1/Call/C1/"
    assert told(carrier.asked[0])[:2] == ("DELETE", url)
    body = {"legs": "aleg", "aleg_url": f"{PUBLIC}/markup", "aleg_method": "POST"}
    assert told(carrier.asked[1]) == ("POST", url, body)
    assert [
        XML + "<Response><Dial><Number>+12</Number></Dial></Response>",
        XML + f'<Response><Dial confirmSound="{PUBLIC}/speech/12"><User>sip:desk@example.com</User></Dial></Response>',
    ] == PLIVO_MARKUP


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def vonage(key: rsa.RSAPrivateKey) -> VonageAccount:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return VonageAccount("APP", pem, lambda: 1_700_000_000.5)


def test_vonage(carrier: Carrier, key: rsa.RSAPrivateKey) -> None:
    control = VonageControl(vonage(key), "V1", speech)
    run(control.hang_up())
    for to, summary in (("+12", ""), ("+12", SUMMARY), ("sip:desk@example.com", "")):
        run(control.transfer(to, summary))
    assert told(carrier.asked[0]) == ("PUT", "https://api.nexmo.com/v1/calls/V1", {"action": "hangup"})
    endpoints = [told(asked)[2]["destination"]["ncco"][0]["endpoint"] for asked in carrier.asked[1:]]
    assert endpoints == [
        [{"type": "phone", "number": "12"}],
        [{"type": "phone", "number": "12", "onAnswer": {"url": f"{PUBLIC}/speech/12"}}],
        [{"type": "sip", "uri": "sip:desk@example.com"}],
    ]
    token = carrier.asked[0].headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, key.public_key(), algorithms=["RS256"], options={"verify_exp": False})
    assert (claims["application_id"], claims["iat"], claims["exp"]) == ("APP", 1_700_000_000, 1_700_000_060)
    with pytest.raises(ChannelFault, match="telephones alone"):
        run(control.transfer("sip:desk@example.com", SUMMARY))


@pytest.mark.parametrize("control", [TWILIO, TELNYX, PLIVO])
def test_without_a_server_nobody_speaks(carrier: Carrier, control: Any) -> None:
    mute = replace(control, speech=nobody_speaks)
    with pytest.raises(ChannelFault, match="nobody can tell"):
        run(mute.transfer("+12", SUMMARY))
    assert carrier.asked == []


def test_no_control(carrier: Carrier) -> None:
    run(NoControl().hang_up())
    with pytest.raises(ChannelFault, match="transfer_webhook"):
        run(NoControl().transfer("+12", ""))
    assert carrier.asked == []


# -- calls that are made ----------------------------------------------------------------------------------------------


def test_calls_are_made(carrier: Carrier, key: rsa.RSAPrivateKey) -> None:
    answers = {"sid": "CA7", "request_uuid": "R7", "uuid": "V7"}
    carrier.answer = httpx.Response(201, text=json.dumps(answers))
    url = f"{PUBLIC}/answer"
    accounts = (TWILIO_ACCOUNT, TELNYX_ACCOUNT, PLIVO_ACCOUNT, vonage(key))
    assert [run(account.place("+12", "+34", url)) for account in accounts] == ["CA7", "CA7", "R7", "V7"]
    twilio, telnyx, plivo, nexmo = map(told, carrier.asked)
    form = {"To": ["+12"], "From": ["+34"], "Url": [url], "Method": ["POST"]}
    assert twilio == ("POST", "https://api.twilio.com/2010-04-01/Accounts/AC1/Calls.json", form)
    texml = {"ApplicationSid": "APP1", "To": "+12", "From": "+34", "Url": url}
    assert telnyx == ("POST", "http://other/v2/texml/Accounts/A1/Calls", texml)
    xml = {"from": "+34", "to": "+12", "answer_url": url, "answer_method": "POST"}
    assert plivo == ("POST", "https://api.plivo.com/v1/Account/MA1/Call/", xml)
    ends = {"to": [{"type": "phone", "number": "12"}], "from": {"type": "phone", "number": "34"}}
    assert nexmo == ("POST", "https://api.nexmo.com/v1/calls", {**ends, "answer_url": [url], "answer_method": "POST"})


def test_telnyx_makes_calls_for_an_application(carrier: Carrier) -> None:
    with pytest.raises(ChannelFault, match="application_id"):
        run(TelnyxAccount("KEY", "A1").place("+12", "+34", PUBLIC))
    assert carrier.asked == []


@pytest.mark.parametrize("body", ["", "no JSON", "[]", '{"sid": 7}'])
def test_an_answer_that_says_nothing(carrier: Carrier, body: str) -> None:
    carrier.answer = httpx.Response(201, text=body)
    assert run(TWILIO_ACCOUNT.place("+12", "+34", PUBLIC)) == ""


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


def test_secrets_are_not_told(key: rsa.RSAPrivateKey) -> None:
    assert "secret" not in repr((TWILIO, PLIVO))
    assert "KEY" not in repr((TELNYX, vonage(key)))
