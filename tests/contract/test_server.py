"""``vivavoce serve`` as a user runs it: a process on real sockets, until a signal."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from tests.unit.cli.agents import write_agent
from tests.unit.cli.test_commands_page import fields_in, section
from vivavoce.emulator.authority import authority_in
from vivavoce.server.keys import hash_of
from vivavoce.timeline.read import read_timeline
from vivavoce.timeline.write import TIMELINE_FILE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

KEY = "vv_contract"
LISTENS = '[[step]]\nwhen = "speak"\nsay = { ms = 100 }\n'


@dataclass
class Server:
    """A server that is ready."""

    process: subprocess.Popen[str]
    told: dict[str, Any]
    calls: Path

    @property
    def port(self) -> int:
        return int(urlsplit(self.told["url"]).port or 0)

    def ask(self, path: str, *, method: str = "GET", body: str = "", **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, body or None, {name.replace("_", "-"): v for name, v in headers.items()})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, json.loads(text) if text.startswith("{") else text

    def call(self, *offers: str, **headers: str) -> connect:
        url = f"ws://127.0.0.1:{self.port}/v1/realtime?model=desk"
        subprotocols = [Subprotocol(offer) for offer in offers] or None
        return connect(url, additional_headers=headers, compression=None, subprotocols=subprotocols)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Server]:
    agent = write_agent(folder / "desk", LISTENS)
    command = [sys.executable, "-m", "vivavoce", "serve", str(agent), "--port", "0", "--json", *options]
    command += ["--calls", str(folder / "calls")]
    errors = folder / "errors.txt"
    with (
        errors.open("w") as err,
        subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=err, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, errors.read_text()
            yield Server(process, json.loads(line), folder / "calls")
        finally:
            process.kill()
    assert KEY not in errors.read_text()


def keyed(folder: Path, *more: str) -> tuple[str, ...]:
    file = folder / "server.toml"
    file.write_text("\n".join([*more, f'[[keys]]\nname = "shop"\nsha256 = "{hash_of(KEY)}"\n']))
    return "--config", str(file)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110  # another process cannot set an event of ours
            await asyncio.sleep(0.05)


async def created(websocket: ClientConnection) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(await websocket.recv())
    assert told["type"] == "session.created"
    return told


def test_ready_and_healthy_and_gone_with_a_signal(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        assert set(server.told) == fields_in(section("vivavoce serve"))
        assert server.told["agents"] == [{"name": "desk", "models": ["scripted"]}]
        assert server.told["pid"] == server.process.pid
        assert server.ask("/healthz") == (200, "ok\n")
        assert server.ask("/readyz")[0] == 200
        assert server.ask("/v1/models")[1]["data"][0]["id"] == "desk"
        assert server.ask("/v1/models", host="rebound.example")[1]["error"]["code"] == "host_not_allowed"
        assert server.ask("/v1/models", origin="https://evil.example")[0] == 403
        assert server.end() == 0


def test_a_live_call_ends_by_itself_while_others_are_told_to_go_elsewhere(tmp_path: Path) -> None:
    async def use(server: Server) -> None:
        async with server.call() as websocket:
            await created(websocket)
            assert server.ask("/readyz")[1]["live_calls"] == 1
            server.process.send_signal(signal.SIGTERM)
            await until(lambda: server.ask("/readyz")[0] == 503)
            assert server.ask("/readyz")[1]["reason"] == "server_draining"
            with pytest.raises(InvalidStatus) as refused:
                await server.call()
            assert refused.value.response.status_code == 503
            assert json.loads(refused.value.response.body or b"")["error"]["code"] == "server_draining"
            assert "retry-after" in refused.value.response.headers
            await websocket.send('{"type": "input_audio_buffer.clear"}')
            assert json.loads(await websocket.recv())["type"] != "error", "the call goes on"

    with serving(tmp_path) as server:
        asyncio.run(use(server))
        assert server.process.wait(30) == 0
    (folder,) = (path.parent for path in server.calls.glob(f"*/{TIMELINE_FILE}"))
    assert read_timeline(folder).closed is not None


@pytest.mark.parametrize("signals", [1, 2])
def test_a_call_that_does_not_end_is_ended(tmp_path: Path, signals: int) -> None:
    async def use(server: Server) -> None:
        async with server.call() as websocket:
            await created(websocket)
            await until(lambda: any(server.calls.glob(f"*/{TIMELINE_FILE}")))
            for _ in range(signals):
                server.process.send_signal(signal.SIGINT)
                await asyncio.sleep(0.1)
            await websocket.wait_closed()
            assert websocket.close_code in (1000, 1001, 1012)

    with serving(tmp_path, "--drain-s", "0.2" if signals == 1 else "60") as server:
        asyncio.run(use(server))
        assert server.process.wait(30) == 0
    (folder,) = (path.parent for path in server.calls.glob(f"*/{TIMELINE_FILE}"))
    assert read_timeline(folder).closed is not None


def test_only_those_with_a_key_call(tmp_path: Path) -> None:
    async def use(server: Server) -> None:
        for headers in ({}, {"Authorization": "Bearer vv_other"}):
            with pytest.raises(InvalidStatus) as refused:
                await server.call(**headers)
            assert refused.value.response.status_code == 401
        async with server.call(Authorization=f"Bearer {KEY}") as websocket:
            await created(websocket)
        told = server.ask("/v1/realtime/client_secrets", method="POST", body="{}", authorization=f"Bearer {KEY}")[1]
        async with server.call("realtime", f"openai-insecure-api-key.{told['value']}") as websocket:
            assert websocket.subprotocol == "realtime"
            await created(websocket)

    with serving(tmp_path, *keyed(tmp_path)) as server:
        asyncio.run(use(server))
        assert server.end() == 0


def test_more_calls_than_a_server_or_a_provider_takes(tmp_path: Path) -> None:
    async def use(server: Server, status: int, code: str) -> None:
        async with server.call() as first:
            await created(first)
            with pytest.raises(InvalidStatus) as refused:
                await server.call()
            assert refused.value.response.status_code == status
            assert json.loads(refused.value.response.body or b"")["error"]["code"] == code

    with serving(tmp_path, "--max-calls", "1") as server:
        asyncio.run(use(server, 503, "server_full"))
    (tmp_path / "quota.toml").write_text("[quotas.scripted]\nsessions = 1\nspare = 0\n")
    with serving(tmp_path, "--config", str(tmp_path / "quota.toml")) as server:
        asyncio.run(use(server, 429, "quota_reached"))


def test_tls(tmp_path: Path) -> None:
    authority = authority_in(tmp_path, datetime.now(UTC))
    with serving(tmp_path, "--tls-cert", str(authority.server), "--tls-key", str(authority.key)) as server:
        assert server.told["url"].startswith("https://")
        context = ssl.create_default_context(cafile=str(authority.certificate))
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=10)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
        connection.close()

        async def use() -> None:
            url = f"wss://localhost:{server.port}/v1/realtime"
            async with connect(url, ssl=context) as websocket:
                await created(websocket)

        asyncio.run(use())
        assert server.end() == 0


def test_silent_strangers_are_closed_and_do_not_keep_others_out(tmp_path: Path) -> None:
    limits = "[limits]\nhandshake_s = 0.5\nunauthenticated_connections = 20\nconnections_per_address = 1000"
    (tmp_path / "limits.toml").write_text(limits)
    with serving(tmp_path, "--config", str(tmp_path / "limits.toml")) as server:
        address = ("127.0.0.1", server.port)
        strangers = [socket.create_connection(address, timeout=10) for _ in range(60)]
        said = [stranger.recv(200) for stranger in strangers]
        assert sum(b"503" in answer for answer in said) == 40
        assert sum(b"408" in answer for answer in said) == 20
        for stranger in strangers:
            stranger.close()
        assert server.ask("/healthz")[0] == 200
        metrics = server.ask("/metrics")[1]
        assert re.search(r'reason="handshake_timeout",worker="0"} 20.0', metrics)


def test_an_address_that_is_taken_is_told(tmp_path: Path) -> None:
    agent = write_agent(tmp_path / "desk", LISTENS)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "vivavoce", "serve", str(agent), "--port", str(taken.getsockname()[1])]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ, timeout=60)
    assert done.returncode == 2
    assert "cannot listen on 127.0.0.1:" in done.stderr
    assert "Traceback" not in done.stderr
