"""What the carriers' routes answer: markup for a call that is taken, busy for one that is not, 403 for strangers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import jwt
import pytest
from starlette.types import Message

from tests.unit.channel.telephony.carriers import Plivo, Telnyx, Twilio, Vonage
from tests.unit.server.asgi import OPENED, Answer, House
from vivavoce.engine.clock import run
from vivavoce.errors import SetupFault
from vivavoce.server.application import application
from vivavoce.server.telephony.routes import routes
from vivavoce.server.telephony.settings import (
    AsteriskSettings,
    PlivoSettings,
    TelephonySettings,
    TelnyxSettings,
    TwilioSettings,
    VonageSettings,
)

PUBLIC = "https://calls.example.com"
SECRET = "a signature secret of more than 32 bytes, as they are"
SIGNED = TelephonySettings(
    TwilioSettings(auth_token="token"),
    TelnyxSettings(public_key="A" * 43 + "="),
    PlivoSettings(auth_token="token"),
    VonageSettings(signature_secret=SECRET),
    AsteriskSettings(password="pass"),
)
OPEN = TelephonySettings(
    TwilioSettings(insecure=True),
    TelnyxSettings(insecure=True),
    PlivoSettings(insecure=True),
    VonageSettings(insecure=True),
    AsteriskSettings(insecure=True),
)
UNSET = TelephonySettings(TwilioSettings(), TelnyxSettings(), PlivoSettings(), VonageSettings(), AsteriskSettings())


def house(settings: TelephonySettings) -> House:
    built = House()
    public_url = PUBLIC + "/voice/" if settings is OPEN else PUBLIC
    built.routes = routes(built.door.desk, settings, public_url=public_url, ticket_key=b"key", now=lambda: OPENED)
    return built


def post_form(server: House, path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    return server.send(path, "POST", urlencode(form).encode(), {**kind, **(headers or {})})


def twilio_signature(path: str, form: Mapping[str, str], scheme: str = "https") -> dict[str, str]:
    text = f"{scheme}://calls.example.com{path}" + "".join(name + form[name] for name in sorted(form))
    return {"x-twilio-signature": base64.b64encode(hmac.new(b"token", text.encode(), "sha1").digest()).decode()}


def markup(answer: Answer) -> ET.Element:
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/xml")
    return ET.fromstring(answer.body)


def stream_of(answer: Answer) -> tuple[dict[str, str], dict[str, str]]:
    """The attributes and the parameters of the stream."""
    found = markup(answer).find(".//Stream")
    assert found is not None
    return found.attrib, {one.attrib["name"]: one.attrib["value"] for one in found}


# -- the webhooks -----------------------------------------------------------------------------------------------------


def test_twilio_is_connected() -> None:
    server = house(SIGNED)
    form = {"CallSid": "CA1", "From": "+1"}
    answer = post_form(server, "/twilio/voice/sales", form, twilio_signature("/twilio/voice/sales", form))
    where, told = stream_of(answer)
    assert where == {"url": "wss://calls.example.com/twilio/stream", "statusCallback": f"{PUBLIC}/twilio/status"}
    assert told["agent"] == "sales"
    assert re.fullmatch("[0-9a-f]{56}", told["ticket"])
    assert [one.tag for one in markup(answer)] == ["Connect", "Hangup"]
    got = server.send("/twilio/voice?CallSid=CA1", "GET", b"", twilio_signature("/twilio/voice?CallSid=CA1", {}))
    assert stream_of(got)[1]["agent"] == ""


def test_the_others_are_connected() -> None:
    server = house(OPEN)
    where, told = stream_of(post_form(server, "/telnyx/voice/sales", {"CallSid": "v3:1"}))
    assert where["url"] == "wss://calls.example.com/voice/telnyx/stream"
    assert (where["bidirectionalMode"], where["bidirectionalCodec"], told["agent"]) == ("rtp", "PCMU", "sales")
    plivo = markup(post_form(server, "/plivo/voice/sales", {"CallUUID": "C1"})).find("Stream")
    assert plivo is not None
    assert plivo.text == "wss://calls.example.com/voice/plivo/stream"
    assert (plivo.attrib["bidirectional"], plivo.attrib["keepCallAlive"]) == ("true", "true")
    assert re.fullmatch("agent=73616c6573;ticket=[0-9a-f]{56}", plivo.attrib["extraHeaders"])
    (action,) = server.ask("/vonage/voice/sales?uuid=V1").told
    (endpoint,) = action["endpoint"]
    assert endpoint["uri"] == "wss://calls.example.com/voice/vonage/stream"
    assert (endpoint["content-type"], endpoint["headers"]["uuid"]) == ("audio/l16;rate=16000", "V1")
    assert len(json.dumps(endpoint["headers"])) <= 512


def test_a_call_that_is_not_taken_is_told_in_the_carriers_way() -> None:
    server = house(OPEN)
    assert markup(post_form(server, "/twilio/voice/nobody", {}))[0].attrib == {}
    assert markup(post_form(server, "/plivo/voice/nobody", {}))[0].attrib == {"reason": "rejected"}
    assert server.ask("/vonage/voice/nobody").status == 404
    server.door.desk.admission.draining = True
    for carrier, tag in (("twilio", "Reject"), ("telnyx", "Reject"), ("plivo", "Hangup")):
        (turned_away,) = markup(post_form(server, f"/{carrier}/voice", {}))
        assert (turned_away.tag, turned_away.attrib) == (tag, {"reason": "busy"})
    assert server.ask("/vonage/voice").status == 503


@pytest.mark.parametrize("settings", [SIGNED, UNSET])
@pytest.mark.parametrize("carrier", ["twilio", "telnyx", "plivo", "vonage"])
@pytest.mark.parametrize("route", ["voice", "status"])
def test_strangers_are_turned_away(settings: TelephonySettings, carrier: str, route: str) -> None:
    assert post_form(house(settings), f"/{carrier}/{route}", {"CallSid": "CA1"}).status == 403


def test_vonage_and_plivo_are_let_in() -> None:
    server = house(SIGNED)
    token = jwt.encode({"iat": OPENED.timestamp()}, SECRET, algorithm="HS256")
    assert server.ask("/vonage/voice?uuid=V1", authorization=f"Bearer {token}").status == 200
    body = b'{"uuid":"V1"}'
    claims = {"iat": OPENED.timestamp(), "payload_hash": hashlib.sha256(body).hexdigest()}
    token = jwt.encode(claims, SECRET, algorithm="HS256")
    answer = server.send("/vonage/voice", "POST", body, {"authorization": f"Bearer {token}"})
    assert answer.told[0]["endpoint"][0]["headers"]["uuid"] == "V1"
    text = f"{PUBLIC}/plivo/voice?CallUUIDC1.7"
    signature = base64.b64encode(hmac.new(b"token", text.encode(), "sha256").digest()).decode()
    headers = {"x-plivo-signature-v3": signature, "x-plivo-signature-v3-nonce": "7"}
    assert post_form(server, "/plivo/voice", {"CallUUID": "C1"}, headers).status == 200


def test_reports_of_streams_are_taken() -> None:
    server = house(SIGNED)
    form = {"StreamEvent": "stream-error", "StreamError": "unreachable"}
    assert post_form(server, "/twilio/status", form, twilio_signature("/twilio/status", form)).status == 204
    assert post_form(house(OPEN), "/telnyx/status", {}).status == 204


def test_a_body_or_a_form_that_is_too_long() -> None:
    server = house(OPEN)
    assert server.send("/twilio/voice", "POST", b"a" * 70_000, {}).status == 413
    assert post_form(server, "/twilio/voice", {str(n): "" for n in range(300)}).status == 400


# -- the streams ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [SIGNED, UNSET])
@pytest.mark.parametrize("path", ["/twilio/stream", "/plivo/stream", "/asterisk"])
def test_strangers_open_no_stream(settings: TelephonySettings, path: str) -> None:
    answer = house(settings).knock(path)
    assert isinstance(answer, Answer)
    assert answer.status == 403
    answer = house(settings).knock(path, authorization="Basic eDp5", x_twilio_signature="x", x_plivo_signature_v3="x")
    assert isinstance(answer, Answer)
    assert answer.status == 403


def accepted(answer: Answer | list[Message]) -> bool:
    return isinstance(answer, list) and answer[0]["type"] == "websocket.accept"


def test_the_carriers_open_theirs() -> None:
    server = house(SIGNED)
    assert accepted(server.knock("/twilio/stream", **twilio_signature("/twilio/stream", {}, "wss")))
    assert not accepted(server.knock("/twilio/stream", **twilio_signature("/twilio/stream", {}, "https")))
    assert accepted(
        server.knock("/asterisk?agent=desk", authorization="Basic " + base64.b64encode(b"asterisk:pass").decode())
    )
    for scheme in ("wss", "https"):
        text = f"{scheme}://calls.example.com:443/plivo/stream.7"
        signature = base64.b64encode(hmac.new(b"token", text.encode(), "sha256").digest()).decode()
        assert accepted(server.knock("/plivo/stream", x_plivo_signature_v3=signature, x_plivo_signature_v3_nonce="7"))


def converse(server: House, path: str, *messages: str, headers: Mapping[str, str] | None = None) -> list[Message]:
    """What is sent to a carrier that opens a stream, says this, and then waits."""
    sent: list[Message] = []
    incoming: list[Any] = [{"type": "websocket.connect"}]
    incoming += [{"type": "websocket.receive", "text": message} for message in messages]

    async def receive() -> Message:
        return incoming.pop(0) if incoming else {"type": "websocket.disconnect", "code": 1006}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = server.scope("websocket", path, headers or {}, extensions={}, subprotocols=["media"])
    run(application(server.door, server.routes)(scope, receive, send), virtual=True)
    return sent


@pytest.mark.parametrize(("path", "side"), [("/telnyx", Telnyx), ("/vonage", Vonage), ("/twilio", Twilio)])
def test_a_stream_without_its_ticket_is_closed(path: str, side: type[Telnyx | Vonage | Twilio]) -> None:
    headers = twilio_signature("/twilio/stream", {}, "wss")
    start = [str(message) for message in side().start()]
    assert converse(house(SIGNED), path + "/stream", *start, headers=headers)[-1] == {
        "type": "websocket.close",
        "code": 1008,
        "reason": "ticket_invalid",
    }


def test_a_stream_is_refused_while_the_server_is_full_or_has_no_such_agent() -> None:
    server = house(OPEN)
    unknown = '{"event":"start","start":{"customParameters":{"agent":"nobody"}}}'
    assert converse(server, "/twilio/stream", unknown)[-1]["code"] == 1008
    server.door.desk.admission.draining = True
    known = '{"event":"start","start":{"customParameters":{"agent":"sales"}}}'
    assert converse(server, "/twilio/stream", known)[-1]["code"] == 1013


def test_a_stream_that_does_not_begin() -> None:
    server = house(OPEN)
    assert converse(server, "/twilio/stream", *["{}"] * 3)[-1]["code"] == 1002
    assert converse(server, "/telnyx/stream", *['{"event":"connected"}'] * 30)[-1]["code"] == 1002
    assert converse(server, "/twilio/stream", " " * 70_000)[-1]["code"] == 1009
    unusable = '{"event":"start","start":{"mediaFormat":{"encoding":"audio/opus"}}}'
    assert converse(server, "/twilio/stream", unusable)[-1]["code"] == 1002
    assert converse(server, "/plivo/stream", str(Plivo().start()[0]))[-1]["code"] == 1008


def test_asterisk_is_offered_its_subprotocol() -> None:
    assert converse(house(OPEN), "/asterisk")[0]["subprotocol"] == "media"


@pytest.mark.parametrize(
    "address", ["", "calls.example.com", "ftp://x", "https://", "https://x?y", "https://[x", "https://u@x"]
)
def test_a_public_address_that_is_none(address: str) -> None:
    with pytest.raises(SetupFault, match="public address"):
        routes(House().door.desk, OPEN, public_url=address, ticket_key=b"key")
