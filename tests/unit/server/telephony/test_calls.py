"""Orders to call: who may give them, what the carrier is asked, and how the stream that follows is tied to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.unit.server.asgi import OPENED, SHOP, Answer, House, served
from tests.unit.server.telephony.test_routes import PUBLIC, converse, markup, post_form, stream_of, twilio_signature
from vivavoce.agent.declaration import Agent
from vivavoce.errors import AgentFileError, Refused
from vivavoce.server.front import carriers
from vivavoce.server.keys import hash_of
from vivavoce.server.routing import _owner
from vivavoce.server.secrets import Ticket
from vivavoce.server.settings import KeyLine, ServerSettings
from vivavoce.server.telephony.carrier import RINGING_S, Exchange
from vivavoce.server.telephony.guests import Order
from vivavoce.server.telephony.routes import routes
from vivavoce.server.telephony.settings import (
    PlivoSettings,
    TelephonySettings,
    TelnyxSettings,
    TwilioSettings,
    VonageSettings,
)
from vivavoce.server.telephony.twilio import Twilio
from vivavoce.wire.telephony.line import Started

OTHER = "vv_other"
KEYS = (
    KeyLine("shop", hash_of(SHOP), scopes=("dial",), agents=("sales",)),
    KeyLine("other", hash_of(OTHER)),
)
SETTINGS = TelephonySettings(
    TwilioSettings(auth_token="token", account_sid="AC1"),
    TelnyxSettings(insecure=True, api_key="KEY", account_sid="A1", application_id="APP1"),
    PlivoSettings(insecure=True, auth_id="MA1", auth_token="token"),
    VonageSettings(insecure=True),
    outbound_prefixes=("+1415", "+49"),
    outbound_per_minute=3,
)
ASKED = {"to": "+14155550100", "from": "+14155550199", "agent": "sales"}


class Rest:
    """A carrier's REST interface: keeps what it is asked, and has one answer."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.answer = httpx.Response(201, json={"sid": "CA7", "request_uuid": "R7", "uuid": "V7"})

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.answer


@pytest.fixture
def rest(monkeypatch: pytest.MonkeyPatch) -> Rest:
    rest = Rest()
    monkeypatch.setattr(httpx, "AsyncClient", partial(httpx.AsyncClient, transport=httpx.MockTransport(rest)))
    return rest


def polite(variables: Mapping[str, str]) -> Agent:
    if set(variables) != {"name"}:
        raise AgentFileError('there is no variable "nmae"', where="agent.toml", hint='did you mean "name"?')
    return Agent("The sales", f"Call them {variables['name']}.")


def house(settings: TelephonySettings = SETTINGS, keys: tuple[KeyLine, ...] = KEYS, workers: int = 1) -> House:
    sales = replace(served("sales"), with_variables=polite)
    built = House(ServerSettings(keys=keys, telephony=settings), agents=(served("desk"), sales))
    key = b"key"
    built.routes = routes(
        built.door.desk, settings, public_url=PUBLIC, ticket_key=key, now=lambda: OPENED, workers=workers
    )
    return built


def order(server: House, carrier: str = "twilio", key: str = SHOP, **changed: Any) -> Answer:
    return server.post(f"/v1/telephony/{carrier}/calls", {**ASKED, **changed}, authorization=f"Bearer {key}")


def test_a_call_is_ordered_and_its_stream_tied_to_the_order(rest: Rest) -> None:
    server = house()
    told = order(server, variables={"name": "Ann"}).told
    assert {**told, "id": ""} == {**ASKED, "id": "", "carrier": "twilio", "call": "CA7"}
    asked = {name: value for name, (value,) in parse_qs(rest.asked[0].content.decode()).items()}
    url = f"{PUBLIC}/v1/telephony/twilio/answer/{told['id']}"
    assert asked == {"To": ASKED["to"], "From": ASKED["from"], "Url": url, "Method": "POST"}
    form = {"CallSid": "CA7"}
    path = urlsplit(url).path
    assert post_form(server, path, form).status == 403
    where, parameters = stream_of(post_form(server, path, form, twilio_signature(path, form)))
    assert where["url"] == f"wss://calls.example.com/v1/telephony/twilio/stream/{told['id']}"
    assert parameters["agent"] == "sales"


