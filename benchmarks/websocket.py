"""What a message costs the WebSocket servers there are for us, at a hundred sockets.

python benchmarks/websocket.py [--quick]

Each socket sends 50 messages of 1.3 kB a second and receives 25 of 2.8 kB, as a call by the Realtime protocol does. The
server has one core for itself where the machine has two, its clients are a process on another. A message's cost is the
CPU time of the server's process by the messages of both directions, the best of several runs. Servers that are not
installed are left out.
"""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from _common import finish, on_core

HERE = Path(__file__).resolve().parent
BUDGET = {"ours_by_best_of_uvicorn": 0.8}  # both as the server has them, with Starlette on top
SOCKETS = 100
SERVERS = (
    "websockets",
    "websockets-sansio",
    "websockets-sansio, Starlette",
    "wsproto",
    "granian",
    "picows",
    "ours",
    "ours, Starlette",
)


def installed(server: str) -> bool:
    module = {"wsproto": "wsproto", "granian": "granian", "picows": "picows"}.get(server, "uvicorn")
    return importlib.util.find_spec(module) is not None


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit("a server of the benchmark did not begin")


def measure(server: str, seconds: float) -> dict[str, Any]:
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent / "src")}
    python = [sys.executable, str(HERE / "_websocket_server.py"), server, str(port)]
    with subprocess.Popen(on_core(0, python), env=environment) as process:
        try:
            wait_for(port)
            load = [sys.executable, str(HERE / "_websocket_load.py"), str(port), str(SOCKETS), "0.7", str(seconds)]
            told = subprocess.run(
                on_core(1, [*load, str(process.pid)]), env=environment, stdout=subprocess.PIPE, check=True, text=True
            )
        finally:
            process.kill()
    result: dict[str, Any] = json.loads(told.stdout)
    print(f"{server:30} {result['us_per_message']:6.1f} us {result['cpu_percent']:6.1f} % CPU", flush=True)
    return result


def main() -> None:
    quick = "--quick" in sys.argv
    costs: dict[str, list[float]] = {server: [] for server in SERVERS if installed(server)}
    for _ in range(2 if quick else 5):
        for server, values in costs.items():
            values.append(measure(server, 1.5 if quick else 5.0)["us_per_message"])
    best = {server: min(values) for server, values in costs.items()}
    print("\n".join(f"{server:30} {value:6.1f} us, the best" for server, value in best.items()))
    ratio = round(best["ours, Starlette"] / best["websockets-sansio, Starlette"], 2)
    holds = ratio <= BUDGET["ours_by_best_of_uvicorn"]
    finish("websocket", {"ours_by_best_of_uvicorn": ratio, "us_per_message": best}, BUDGET, holds)


if __name__ == "__main__":
    main()
