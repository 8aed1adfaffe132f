"""``vivavoce dial`` asks a server, here one on loopback, and tells what it says."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.house.source import ROOT
from tests.unit.cli.agents import Command
from vivavoce.cli.dial import KEY_VARIABLE
from vivavoce.cli.exits import Exit

ORDERED = {"id": "o1", "carrier": "twilio", "call": "CA7", "to": "+12", "from": "+34", "agent": "desk"}


class Server(ThreadingHTTPServer):
    """Has one answer, and keeps what it is asked."""

    status, body = 201, json.dumps(ORDERED).encode()

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        body = self.rfile.read(int(self.headers["content-length"]))
        server.asked.append((self.path, self.headers["authorization"], json.loads(body)))
        self.send_response(server.status)
        self.send_header("content-length", str(len(server.body)))
        self.end_headers()
        self.wfile.write(server.body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv(KEY_VARIABLE, "vv_key")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def refuse(server: Server, status: int, message: str, code: str) -> None:
    server.status = status
    server.body = json.dumps({"error": {"message": message, "type": "x", "param": None, "code": code}}).encode()


def test_the_order_and_what_came_of_it(vivavoce: Command, server: Server) -> None:
    given = ("+12", "--from", "+34", "--agent", "desk", "--var", "name=Ann", "--server", server.url + "/")
    done = vivavoce("dial", "twilio", *given, "--json")
    order = {"to": "+12", "from": "+34", "agent": "desk", "variables": {"name": "Ann"}}
    assert server.asked == [("/v1/telephony/twilio/calls", "Bearer vv_key", order)]
    assert done.told == ORDERED
    said = vivavoce("dial", "twilio", *given)
    assert "twilio calls +12 for desk, which twilio knows as CA7." in said.out + said.err
    page = (ROOT / "docs" / "reference" / "commands.md").read_text("utf-8").partition("## vivavoce dial")[2]
    rows = re.findall(r"^\| (`.*?`) \|", page.partition("\n## ")[0].partition("| field |")[2], re.MULTILINE)
    assert {name for row in rows for name in re.findall("`([a-z]+)`", row)} == set(ORDERED)


@pytest.mark.parametrize(
    ("status", "code", "exit_code", "message"),
    [
        (403, "prefix_not_allowed", Exit.SETUP, "not this number"),
        (429, "key_limit", Exit.PEER, "not this number"),
        (502, "carrier_failed", Exit.PEER, "not this number"),
        (404, "unknown_url", Exit.SETUP, "no carrier is set up"),
    ],
)
def test_what_the_server_refuses(
    vivavoce: Command, server: Server, status: int, code: str, exit_code: Exit, message: str
) -> None:
    refuse(server, status, "not this number", code)
    done = vivavoce("dial", "twilio", "+12", "--from", "+34", "--server", server.url)
    assert done.code == exit_code
    assert message in done.err


def test_a_server_that_says_nothing(vivavoce: Command, server: Server) -> None:
    server.status, server.body = 500, b"no JSON"
    assert "status 500" in vivavoce("dial", "twilio", "+12", "--from", "+34", "--server", server.url).err


def test_what_cannot_be_asked(vivavoce: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    given = ("dial", "twilio", "+12", "--from", "+34", "--server")
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    assert KEY_VARIABLE in vivavoce(*given, "http://127.0.0.1:1").err
    monkeypatch.setenv(KEY_VARIABLE, "vv_key")
    assert vivavoce(*given, "http://127.0.0.1:1").code == Exit.PEER
    assert vivavoce(*given, "file:///etc/hosts").code == Exit.SETUP
