"""A server as users run it, a cheap Nova behind it, callers in front: what the benchmarks of the front door share.

The server has a core for itself where there are two. Times are of one clock, that of the machine.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from _call_marks import FRAME_SAMPLES_AT_MODEL
from _common import cpu_s, on_core, put_first, rss_mib
from bedrock_client import make_certificate

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
AGENT = ROOT / "examples" / "dealership"
MODEL = "dealership"
SERVER_CORE, OTHERS_CORE = 0, 1
LAG_P99_MS = 10.0
"""Of the load generator; a run with more says nothing about the server."""

Nanoseconds = npt.NDArray[np.int64]


class Died(Exception):
    """A process of the benchmark ended before its time."""


class Piped:
    """A process that is talked to by lines."""

    def __init__(self, name: str, command: list[str], **environment: str) -> None:
        self.name = name
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment},
            start_new_session=True,
        )
        put_first(self.process.pid)

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def read(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        if not line:
            raise Died(f"{self.name} has ended; what it said is above")
        return line

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What so many calls cost. ``out`` is from the caller's sending a frame to the model's having its last sample,
    ``back`` from the model's sending sound to the caller's having it."""

    calls: int
    cpu_percent: float
    idle_mib: float
    rss_mib: float
    out_ms: dict[str, float]
    back_ms: dict[str, float]
    lag_ms: dict[str, float]
    lost_calls: int
    out_missing: int
    told: dict[str, Any]

    @property
    def valid(self) -> bool:
        return self.lag_ms["p99"] <= LAG_P99_MS and self.out_ms["p50"] >= 0  # a stall of ours is filled with silence

    @property
    def kib_per_call(self) -> float:
        return (self.rss_mib - self.idle_mib) * 1024 / self.calls

    @property
    def p99_ms(self) -> float:
        return max(self.out_ms["p99"], self.back_ms["p99"])

    def line(self) -> str:
        return (
            f"{self.calls:4} calls {self.cpu_percent:5.1f} % CPU"
            f" {self.rss_mib:7.1f} MiB {self.kib_per_call:6.0f} KiB a call"
            f"   out p50 {self.out_ms['p50']:6.2f} p99 {self.out_ms['p99']:7.2f} ms"
            f"   back p50 {self.back_ms['p50']:6.2f} p99 {self.back_ms['p99']:7.2f} ms"
            f"   load late p50 {self.lag_ms['p50']:5.2f} p99 {self.lag_ms['p99']:5.2f} ms"
            f"{'' if self.valid else '   (invalid: the load generator was late)'}"
        )


class Nova:
    """The far end. ``script`` is what plays it."""

    def __init__(self, folder: Path, script: str = "_nova_endpoint.py") -> None:
        self.certificate, key = make_certificate(folder)
        command = [sys.executable, str(HERE / script), str(self.certificate), str(key)]
        self._piped = Piped("the model", on_core(OTHERS_CORE, command))
        self.port = int(self._piped.read())

    def reset(self) -> None:
        self._piped.say("reset")
        self._piped.read()

    def report(self, path: Path) -> None:
        self._piped.say(f"report {path}")
        self._piped.read()

    def stop(self) -> None:
        self._piped.stop()


class Server:
    """``vivavoce serve``, in a process of its own. ``settings`` are the lines of its server.toml, ``program`` what
    Python is to run.
    """

    def __init__(
        self, nova: Nova, folder: Path, settings: str = "", program: tuple[str, ...] = ("-m", "vivavoce")
    ) -> None:
        config = folder / "server.toml"
        config.write_text(f"max_lag_ms = 10000\n{settings}")
        command = [sys.executable, *program, "serve", str(AGENT), "--json", "--port", "0", "--model"]
        command += ["nova-2-sonic", "--endpoint", f"https://127.0.0.1:{nova.port}", "--ca", str(nova.certificate)]
        command += ["--calls", str(folder / "calls"), "--config", str(config), "--max-calls", "1000", "--drain-s", "0"]
        began_s = time.monotonic()
        self._piped = Piped(
            "the server",
            on_core(SERVER_CORE, command),
            AWS_ACCESS_KEY_ID="AKIDEXAMPLE",
            AWS_SECRET_ACCESS_KEY="SECRETKEYEXAMPLE",
            AWS_DEFAULT_REGION="us-east-1",
            BENCHMARK_TWILIO_AUTH_TOKEN="a-token-of-the-benchmark",
        )
        told = json.loads(self._piped.read())
        self.ready_s = time.monotonic() - began_s
        self.pid = self._piped.process.pid  # taskset becomes what it starts
        self.port = int(told["url"].rpartition(":")[2])
        time.sleep(0.3)
        self.idle_mib = rss_mib(self.pid)

    def stop(self) -> None:
        self._piped.stop()

    @property
    def alive(self) -> bool:
        return self._piped.process.poll() is None


