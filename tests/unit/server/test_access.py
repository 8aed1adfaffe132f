"""Who gets in by which key, from which page, under which name."""

from __future__ import annotations

import pytest
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from tests.unit.server.asgi import KEY_LINE, SHOP, Answer, House
from vivavoce.server.access import authenticate, subprotocol
from vivavoce.server.keys import hash_of, new_key
from vivavoce.server.settings import KeyLine, ServerSettings

READER = "vv_reader"
KEYS = (KEY_LINE, KeyLine("reader", hash_of(READER), scopes=("calls:read",), agents=("desk",)))


async def whoami(request: HTTPConnection) -> Response:
    caller = authenticate(request)
    return JSONResponse({"name": caller.name, "agent": caller.agent, "session": caller.session_config})


async def call(websocket: WebSocket) -> None:
    authenticate(websocket)
    await websocket.accept(subprotocol(websocket))


ROUTES = (Route("/whoami", whoami), WebSocketRoute("/call", call))


def house(**settings: object) -> House:
    return House(ServerSettings(**settings), routes=ROUTES)  # type: ignore[arg-type]


KEYED = house(keys=KEYS, host="0.0.0.0")
OPEN = house()


@pytest.mark.parametrize(
    "sent",
    [{"authorization": f"Bearer {SHOP}"}, {"authorization": f"bearer  {SHOP} "}, {"api_key": SHOP}],
    ids=["bearer", "loose bearer", "azure"],
)
def test_a_key_is_known(sent: dict[str, str]) -> None:
    assert KEYED.ask("/whoami", host="voice.example", **sent).told["name"] == "shop"


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({}, 401, "missing_api_key"),
        ({"authorization": "Basic c2hvcA=="}, 401, "missing_api_key"),
        ({"authorization": f"Bearer {SHOP}x"}, 401, "invalid_api_key"),
        ({"authorization": f"Bearer {hash_of(SHOP)}"}, 401, "invalid_api_key"),
        ({"authorization": "Bearer " + "x" * 5000}, 401, "invalid_api_key"),
        ({"authorization": "Bearer ek_nonsense"}, 401, "invalid_api_key"),
        ({"authorization": f"Bearer {READER}"}, 403, "scope_missing"),
    ],
)
def test_whoever_has_no_good_key_is_told_so(sent: dict[str, str], status: int, code: str) -> None:
    answer = KEYED.ask("/whoami", **sent)
    assert (answer.status, answer.code) == (status, code)
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert SHOP not in answer.body.decode()
    refused = KEYED.knock("/call", **sent)
    assert isinstance(refused, Answer), "before the upgrade: every client tells a handshake's status"
    assert (refused.status, refused.code) == (status, code)


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        (f"realtime, openai-insecure-api-key.{SHOP}, openai-agents-sdk.0.20.0", "realtime"),
        (f"openai-insecure-api-key.{SHOP},realtime", "realtime"),
        (f"openai-insecure-api-key.{SHOP}", None),
    ],
)
def test_a_browser_sends_its_key_as_a_subprotocol(offered: str, answered: str | None) -> None:
    accepted = KEYED.knock("/call", sec_websocket_protocol=offered, origin="http://127.0.0.1:8000")
    assert isinstance(accepted, list)
    assert accepted[0] == {"type": "websocket.accept", "subprotocol": answered, "headers": []}


@pytest.mark.parametrize("key", ["", "Bearer anything", "Bearer sk-proj-123"])
def test_on_this_machine_anybody_is_let_in(key: str) -> None:
    assert OPEN.ask("/whoami", authorization=key).told["name"] == ""


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("[::1]:8000", 200),
        ("app.localhost", 200),
        ("127.9.9.9", 200),
        ("rebound.example:8000", 403),
        ("localhost.example", 403),
        ("127.0.0.1.example", 403),
        ("[", 403),
        ("", 403),
    ],
)
def test_a_name_rebound_to_this_machine_does_not_reach_a_server_without_keys(host: str, status: int) -> None:
    assert OPEN.ask("/whoami", host=host).status == status
    assert house(allowed_hosts=("rebound.example",)).ask("/whoami", host="rebound.example:8000").status == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:8000", 200),
        ("https://127.0.0.1:8000", 200),  # TLS may end before us
        ("http://127.0.0.1:9000", 403),
        ("http://127.0.0.1", 403),
        ("https://evil.example", 403),
        ("https://shop.example", 200),
        ("https://shop.example.evil.example", 403),
        ("http://shop.example", 403),
        ("null", 403),
        ("", 403),
        ("http://127.0.0.1:port", 403),
    ],
)
def test_pages_of_elsewhere_do_not_call_unless_they_may(origin: str, status: int) -> None:
    shop = house(allowed_origins=("https://shop.example",))
    assert shop.ask("/whoami", origin=origin).status == status
    assert isinstance(shop.knock("/call", origin=origin), Answer) == (status == 403)
    assert house(allowed_origins=("*",)).ask("/whoami", origin=origin).status == 200


def test_a_secret_is_good_for_calls_to_its_agent_and_dies_with_its_key() -> None:
    sent = {"authorization": f"Bearer {SHOP}"}
    session = {"type": "realtime", "model": "sales", "instructions": "Sell."}
    told = KEYED.post("/v1/realtime/client_secrets", {"session": session}, **sent).told
    secret = {"authorization": f"Bearer {told['value']}"}
    assert KEYED.ask("/whoami", **secret).told == {"name": "shop", "agent": "sales", "session": session}
    assert [model["id"] for model in KEYED.ask("/v1/models", **secret).told["data"]] == ["sales"]
    assert KEYED.post("/v1/realtime/client_secrets", {}, **secret).code == "scope_missing"
    assert OPEN.ask("/whoami", **secret).told["agent"] == "sales"
    gone = house(keys=KEYS[1:]).ask("/whoami", **secret)
    assert (gone.status, gone.code) == (401, "invalid_api_key")


def test_new_keys_differ_and_cannot_be_guessed() -> None:
    keys = {new_key() for _ in range(20)}
    assert len(keys) == 20
    assert all(key.startswith("vv_") and len(key) > 40 for key in keys)
