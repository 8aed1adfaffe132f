"""The console's routes: what a browser gets, and what it may do with it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.testclient import TestClient
from starlette.types import Message

from vivavoce.console.feed import CallFeed
from vivavoce.console.routes import console_routes
from vivavoce.console.static_files import static_files
from vivavoce.engine.clock import run
from vivavoce.errors import Refused
from vivavoce.events import CallPlan, CallStarted, CloseCall, Disposition, Instant

PLAN = CallPlan(agent="Northgate", models=("local",))


class OneCall:
    """One call that is over, for whoever has the secret."""

    def __init__(self) -> None:
        self.cuts: list[str] = []
        self._feed = CallFeed(simulated=False)
        self._feed.observe(Instant(0), CallStarted(PLAN))
        self._feed.observe(Instant(5), CloseCall(Disposition.COMPLETED, "goodbye"))

    async def feed(self, request: Request, call: str) -> CallFeed:
        if request.headers.get("authorization") != "Bearer ek_good":
            raise Refused("no", status=401, code="invalid_api_key")
        if call != "sess_1":
            raise Refused("there is no such call", status=404, code="call_not_found")
        return self._feed

    def cut(self, request: Request) -> None:
        self.cuts.append(request.url.path)


async def tell(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return JSONResponse({"error": {"message": str(error)}}, error.status)


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = Starlette(routes=console_routes(OneCall()), exception_handlers={Refused: tell})
    with TestClient(app) as client:
        yield client


def test_the_page_runs_nothing_but_its_own_files(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script(?![^>]*src=)|<style|style=|\son\w+=", page.text)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("main.js", "text/javascript"), ("tokens.css", "text/css"), ("mark.svg", "image/svg+xml")],
)
def test_files_come_with_their_type(client: TestClient, name: str, media_type: str) -> None:
    assert client.get(f"/console/{name}").headers["content-type"].split(";")[0] == media_type


def test_what_a_browser_has_is_not_sent_again(client: TestClient) -> None:
    tag = client.get("/console/main.js").headers["etag"]
    again = client.get("/console/main.js", headers={"If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/console/main.js", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("path", ["/console/none.js", "/console/..%2froutes.py", "/console/__init__.py", "/console/"])
def test_nothing_else_is_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_every_file_that_another_names_is_there() -> None:
    files = static_files()
    for name, file in files.items():
        text = file.content.decode()
        for named in re.findall(r'(?:from "\./|href="console/|src="console/|")([\w-]+\.(?:js|css|svg))\b', text):
            assert named in files, f"{name} names {named}"


def test_no_file_asks_another_host() -> None:
    hosts = [
        (name, url)
        for name, file in static_files().items()
        for url in re.findall(r"(?:https?|wss?)://[\w.]+", file.content.decode())
        if url != "http://www.w3.org"
    ]
    assert hosts == []


def test_every_icon_that_is_used_is_drawn() -> None:
    files = {name: file.content.decode() for name, file in static_files().items()}
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', files["icons.svg"]))
    used = {icon for text in files.values() for icon in re.findall(r"icons\.svg#([\w-]+)", text)}
    assert used <= drawn


def test_the_timeline_is_an_event_stream(client: TestClient) -> None:
    answer = client.get("/v1/calls/sess_1/timeline", headers={"Authorization": "Bearer ek_good"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.startswith('id: 0\ndata: {"at_us":0,"type":"CallStarted"')


def test_the_timeline_goes_on_where_it_was_left(client: TestClient) -> None:
    headers = {"Authorization": "Bearer ek_good", "Last-Event-ID": "0"}
    assert client.get("/v1/calls/sess_1/timeline", headers=headers).text.startswith("id: 1\n")


@pytest.mark.parametrize("last", ["-1", "x", "9" * 40])
def test_a_reader_that_says_badly_what_it_has_begins_anew(client: TestClient, last: str) -> None:
    headers = {"Authorization": "Bearer ek_good", "Last-Event-ID": last}
    assert client.get("/v1/calls/sess_1/timeline", headers=headers).text.startswith("id: 0\n")


def test_whoever_may_not_look_is_told_nothing(client: TestClient) -> None:
    assert client.get("/v1/calls/sess_1/timeline").status_code == 401
    assert client.get("/v1/calls/other/timeline", headers={"Authorization": "Bearer ek_good"}).status_code == 404


def test_a_reader_that_takes_nothing_is_cut_off() -> None:
    calls = OneCall()
    app = Starlette(routes=console_routes(calls))
    path = "/v1/calls/sess_1/timeline"
    scope = {
        "type": "http",
        "asgi": {"spec_version": "2.4"},
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"here"), (b"authorization", b"Bearer ek_good")],
    }
    begun: list[str] = []

    async def receive() -> Message:
        return await asyncio.Future()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Future()
        begun.append(message["type"])

    run(app(scope, receive, send), virtual=True)
    assert begun == ["http.response.start"]
    assert calls.cuts == [path]