def test_the_others_are_ordered(rest: Rest) -> None:
    server = house()
    for carrier, call in (("telnyx", "CA7"), ("plivo", "R7")):
        told = order(server, carrier).told
        assert told["call"] == call
        asked = rest.asked[-1].content.decode()
        path = f"/v1/telephony/{carrier}/answer/{told['id']}"
        assert f'"{PUBLIC}{path}"' in asked
        answer = markup(post_form(server, path, {}))
        assert f"{carrier}/stream/{told['id']}" in (answer[0].text or "") + str([one.attrib for one in answer.iter()])


def test_vonage_is_ordered(rest: Rest) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    coded = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    vonage = VonageSettings(insecure=True, application_id="APP", private_key=key.private_bytes(*coded).decode())
    server = house(TelephonySettings(vonage=vonage, outbound_prefixes=("+",)))
    name = order(server, "vonage").told["id"]
    (action,) = server.post(f"/v1/telephony/vonage/answer/{name}", {"uuid": "V7"}).told
    (endpoint,) = action["endpoint"]
    assert endpoint["uri"].endswith(f"/v1/telephony/vonage/stream/{name}")
    assert endpoint["headers"]["uuid"] == "V7"


@pytest.mark.parametrize(
    ("carrier", "key", "changed", "status", "code"),
    [
        ("twilio", "vv_wrong", {}, 401, "invalid_api_key"),
        ("twilio", OTHER, {}, 403, "scope_missing"),
        ("twilio", SHOP, {"agent": "desk"}, 403, "agent_not_allowed"),
        ("twilio", SHOP, {"agent": "nobody"}, 404, "model_not_found"),
        ("twilio", SHOP, {"to": "4155550100"}, 400, "invalid_number"),
        ("twilio", SHOP, {"to": "+1415555<0100"}, 400, "invalid_number"),
        ("twilio", SHOP, {"from": "Ann"}, 400, "invalid_number"),
        ("twilio", SHOP, {"to": "+19005550100"}, 403, "prefix_not_allowed"),
        ("twilio", SHOP, {"variables": {"nmae": "Ann"}}, 400, "invalid_variables"),
        ("twilio", SHOP, {"variables": {"name": 1}}, 400, "invalid_value"),
        ("twilio", SHOP, {"too": "+1"}, 400, "invalid_value"),
        ("vonage", SHOP, {}, 409, "carrier_not_set_up"),
        ("asterisk", SHOP, {}, 404, "carrier_unknown"),
    ],
)
def test_what_is_refused(rest: Rest, carrier: str, key: str, changed: dict[str, Any], status: int, code: str) -> None:
    answer = order(house(), carrier, key, **changed)
    assert (answer.status, answer.code) == (status, code)
    assert rest.asked == []


def test_no_prefix_is_no_call(rest: Rest) -> None:
    answer = order(house(TelephonySettings(SETTINGS.twilio)))
    assert answer.status == 403
    assert "outbound_prefixes" in answer.told["error"]["message"]


def test_a_server_without_keys_calls_nobody(rest: Rest) -> None:
    assert order(house(keys=())).code == "missing_api_key"


def test_a_browsers_secret_calls_nobody(rest: Rest) -> None:
    server = house()
    secret = server.door.sealer.seal(Ticket("shop", "sales", {}, int(OPENED.timestamp()) + 60))
    assert order(server, key=secret).code == "scope_missing"


def test_a_server_that_ends_calls_nobody(rest: Rest) -> None:
    server = house()
    server.door.desk.admission.draining = True
    assert order(server).status == 503


