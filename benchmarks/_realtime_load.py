"""Callers by the Realtime protocol over WebSocket, in a process of their own: recorded speech at real time, 20 ms in an
event, on an absolute schedule.

_realtime_load.py SETTINGS     a JSON object: port, model, calls, warm_s, measure_s, file, and perhaps key

Prints a line ``begin`` when all calls talk and the measured time begins, ``end`` at its end, then a line of JSON. To
``file`` goes when each frame was sent, by which session of the model's.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from _bedrock_traffic import new_loop, percentiles_ms
from _call_marks import CALLER_HZ, CLAP, FRAME_BYTES, FRAME_MS, LOUDEST, read_mark
from _websocket_client import Socket, connect, frame

from vivavoce.audio.files import read_audio
from vivavoce.audio.resample import resample

CALLERS = Path(__file__).resolve().parent.parent / "src" / "vivavoce" / "demo" / "caller"
CONNECT_PER_S = 25
PATIENCE_S = 10.0
_DELTA = b'"response.output_audio.delta"'


def speech() -> list[bytes]:
    """Frames of what the demo's caller says, one sentence after the other."""
    said = b""
    for path in sorted(CALLERS.glob("*.flac")):
        recording = read_audio(path)
        said += resample(recording.pcm, recording.rate_hz, CALLER_HZ) + bytes(CALLER_HZ // 2 * 2)
    samples = np.frombuffer(said, "<i2").astype(np.float32)
    pcm = (samples * min(1.0, LOUDEST / float(np.abs(samples).max()))).astype("<i2").tobytes()
    return [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES, FRAME_BYTES)]


def append(pcm: bytes) -> bytes:
    """The event, framed: all callers say the same bytes, so that saying them costs nearly nothing."""
    return frame(json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm).decode()}).encode())


class Caller:
    """One call."""

    def __init__(self, measuring: Measuring) -> None:
        self.session = -1
        self.sent_ns: list[int] = []
        self.clap_frame = -1
        self.heard = asyncio.Event()
        self._measuring = measuring
        self.socket: Socket | None = None

    def on_text(self, event: bytes) -> None:
        now_ns = self._measuring.now_ns()
        if _DELTA not in event[:200]:
            self._measuring.other(event)
            return
        found = read_mark(event)
        if found is None:
            self._measuring.counts["unmarked"] += 1
            return
        said_ns, self.session = found
        self.heard.set()
        self._measuring.back(now_ns - said_ns)

    async def talk(self, frames: list[bytes], clap: bytes, begin: int, phase_s: float) -> None:
        """For ever. It claps once, after it heard the model for the first time: from then on frames are counted."""
        assert self.socket is not None
        loop = asyncio.get_running_loop()
        write, now_ns, measuring = self.socket.transport.write, self._measuring.now_ns, self._measuring
        due_s = loop.time() + phase_s
        at = begin
        while not self.socket.closed.done():
            await asyncio.sleep(due_s - loop.time())
            if measuring.on:
                measuring.late_ns.append(round((loop.time() - due_s) * 1e9))
            if self.clap_frame < 0 and self.heard.is_set():
                self.clap_frame = len(self.sent_ns)
                data = clap
            else:
                data = frames[at % len(frames)]
            self.sent_ns.append(now_ns())
            write(data)
            at += 1
            due_s += FRAME_MS / 1000


class Measuring:
    """What is counted while ``on``."""

    def __init__(self) -> None:
        import time

        self.now_ns = time.monotonic_ns
        self.on = False
        self.late_ns: list[int] = []
        self.back_ns: list[int] = []
        self.counts: Counter[str] = Counter()
        self.errors: list[str] = []

    def back(self, took_ns: int) -> None:
        if self.on:
            self.back_ns.append(took_ns)

    def other(self, event: bytes) -> None:
        if b'"type":"error"' in event[:60]:
            self.errors.append(event[:300].decode(errors="replace"))
        if self.on:
            self.counts["other_events"] += 1


async def open_calls(settings: dict[str, Any], measuring: Measuring) -> list[Caller]:
    frames = [append(pcm) for pcm in speech()]
    clap = append(CLAP + bytes(FRAME_BYTES - len(CLAP)))
    headers = {"Authorization": f"Bearer {settings['key']}"} if settings.get("key") else {}
    callers: list[Caller] = []
    tasks: list[asyncio.Task[None]] = []
    count = settings["calls"]
    for number in range(count):
        caller = Caller(measuring)
        async with asyncio.timeout(PATIENCE_S):
            caller.socket = await connect(
                settings["port"], f"/v1/realtime?model={settings['model']}", headers, caller.on_text
            )
        if caller.socket.status.result() != 101:
            sys.exit(f"call {number} was not taken: {caller.socket.answer[:600]!r}")
        begin = random.Random(number).randrange(len(frames))
        task = asyncio.create_task(caller.talk(frames, clap, begin, random.random() * FRAME_MS / 1000))
        tasks.append(task)
        callers.append(caller)
        await asyncio.sleep(1 / CONNECT_PER_S)
    measuring.tasks = tasks  # type: ignore[attr-defined]  # held for as long as the process lives
    return callers


async def main(settings: dict[str, Any]) -> None:
    measuring = Measuring()
    callers = await open_calls(settings, measuring)
    try:
        async with asyncio.timeout(PATIENCE_S):
            for caller in callers:
                await caller.heard.wait()
    except TimeoutError:
        silent = sum(not caller.heard.is_set() for caller in callers)
        sys.exit(f"{silent} of {len(callers)} calls heard nothing; errors: {measuring.errors[:3]}")
    await asyncio.sleep(settings["warm_s"])
    gc.collect()
    gc.freeze()
    gc.disable()  # a pause of ours would be taken for the server's
    measuring.on = True
    begin_ns = measuring.now_ns()
    print("begin", flush=True)
    await asyncio.sleep(settings["measure_s"])
    measuring.on = False
    end_ns = measuring.now_ns()
    print("end", flush=True)
    arrays = {f"sent_{caller.session}": np.array(caller.sent_ns, np.int64) for caller in callers}
    claps = np.array([(caller.session, caller.clap_frame) for caller in callers], np.int64)
    window = np.array([begin_ns, end_ns], np.int64)
    np.savez(settings["file"], claps=claps, window=window, **arrays)  # type: ignore[arg-type]
    result = {
        "lag_ms": percentiles_ms(measuring.late_ns),
        "back_ms": percentiles_ms(measuring.back_ns),
        "lost_calls": sum(caller.socket is not None and caller.socket.closed.done() for caller in callers),
        "errors": measuring.errors[:5],
        **measuring.counts,
    }
    print(json.dumps(result), flush=True)
    for caller in callers:
        assert caller.socket is not None
        caller.socket.transport.close()
    await asyncio.sleep(0.2)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main(json.loads(sys.argv[1])))
