"""Passed on to the worker that has the call, over a real unix socket, and back as it comes."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from tests.unit.server.asgi import KEY_LINE, SHOP, Answer, House, answer_of
from vivavoce.engine.clock import run
from vivavoce.errors import Refused
from vivavoce.server.access import authenticate, subprotocol
from vivavoce.server.application import application
from vivavoce.server.gate import Arrival
from vivavoce.server.listen import Connections
from vivavoce.server.settings import ServerSettings

MINE = "/v1/calls/one-w1"
ITS = "/v1/calls/one-w2"


async def echo(request: Request) -> Response:
    body = (await request.body()).decode()
    told = {"body": body, "query": request.url.query, "host": request.headers["host"], "x": request.headers.get("x-y")}
    return JSONResponse(told, 201, {"Location": "/elsewhere", "Set-Cookie": "a"})


async def stream(request: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        for number in range(3):
            yield f"data: {number}\n\n".encode()
            await asyncio.sleep(0)

    return StreamingResponse(parts(), media_type="text/event-stream")


async def talk(websocket: WebSocket) -> None:
    authenticate(websocket)
    if websocket.query_params.get("full"):
        raise Refused("full", status=503, code="server_full", retry_after_s=5)
    await websocket.accept(subprotocol(websocket))
    await websocket.send_text(await websocket.receive_text() + "!")
    await websocket.send_bytes(await websocket.receive_bytes())
    await websocket.close(4001, "enough")


ROUTES = (
    Route("/v1/calls/{call}/echo", echo, methods=["GET", "POST"]),
    Route("/v1/calls/{call}/stream", stream),
    WebSocketRoute("/v1/calls/{call}/talk", talk),
)


class Two:
    """Worker 1, asked directly, and worker 2 behind its socket."""

    def __init__(self, folder: Path) -> None:
        settings = ServerSettings(keys=(KEY_LINE,), workers=2)
        self.houses = [House(settings, routes=ROUTES, worker=number, siblings=folder) for number in (1, 2)]
        self.path = folder / "2.sock"

    def ask(self, use: Callable[[Any], Awaitable[Any]]) -> Any:
        """What worker 1's application does, while worker 2 listens."""
        first, second = self.houses

        async def main() -> Any:
            app = application(second.door, ROUTES)
            connections = Connections(app, second.settings, second.door.metrics)
            server = await asyncio.get_running_loop().create_unix_server(connections.protocol, self.path)
            try:
                return await use(application(first.door, ROUTES))
            finally:
                server.close()
                await connections.close()

        return run(main())

    def answer(self, path: str, *, method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
        scope = self.houses[0].scope("http", path, headers, method=method)
        answer = self.ask(lambda app: answer_of(app, scope, body))
        assert isinstance(answer, Answer)
        return answer


@pytest.fixture
def two(tmp_path: Path) -> Two:
    return Two(tmp_path)


@pytest.mark.parametrize("where", [MINE, ITS])
def test_a_request_is_answered_alike_wherever_the_call_is(two: Two, where: str) -> None:
    answer = two.answer(f"{where}/echo?a=b%20c", method="POST", body=b"hello", x_y="z", host="voice.example")
    assert (answer.status, answer.headers["location"]) == (201, "/elsewhere")
    assert answer.told == {"body": "hello", "query": "a=b%20c", "host": "voice.example", "x": "z"}
    assert answer.headers["content-length"] == str(len(answer.body))


@pytest.mark.parametrize("where", [MINE, ITS])
def test_a_body_without_an_end_is_refused_wherever_the_call_is(two: Two, where: str) -> None:
    sent: list[Any] = []
    pieces = 200

    async def receive() -> Any:
        nonlocal pieces
        if not pieces:
            await asyncio.Event().wait()
        pieces -= 1
        return {"type": "http.request", "body": bytes(16_384), "more_body": pieces > 0}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = two.houses[0].scope("http", f"{where}/echo", {}, method="POST")
    two.ask(lambda app: app(scope, receive, send))
    assert (sent[0]["status"], pieces) == (413, 195)


def test_whoever_the_other_worker_knows_is_no_stranger_here(two: Two) -> None:
    arrivals = [Arrival(asyncio.Transport({"peername": ("192.0.2.1", 50_000)})) for _ in range(3)]
    for arrival, key in zip(arrivals, (SHOP, "vv_wrong"), strict=False):
        headers = {"authorization": f"Bearer {key}"}
        scope = two.houses[0].scope("websocket", f"{ITS}/talk", headers, subprotocols=[])
        scope |= {"state": {"arrival": arrival}, "extensions": {"websocket.http.response": {}}}
        two.ask(functools.partial(answer_of, scope=scope, body=b""))
    scope = two.houses[0].scope("http", f"{ITS}/stream", {}, method="GET") | {"state": {"arrival": arrivals[2]}}
    two.ask(functools.partial(answer_of, scope=scope, body=b""))
    assert [arrival.vouched for arrival in arrivals] == [True, False, True]


@pytest.mark.parametrize("where", [MINE, ITS])
def test_a_stream_comes_whole(two: Two, where: str) -> None:
    answer = two.answer(f"{where}/stream")
    assert answer.body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"
    assert answer.headers["content-type"].startswith("text/event-stream")


def test_errors_come_back_as_the_other_tells_them(two: Two) -> None:
    assert two.answer(f"{ITS}/nothing").code == "unknown_url"
    assert two.answer(f"{ITS}/stream", method="POST").status == 405


def test_whoever_is_gone_has_no_calls(two: Two) -> None:
    house = two.houses[0]
    assert house.ask("/v1/calls/one-w2/nothing").code == "unknown_url"
    two.path.touch()  # left behind by a worker that was killed
    assert house.ask("/v1/calls/one-w2/stream").code == "call_id_not_found"


def test_metrics_are_those_of_all_workers(two: Two) -> None:
    watch = House(ServerSettings(workers=2), worker=1, siblings=two.path.parent)
    two.houses = [watch, House(ServerSettings(workers=2), worker=2, siblings=two.path.parent)]
    text = two.answer("/metrics").body.decode()
    assert 'vivavoce_live_calls{worker="1"} 0' in text
    assert 'vivavoce_live_calls{worker="2"} 0' in text
    assert text.count("# TYPE vivavoce_live_calls gauge") == 1
    names = [line.partition("{")[0] for line in text.splitlines() if not line.startswith("#")]
    assert names == sorted(names, key=names.index), "all of a name follow each other"


@pytest.mark.parametrize("where", [MINE, ITS])
def test_a_websocket_talks_alike_wherever_the_call_is(two: Two, where: str) -> None:
    incoming = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "hello"},
        {"type": "websocket.receive", "bytes": b"\x00\xff"},
    ]
    sent: list[Any] = []
    closed = asyncio.Event()

    async def receive() -> Any:
        if incoming:
            return incoming.pop(0)
        await closed.wait()
        return {"type": "websocket.disconnect", "code": 1005}

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "websocket.close":
            closed.set()

    offers = ["realtime", f"openai-insecure-api-key.{SHOP}"]
    scope = two.houses[0].scope(
        "websocket", f"{where}/talk", {"sec_websocket_protocol": ", ".join(offers)}, subprotocols=offers
    )
    two.ask(lambda app: app(scope, receive, send))
    accepted, text, data, end = sent
    assert accepted["subprotocol"] == "realtime"
    assert (text["text"], data["bytes"]) == ("hello!", b"\x00\xff")
    assert (end["code"], end["reason"]) == (4001, "enough")


@pytest.mark.parametrize("where", [MINE, ITS])
def test_a_websocket_is_refused_alike_wherever_the_call_is(two: Two, where: str) -> None:
    headers = {"authorization": f"Bearer {SHOP}"}
    house = two.houses[0]
    more: dict[str, Any] = {"extensions": {"websocket.http.response": {}}, "subprotocols": []}
    full = two.ask(lambda app: answer_of(app, house.scope("websocket", f"{where}/talk?full=1", headers, **more), b""))
    assert (full.status, full.code, full.headers["retry-after"]) == (503, "server_full", "5")
    unknown = two.ask(lambda app: answer_of(app, house.scope("websocket", f"{where}/talk", {}, **more), b""))
    assert (unknown.status, json.loads(unknown.body)["error"]["code"]) == (401, "missing_api_key")