@contextmanager
def serving(
    folder: Path,
    settings: str = "",
    model: str = "_nova_endpoint.py",
    program: tuple[str, ...] = ("-m", "vivavoce"),
) -> Iterator[tuple[Nova, Server]]:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left running
    nova = Nova(folder, model)
    try:
        server = Server(nova, folder, settings, program)
        try:
            yield nova, server
        finally:
            server.stop()
    finally:
        nova.stop()


class Calls:
    """A load of so many calls, between :meth:`begin` and :meth:`finish`."""

    def __init__(self, nova: Nova, server: Server, folder: Path, calls: int, seconds: float, key: str = "") -> None:
        self._nova, self._server, self._folder, self._calls = nova, server, folder, calls
        settings = {
            "port": server.port,
            "model": MODEL,
            "calls": calls,
            "warm_s": 1.0,
            "measure_s": seconds,
            "file": str(folder / "sent.npz"),
            "key": key,
        }
        command = [sys.executable, str(HERE / "_realtime_load.py"), json.dumps(settings)]
        self._load = Piped("the load generator", on_core(OTHERS_CORE, command))
        self._began = (0.0, 0.0)

    def begin(self) -> None:
        """Returns when the measured time begins."""
        assert self._load.read() == "begin"
        self._began = cpu_s(self._server.pid), time.monotonic()

    def finish(self) -> Outcome:
        assert self._load.read() == "end"
        cpu, took_s = cpu_s(self._server.pid) - self._began[0], time.monotonic() - self._began[1]
        rss = rss_mib(self._server.pid)
        told = json.loads(self._load.read())
        self._nova.report(self._folder / "arrived.npz")
        self._load.process.wait()
        self._nova.reset()
        out_ns, missing = on_the_way_out(self._folder / "sent.npz", self._folder / "arrived.npz")
        return Outcome(
            calls=self._calls,
            cpu_percent=round(100 * cpu / took_s, 1),
            idle_mib=round(self._server.idle_mib, 1),
            rss_mib=round(rss, 1),
            out_ms=in_ms(out_ns),
            back_ms=told.pop("back_ms"),
            lag_ms=told.pop("lag_ms"),
            lost_calls=told.pop("lost_calls"),
            out_missing=missing,
            told=told,
        )


def on_the_way_out(sent_file: Path, arrived_file: Path) -> tuple[Nanoseconds, int]:
    """How long each frame sent in the measured time took until the model had its last sample, and how many frames it
    never had. Frames of the last half second do not count as missing: they may be on their way."""
    sent, arrived = np.load(sent_file), np.load(arrived_file)
    begin_ns, end_ns = sent["window"]
    took: list[Nanoseconds] = []
    missing = 0
    for session, clap_frame in sent["claps"]:
        sent_ns: Nanoseconds = sent[f"sent_{session}"]
        clap = arrived["claps"][session]
        if clap < 0 or clap_frame < 0:
            sys.exit("a call's clap was not heard by the model")
        behind, at_ns = arrived[f"arrivals_{session}"].T
        frames = clap_frame + np.arange(len(sent_ns) - clap_frame)
        ends = clap + (frames - clap_frame + 1) * FRAME_SAMPLES_AT_MODEL
        # A filter keeps some samples back until the next frame: that is delay by design, a part of a millisecond, and
        # not counted here.
        event = np.searchsorted(behind, ends - FRAME_SAMPLES_AT_MODEL // 4)
        there = event < len(at_ns)
        in_window = (sent_ns[frames] >= begin_ns) & (sent_ns[frames] < end_ns - 500_000_000)
        missing += int((in_window & ~there).sum())
        chosen = in_window & there
        took.append(at_ns[event[chosen]] - sent_ns[frames[chosen]])
    return np.concatenate(took), missing


def in_ms(took_ns: Nanoseconds) -> dict[str, float]:
    p50, p99 = np.percentile(took_ns, (50, 99)) if len(took_ns) else (0.0, 0.0)
    return {"count": len(took_ns), "p50": round(float(p50) / 1e6, 3), "p99": round(float(p99) / 1e6, 3)}
