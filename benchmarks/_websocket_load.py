"""The clients of ``websocket.py``, in a process of their own.

_websocket_load.py PORT SOCKETS WARM_S MEASURE_S SERVER_PID

Each sends 50 messages of 20 ms of PCM at 24 kHz a second. Prints a line of JSON.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import sys
import time

from _bedrock_traffic import new_loop, percentiles_ms
from _common import cpu_s
from _websocket_client import Socket, connect, frame

FRAME_S = 0.02
APPEND = frame(
    json.dumps(
        {"type": "input_audio_buffer.append", "audio": base64.b64encode(random.Random(2).randbytes(960)).decode()}
    ).encode()
)


async def main(port: int, sockets: int, warm_s: float, measure_s: float, pid: int) -> None:
    loop = asyncio.get_running_loop()
    received = sent = 0
    late_ns: list[int] = []

    def count(_: bytes) -> None:
        nonlocal received
        received += 1

    async def talk(socket: Socket, phase_s: float) -> None:
        nonlocal sent
        due_s = loop.time() + phase_s
        while True:
            await asyncio.sleep(due_s - loop.time())
            late_ns.append(round((loop.time() - due_s) * 1e9))
            socket.transport.write(APPEND)
            sent += 1
            due_s += FRAME_S

    opened = [await connect(port, "/v1/realtime", {}, count) for _ in range(sockets)]
    tasks = [loop.create_task(talk(socket, at * FRAME_S / sockets)) for at, socket in enumerate(opened)]
    await asyncio.sleep(warm_s)
    received = sent = 0
    late_ns.clear()
    cpu_before_s, before_s = cpu_s(pid), time.monotonic()
    await asyncio.sleep(measure_s)
    used_s, took_s = cpu_s(pid) - cpu_before_s, time.monotonic() - before_s
    assert not any(task.done() for task in tasks)
    result = {
        "us_per_message": round(used_s / (sent + received) * 1e6, 2),
        "cpu_percent": round(100 * used_s / took_s, 1),
        "messages_per_s": round((sent + received) / took_s),
        "lag_p99_ms": percentiles_ms(late_ns)["p99"],
    }
    print(json.dumps(result), flush=True)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    port, sockets, warm_s, measure_s, pid = sys.argv[1:]
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main(int(port), int(sockets), float(warm_s), float(measure_s), int(pid)))
