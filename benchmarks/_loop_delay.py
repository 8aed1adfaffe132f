"""How late an event loop with calls is, with and without the bookkeeper working off calls that ended.

A hundred timers stand for a hundred calls: each every 20 ms, with a piece of work as long as a frame costs. Calls of
three minutes, with sound, end 1.1 times a second (two hundred at once, of three minutes each, end that often), and the
store is SQLite. Lateness is from when a timer was due to when it ran.

``python benchmarks/_loop_delay.py [SECONDS]`` prints one line of JSON for each way of keeping: not at all, on a thread,
on a thread that reads each call in a process of its own. Each way runs in a fresh process, one after the other, three
times around; the best of each is given, as the machine may be busy with other things.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Coroutine
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from _long_call import long_call

from vivavoce.ledger.book import default_book
from vivavoce.ledger.cost import CallCost
from vivavoce.ledger.figures import percentile
from vivavoce.ledger.pricing import price_call
from vivavoce.ledger.record import CallRecord
from vivavoce.store.apart import ReaderApart
from vivavoce.store.bookkeeper import Bookkeeper
from vivavoce.store.books import Duties
from vivavoce.store.opening import open_store
from vivavoce.timeline.write import RECORDING_FILE, TIMELINE_FILE

CALLS = 100
FRAME_S = 0.02
WORK_S = 60e-6
ENDS_PER_S = 1.1
WARM_UP_S = 2.0
ROUNDS = 3
WAYS = ("none", "thread", "apart")


class Ended:
    """Calls that are over, as many as are asked for."""

    def __init__(self, calls: Path, minutes: int = 3) -> None:
        self._calls = calls
        self._raw = long_call(minutes)
        self._call = json.loads(self._raw[: self._raw.index(b"\n")])["call"].encode()
        self._sound = calls.parent / RECORDING_FILE
        self._number = 0
        _write_sound(self._sound, minutes)

    def another(self) -> Path:
        self._number += 1
        call = f"ended-{self._number:06}"
        folder = self._calls / call
        folder.mkdir(parents=True)
        (folder / TIMELINE_FILE).write_bytes(self._raw.replace(self._call, call.encode(), 1))
        (folder / RECORDING_FILE).hardlink_to(self._sound)
        return folder


def _write_sound(path: Path, minutes: int) -> None:
    import soundfile

    noise = np.random.default_rng(1).normal(0, 1500, (minutes * 60 * 8_000, 2)).astype(np.int16)
    soundfile.write(path, noise, 8_000, subtype="PCM_16")


def _price(record: CallRecord, *, recording_bytes: int, timeline_bytes: int) -> CallCost:
    return price_call(record, default_book(), recording_bytes=recording_bytes, timeline_bytes=timeline_bytes)


def _keeper(way: str, folder: Path, open_things: ExitStack) -> Bookkeeper:
    duties = Duties(price=_price)
    if way == "apart":
        duties = replace(duties, read=open_things.enter_context(ReaderApart()).read)
    url = f"sqlite:///{folder}/ledger.db"
    return Bookkeeper(lambda: open_store(url, now=_now), folder / "calls", duties, now=_now, jitter=lambda: 0.5)


def _now() -> datetime:
    return datetime.now(UTC)


async def _call(late: list[float], offset_s: float, until_s: float) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time() + offset_s
    measured_from = due + WARM_UP_S
    while due < until_s:
        await asyncio.sleep(max(0.0, due - loop.time()))
        if due > measured_from:
            late.append(loop.time() - due)
        busy = time.perf_counter() + WORK_S
        while time.perf_counter() < busy:
            pass
        due += FRAME_S


async def _measure(seconds: float) -> list[float]:
    late: list[float] = []
    until_s = asyncio.get_running_loop().time() + WARM_UP_S + seconds
    async with asyncio.TaskGroup() as group:
        for number in range(CALLS):
            group.create_task(_call(late, FRAME_S * number / CALLS, until_s))
    return late


async def _beside(main: Coroutine[Any, Any, list[float]], ended: list[Path], keeper: Bookkeeper) -> list[float]:
    async def end_calls() -> None:
        for folder in ended:
            await asyncio.sleep(1 / ENDS_PER_S)
            keeper.call_ended(folder.rename(folder.parent.with_name("calls") / folder.name))

    ending = asyncio.create_task(end_calls())
    try:
        return await main
    finally:
        ending.cancel()


def measure(way: str, seconds: float) -> dict[str, Any]:
    """In this process. Lateness in milliseconds."""
    folder = Path(tempfile.mkdtemp())
    try:
        with ExitStack() as open_things:
            (folder / "calls").mkdir()
            ended_calls = Ended(folder / "ended")
            ended = [ended_calls.another() for _ in range(int((seconds + WARM_UP_S) * ENDS_PER_S) + 1)]
            keeper = _keeper(way, folder, open_things)
            if way != "none":
                keeper.start()
            began_cpu_s = time.process_time()
            late = asyncio.run(_beside(_measure(seconds), ended, keeper))
            cpu_s = time.process_time() - began_cpu_s
            kept = keeper.statistics.kept
            keeper.stop(30.0)
    finally:
        shutil.rmtree(folder)
    late_ms = [1000 * one for one in late]
    figures = {f"p{part}_ms": round(percentile(late_ms, part / 100) or 0.0, 2) for part in (50, 95, 99)}
    return {"way": way, **figures, "max_ms": round(max(late_ms), 1), "kept": kept, "cpu_s": round(cpu_s, 2)}


def measure_afresh(way: str, seconds: float) -> dict[str, Any]:
    """In a process of its own."""
    command = [sys.executable, __file__, str(seconds), way]
    said: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return said


def measure_ways(seconds: float, rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """The best round of each way, by its 99th percentile."""
    measured = [[measure_afresh(way, seconds) for way in WAYS] for _ in range(rounds)]
    return [min(of_one, key=lambda one: one["p99_ms"]) for of_one in zip(*measured, strict=True)]


if __name__ == "__main__":
    length_s = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    if len(sys.argv) > 2:
        print(json.dumps(measure(sys.argv[2], length_s)))
    else:
        for best in measure_ways(length_s):
            print(json.dumps(best))
