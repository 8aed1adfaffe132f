"""What the routes that are no calls answer, and how errors are told."""

from __future__ import annotations

import re

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.unit.server.asgi import KEY_LINE, OPENED, SHOP, House
from vivavoce.errors import UsageError
from vivavoce.server.keys import hash_of
from vivavoce.server.settings import KeyLine, Limits, ServerSettings

SECRETS = "/v1/realtime/client_secrets"


def test_health_and_readiness_need_no_key() -> None:
    house = House(ServerSettings(keys=(KEY_LINE,)))
    assert house.ask("/healthz", host="anything").status == 200
    ready = house.ask("/readyz")
    assert (ready.status, ready.told) == (
        200,
        {"ready": True, "reason": None, "live_calls": 0, "max_calls": 50, "lag_p99_ms": 0.0},
    )
    house.door.desk.admission.draining = True
    ending = house.ask("/readyz")
    assert (ending.status, ending.told["reason"]) == (503, "server_draining")
    assert house.ask("/healthz").status == 200


def test_agents_are_listed_to_those_who_may_call_them() -> None:
    assert [model["id"] for model in House().ask("/v1/models").told["data"]] == ["desk", "sales"]
    told = House().ask("/v1/agents").told["data"][0]
    assert told == {"id": "desk", "object": "agent", "name": "The desk", "language": "en-US", "models": ["scripted"]}
    one = House(ServerSettings(keys=(KeyLine("one", hash_of("vv_one"), agents=("sales",)),)))
    assert [model["id"] for model in one.ask("/v1/models", api_key="vv_one").told["data"]] == ["sales"]


def test_a_secret_is_told_as_openai_tells_it() -> None:
    told = House().post(SECRETS, {"session": {"type": "realtime", "audio": {"output": {"voice": "amy"}}}}).told
    assert set(told) == {"value", "expires_at", "session"}
    assert told["value"].startswith("ek_")
    assert told["expires_at"] == int(OPENED.timestamp()) + 600
    session = told["session"]
    assert re.fullmatch(r"sess_[0-9a-f]{24}", session.pop("id"))
    told_first = (session["object"], session["type"], session["model"], session["audio"]["output"]["voice"])
    assert told_first == ("realtime.session", "realtime", "desk", "amy")
    assert session["output_modalities"] == ["audio"], "the whole of it, as it will be in effect"
    asked = {"expires_after": {"anchor": "created_at", "seconds": 10}}
    assert House().post(SECRETS, asked).told["expires_at"] == int(OPENED.timestamp()) + 10
    assert House().post(SECRETS, b"").status == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        (b"[]", 400, "invalid_json"),
        (b"[" * 5000, 400, "invalid_json"),
        (b'{"sessions": {}}', 400, "unknown_parameter"),
        (b'{"session": []}', 400, "invalid_value"),
        (b'{"session": {"type": "chat"}}', 400, "invalid_value"),
        (b'{"session": {"model": 5}}', 400, "invalid_value"),
        (b'{"session": {"audio": {"output": {"speed": 2}}}}', 400, "invalid_value"),
        (b'{"session": {"temperature": 1}}', 400, "unknown_parameter"),
        (b'{"session": {"model": "nobody"}}', 404, "model_not_found"),
        (b'{"expires_after": 5}', 400, "invalid_value"),
        (b'{"expires_after": {"anchor": "birth"}}', 400, "invalid_value"),
        (b'{"expires_after": {"seconds": 9}}', 400, "invalid_value"),
        (b'{"expires_after": {"seconds": 7201}}', 400, "invalid_value"),
        (b'{"expires_after": {"seconds": true}}', 400, "invalid_value"),
        (b" " * 70_000, 413, "request_too_large"),
    ],
)
def test_a_wrong_body_is_told_in_openais_shape(body: bytes, status: int, code: str) -> None:
    answer = House().post(SECRETS, body)
    assert (answer.status, answer.code) == (status, code)
    assert set(answer.told["error"]) == {"message", "type", "param", "code"}
    assert answer.told["error"]["type"] == "invalid_request_error"


def test_an_agent_that_the_key_may_not_call() -> None:
    line = KeyLine("one", hash_of("vv_one"), agents=("sales",))
    answer = House(ServerSettings(keys=(line,))).post(SECRETS, {"session": {"model": "desk"}}, api_key="vv_one")
    assert (answer.status, answer.code) == (403, "agent_not_allowed")


def test_paths_and_methods_that_are_not_there() -> None:
    assert (House().ask("/v2").status, House().ask("/v2").code) == (404, "unknown_url")
    wrong = House().ask(SECRETS)
    assert (wrong.status, wrong.code, wrong.headers["allow"]) == (405, "method_not_allowed", "POST")


def test_a_body_that_is_said_to_be_longer_than_it_may() -> None:
    assert House().post(SECRETS, b"", content_length="70000").code == "request_too_large"
    assert House().post(SECRETS, b"", content_length="-1").code == "request_too_large"
    wide = House(ServerSettings(limits=Limits(body_bytes=100_000)))
    assert wide.post(SECRETS, b" " * 70_000).code == "invalid_json"


def test_our_own_mistake_is_told_without_its_words() -> None:
    async def mistake(_request: Request) -> Response:
        raise UsageError("the caller said 4711")

    house = House(routes=[Route("/mistake", mistake)])
    with pytest.raises(UsageError):  # once it is answered, for the log
        house.ask("/mistake")


def test_pages_of_allowed_origins_may_post() -> None:
    house = House(ServerSettings(allowed_origins=("https://shop.example",)))
    asked = {
        "origin": "https://shop.example",
        "access_control_request_method": "POST",
        "access_control_request_headers": "authorization,content-type,x-openai-agents-sdk",
    }
    preflight = house.ask(SECRETS, method="OPTIONS", **asked)
    assert preflight.status == 200
    assert preflight.headers["access-control-allow-origin"] == "https://shop.example"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert preflight.headers["access-control-allow-headers"] == asked["access_control_request_headers"]
    answer = house.post(SECRETS, {}, origin="https://shop.example")
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert "Location" in answer.headers["access-control-expose-headers"]
    refused = house.post(SECRETS, {"session": 5}, origin="https://shop.example")
    assert (refused.status, refused.headers["access-control-allow-origin"]) == (400, "https://shop.example")
    other = house.ask(SECRETS, method="OPTIONS", **{**asked, "origin": "https://evil.example"})
    assert other.status == 400


def test_metrics_count_what_was_refused_and_need_their_scope() -> None:
    house = House(ServerSettings(keys=(KEY_LINE, KeyLine("watch", hash_of("vv_watch"), scopes=("metrics",)))))
    assert house.ask("/metrics", api_key=SHOP).code == "scope_missing"
    house.ask("/v1/models")
    text = house.ask("/metrics", api_key="vv_watch").body.decode()
    assert 'vivavoce_requests_refused_total{reason="scope_missing",worker="0"} 1.0' in text
    assert 'vivavoce_requests_refused_total{reason="missing_api_key",worker="0"} 1.0' in text
    assert 'vivavoce_live_calls{worker="0"} 0.0' in text
    for line in text.splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) vivavoce_\w+ .+|vivavoce_\w+\{[^{}]+\} [0-9.e+-]+", line), line


def test_extra_routes_are_served() -> None:
    async def hello(_request: Request) -> Response:
        return PlainTextResponse("hello")

    assert House(routes=[Route("/hello", hello)]).ask("/hello").body == b"hello"
