"""``vivavoce serve --workers``: several processes behind one address."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection

from tests.contract.test_server import Server, created, serving, until
from vivavoce.timeline.read import read_timeline
from vivavoce.timeline.write import TIMELINE_FILE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def live_calls(server: Server) -> dict[str, int]:
    metrics = server.ask("/metrics")[1]
    found = re.findall(r'^vivavoce_live_calls\{worker="(\d)"\} (\d+)(?:\.0)?$', metrics, re.MULTILINE)
    return {worker: int(calls) for worker, calls in found}


def processes(server: Server) -> list[int]:
    told = subprocess.run(["pgrep", "-P", str(server.process.pid)], check=True, capture_output=True, text=True)
    return [int(line) for line in told.stdout.split()]


async def until_live(server: Server, calls: int) -> None:
    """As every worker knows it."""
    for _ in range(4):
        await until(lambda: bool(server.ask("/readyz")[1]["live_calls"] == calls))


async def open_calls(server: Server, count: int) -> list[tuple[ClientConnection, str]]:
    """With the ids of their sessions."""
    calls = []
    for _ in range(count):
        websocket = await server.call()
        session = (await created(websocket))["session"]["id"]
        await websocket.send('{"type": "input_audio_buffer.append", "audio": "AAAAAA=="}')
        calls.append((websocket, session))
    return calls


def test_calls_spread_evenly_and_are_found_wherever_they_are(tmp_path: Path) -> None:
    async def use(server: Server) -> None:
        calls = await open_calls(server, 6)
        assert live_calls(server) == {"1": 3, "2": 3}
        assert Counter(session[-3:] for _, session in calls) == {"-w1": 3, "-w2": 3}
        await until_live(server, 6)
        for websocket, session in calls:
            assert server.ask(f"/v1/realtime/calls/{session}/hangup", method="POST")[0] == 200
            await websocket.wait_closed()
        await until_live(server, 0)
        assert server.ask(f"/v1/realtime/calls/{calls[0][1]}/hangup", method="POST")[0] == 404

    with serving(tmp_path, "--workers", "2") as server:
        asyncio.run(use(server))
        assert server.end() == 0


def test_a_limit_counts_the_calls_of_all(tmp_path: Path) -> None:
    async def use(server: Server) -> None:
        calls = await open_calls(server, 3)
        await until_live(server, 3)
        assert [server.ask("/readyz")[0] for _ in range(4)] == [503] * 4
        for websocket, _ in calls:
            await websocket.close()

    with serving(tmp_path, "--workers", "2", "--max-calls", "3") as server:
        asyncio.run(use(server))


def test_a_worker_that_dies_is_replaced_and_the_others_go_on(tmp_path: Path) -> None:
    async def use(server: Server) -> None:
        calls = await open_calls(server, 2)
        before = processes(server)
        os.kill(before[0], signal.SIGKILL)
        done, going = await asyncio.wait(
            [asyncio.create_task(websocket.wait_closed()) for websocket, _ in calls], return_when="FIRST_COMPLETED"
        )
        assert (len(done), len(going)) == (1, 1)
        await until(lambda: bool(set(processes(server)) - set(before)))
        more = await open_calls(server, 1)
        for websocket, _ in [*calls, *more]:
            await websocket.close()
        await asyncio.wait(going)

    with serving(tmp_path, "--workers", "2") as server:
        asyncio.run(use(server))
        assert server.end() == 0


@pytest.mark.parametrize("drain_s", ["0.2", "60"])
def test_all_are_drained(tmp_path: Path, drain_s: str) -> None:
    async def use(server: Server) -> None:
        calls = await open_calls(server, 2)
        server.process.send_signal(signal.SIGTERM)
        await until(lambda: bool(server.ask("/readyz")[1]["reason"] == "server_draining"))
        for websocket, _ in calls:
            if drain_s == "60":
                await websocket.close()
            await websocket.wait_closed()

    with serving(tmp_path, "--workers", "2", "--drain-s", drain_s) as server:
        asyncio.run(use(server))
        assert server.process.wait(30) == 0
    assert all(read_timeline(folder).closed is not None for folder in server.calls.glob(f"*/{TIMELINE_FILE}"))


def test_workers_whose_parent_is_killed_leave(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2", "--drain-s", "1") as server:
        before = processes(server)
        server.end(signal.SIGKILL)

        asyncio.run(until(lambda: not any(_lives(pid) for pid in before)))


def _lives(pid: int) -> bool:
    told = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], check=False, capture_output=True, text=True)
    return told.stdout.strip() not in ("", "Z", "Zs")