@pytest.mark.parametrize(("workers", "calls"), [(1, 3), (2, 1), (8, 1)])
def test_each_key_may_make_so_many_calls_a_minute(rest: Rest, workers: int, calls: int) -> None:
    server = house(workers=workers)
    for _ in range(calls):
        assert order(server).status == 201
    answer = order(server)
    assert (answer.status, answer.code) == (429, "key_limit")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert len(rest.asked) == calls


def test_a_carrier_that_does_not_take_the_order(rest: Rest) -> None:
    rest.answer = httpx.Response(401, text="secret")
    answer = order(house())
    assert (answer.status, answer.code) == (502, "carrier_failed")
    assert "401" in answer.told["error"]["message"]
    assert "secret" not in answer.told["error"]["message"]


def test_an_answer_that_nobody_ordered_is_hung_up() -> None:
    server = house()
    path = "/v1/telephony/twilio/answer/unknown"
    assert [one.tag for one in markup(post_form(server, path, {}, twilio_signature(path, {})))] == ["Hangup"]
    assert [one.tag for one in markup(post_form(server, "/v1/telephony/plivo/answer/unknown", {}))] == ["Hangup"]
    assert server.post("/v1/telephony/vonage/answer/unknown", {}).status == 404


def test_a_stream_that_nobody_ordered_is_closed() -> None:
    start = '{"event":"start","start":{"custom_parameters":{"agent":"sales"}}}'
    assert converse(house(), "/v1/telephony/telnyx/stream/unknown", start)[-1]["code"] == 1008


def test_what_is_kept_in_one_worker_is_asked_of_that_one(rest: Rest) -> None:
    telephony = TelephonySettings(SETTINGS.twilio, outbound_prefixes=("+",))
    server = House(ServerSettings(keys=KEYS, telephony=telephony, public_url=PUBLIC, workers=3), worker=2)
    server.routes = carriers(server.door)
    name = order(server).told["id"]
    for path in ("answer", "stream", "papers"):
        assert _owner(server.scope("http", f"/v1/telephony/twilio/{path}/{name}", {})) == 2
    asked = parse_qs(rest.asked[0].content.decode())
    assert asked["Url"] == [f"{PUBLIC}/v1/telephony/twilio/answer/{name}"]


class Calls:
    """Twilio's routes, and what the media stream of an order brings."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        desk = House(agents=(served("desk"), served("sales"))).door.desk
        self.exchange = Exchange(desk, PUBLIC, lambda: self.now_s, b"key")
        assert SETTINGS.twilio is not None
        self.twilio = Twilio(self.exchange, SETTINGS.twilio)

    def started(self, call: str, ticket: str) -> Started:
        return Started("MZ1", call, 8000, {"agent": "sales", "ticket": ticket})


def test_a_ticket_is_for_its_order_and_the_order_for_one_stream() -> None:
    calls = Calls()
    agent = polite({"name": "Ann"})
    name = calls.exchange.orders.keep(Order("sales", agent), calls.now_s)
    plain = calls.twilio._tickets.issue("sales", "CA1", calls.now_s)
    with pytest.raises(Refused, match="no ticket"):
        calls.twilio._greet(name, calls.started("CA1", plain))
    own = calls.twilio._tickets.issue("sales", "CA1", calls.now_s, name)
    with pytest.raises(Refused, match="no ticket"):
        calls.twilio._greet("", calls.started("CA1", own))
    guest = calls.twilio._greet(name, calls.started("CA1", own))
    assert guest.order == Order("sales", agent)
    assert guest.control is not None
    another = calls.twilio._tickets.issue("sales", "CA1", calls.now_s, name)
    with pytest.raises(Refused, match="nobody ordered"):
        calls.twilio._greet(name, calls.started("CA1", another))


def test_an_order_is_forgotten_when_nobody_answers() -> None:
    calls = Calls()
    name = calls.exchange.orders.keep(Order("sales", polite({"name": "Ann"})), calls.now_s)
    calls.now_s += RINGING_S
    ticket = calls.twilio._tickets.issue("sales", "CA1", calls.now_s, name)
    with pytest.raises(Refused, match="nobody ordered"):
        calls.twilio._greet(name, calls.started("CA1", ticket))
