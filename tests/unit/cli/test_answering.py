"""Ctrl-C and its like at any moment, and a disk that is full: real processes, and real signals."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.house.source import ROOT
from tests.unit.cli.agents import NEVER_READY, USES_A_TOOL, write_agent, write_tone
from vivavoce.cli.exits import Exit
from vivavoce.events import CloseCall, Disposition
from vivavoce.timeline.read import Timeline, read_timeline
from vivavoce.timeline.replay import replay

LIMIT_S = 20.0
MARK = "VIVAVOCE_TEST_MARK"
SPEAKS_FOR_A_MINUTE = '[[step]]\nwhen = "speak"\nsay = { ms = 60000 }\n'


@dataclass
class Running:
    """A command in a process of its own. Its children inherit ``mark`` and are found by it."""

    process: subprocess.Popen[str]
    calls: Path
    mark: str

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < deadline, "it never came to that"
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.005)

    def wait_for_line(self, kind: str) -> None:
        """Until a fact or wish of this kind is on disk."""
        self.wait_for(lambda: any(f'"type":"{kind}"' in path.read_text("utf-8") for path in self.timelines))

    def end(self) -> tuple[int, str]:
        """Its exit code and what it said on standard error. It has ended in time and left no process behind."""
        _, err = self.process.communicate(timeout=LIMIT_S)
        deadline = time.monotonic() + 5
        while self.processes:
            assert time.monotonic() < deadline, f"left behind: {self.processes}"
            time.sleep(0.02)
        return self.process.returncode, err

    @property
    def timelines(self) -> list[Path]:
        return list(self.calls.glob("*/timeline.jsonl"))

    @property
    def timeline(self) -> Timeline:
        (path,) = self.timelines
        return read_timeline(path)

    @property
    def processes(self) -> list[str]:
        wanted = f"{MARK}={self.mark}".encode()
        return [place.parent.name for place in Path("/proc").glob("[0-9]*/environ") if wanted in _read(place)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended meanwhile, or is another user's
        return b""


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Running] = []

    def begin(*arguments: str | Path, limit_bytes: int | None = None) -> Running:
        def prepare() -> None:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
            if limit_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

        calls, mark = tmp_path / "calls", uuid.uuid4().hex
        command = [sys.executable, "-m", "vivavoce", *map(str, arguments), "--calls", str(calls)]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, MARK: mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=prepare,  # noqa: PLW1509  # there are no threads here
        )
        started.append(Running(process, calls, mark))
        return started[-1]

    yield begin
    for running in started:
        running.process.kill()
        running.process.communicate()


def assert_stopped(running: Running, *reasons: str) -> None:
    """The call was closed in good order, and all of it was kept."""
    timeline = running.timeline
    assert not timeline.torn
    assert timeline.closed in [CloseCall(Disposition.STOPPED, reason) for reason in reasons]
    assert timeline.lines[-1].value == timeline.closed
    assert replay(timeline).identical


KEYBOARD = "interrupted from the keyboard"


@pytest.mark.slow
@pytest.mark.parametrize("delay_s", [0.05, 0.2, 0.4])
def test_ctrl_c_before_or_while_the_call_begins(start: Start, tmp_path: Path, delay_s: float) -> None:
    running = start("call", write_agent(tmp_path / "agent", NEVER_READY), "--wav", write_tone(tmp_path / "tone.wav"))
    time.sleep(delay_s)
    running.process.send_signal(signal.SIGINT)
    code, err = running.end()
    if running.timelines:
        assert code == Exit.INTERRUPTED
        assert running.timeline.closed is not None
        assert running.timeline.closed.disposition is Disposition.STOPPED
        assert replay(running.timeline).identical
    elif re.search(r'exits\.py", line \d+, in run\b', err) or "error: interrupted" in err:
        # CPython ends a process as one that the signal killed if it came within exec(), which makes dataclasses; to a
        # shell both are 130.
        assert code in (Exit.INTERRUPTED, -signal.SIGINT)
    else:
        assert code in (Exit.INTERRUPTED, -signal.SIGINT, 1), "the interpreter itself was interrupted as it started"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (signal.SIGINT, KEYBOARD),
        (signal.SIGTERM, "the process was asked to end"),
        (signal.SIGHUP, "the terminal was closed"),
    ],
)
def test_a_signal_in_the_middle_of_talk_ends_the_call_politely(
    start: Start, tmp_path: Path, number: signal.Signals, reason: str
) -> None:
    agent = write_agent(tmp_path / "agent", SPEAKS_FOR_A_MINUTE, more="[recording]\nkeep = true\n")
    running = start("call", agent, "--wav", write_tone(tmp_path / "tone.wav"), "--json")
    running.wait_for_line("PlayoutProgress")
    running.process.send_signal(number)
    out, err = running.process.communicate(timeout=LIMIT_S)
    assert (running.process.returncode, err) == (Exit.INTERRUPTED, "")
    told = json.loads(out)
    assert (told["disposition"], told["reason"], told["replay_identical"]) == ("stopped", reason, True)
    assert Path(told["files"]["recording"]).stat().st_size > 44
    assert_stopped(running, reason)


@pytest.mark.slow
def test_ctrl_c_while_the_model_loads(start: Start) -> None:
    running = start("demo")
    running.wait_for_line("OpenModel")
    running.process.send_signal(signal.SIGINT)
    assert running.end() == (Exit.INTERRUPTED, "")
    assert_stopped(running, KEYBOARD)


@pytest.mark.slow
def test_ctrl_c_while_the_embedded_model_speaks(start: Start) -> None:
    running = start("demo")
    running.wait_for_line("PlayoutProgress")
    assert len(running.processes) >= 3, "the command, an ear and a mouth"
    running.process.send_signal(signal.SIGINT)
    assert running.end() == (Exit.INTERRUPTED, "")
    assert_stopped(running, KEYBOARD)


@pytest.mark.slow
@pytest.mark.parametrize("gap_s", [0.0, 0.005, 0.03, 0.1])
def test_ctrl_c_twice(start: Start, gap_s: float) -> None:
    running = start("demo")
    running.wait_for_line("ModelReady")
    running.process.send_signal(signal.SIGINT)
    time.sleep(gap_s)
    running.process.send_signal(signal.SIGINT)
    code, err = running.end()
    assert code == Exit.INTERRUPTED
    assert err.strip() in {"", "error: interrupted"}
    # Two signals at once may be seen as one cancellation.
    assert_stopped(running, KEYBOARD, "interrupted")


@pytest.mark.slow
def test_ctrl_c_while_a_tool_hangs(start: Start, tmp_path: Path) -> None:
    agent = write_agent(tmp_path / "agent", USES_A_TOOL, "time.sleep(60)")
    running = start("call", agent, "--wav", write_tone(tmp_path / "tone.wav"))
    running.wait_for_line("RunTool")
    running.process.send_signal(signal.SIGINT)
    assert running.end() == (Exit.INTERRUPTED, "")
    assert_stopped(running, KEYBOARD)


@pytest.mark.slow
def test_three_times_gets_out_of_a_tool_that_blocks_the_loop(start: Start, tmp_path: Path) -> None:
    agent = write_agent(tmp_path / "agent", USES_A_TOOL, "time.sleep(60)")
    tools = agent / "tools.py"
    tools.write_text(tools.read_text("utf-8").replace("def act", "async def act"), "utf-8")
    running = start("call", agent, "--wav", write_tone(tmp_path / "tone.wav"))
    running.wait_for_line("RunTool")
    time.sleep(0.1)
    for _ in range(3):
        running.process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    code, _ = running.end()
    assert code == Exit.INTERRUPTED
    assert running.timeline.closed is not None
    assert replay(running.timeline).identical


@pytest.mark.slow
def test_ctrl_c_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    """As for a job in the background of a shell script, or under nohup."""
    agent = write_agent(tmp_path / "agent")
    command = [sys.executable, "-m", "vivavoce", "call", str(agent), "--wav", str(write_tone(tmp_path / "tone.wav"))]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509
    )
    assert process.stdout is not None
    process.stdout.readline()  # the greeting
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == Exit.OK
    assert "completed: the caller hung up" in out


@pytest.mark.slow
@pytest.mark.parametrize("limit_bytes", [0, 2_000, 20_000])
def test_a_full_disk(start: Start, tmp_path: Path, limit_bytes: int) -> None:
    """A limit on the size of files is as good as a disk without room."""
    agent = write_agent(tmp_path / "agent", SPEAKS_FOR_A_MINUTE, more="[recording]\nkeep = true\n")
    tone = write_tone(tmp_path / "tone.wav")
    running = start("call", agent, "--wav", tone, limit_bytes=limit_bytes)
    out, err = running.process.communicate(timeout=LIMIT_S)
    assert running.process.returncode == Exit.STORE
    assert "Traceback" not in err
    assert "cannot write " in out + err
    assert "File too large" in out + err
    if limit_bytes == 20_000:
        kept = running.timeline
        assert replay(kept).identical, "what was kept is a beginning of what happened"


@pytest.mark.slow
def test_nobody_reads_any_more(start: Start, tmp_path: Path) -> None:
    running = start("call", write_agent(tmp_path / "agent"), "--wav", write_tone(tmp_path / "tone.wav"))
    assert running.process.stdout is not None
    running.process.stdout.readline()
    running.process.stdout.close()
    assert running.process.wait(LIMIT_S) == Exit.OK
    assert running.process.stderr is not None
    assert running.process.stderr.read() == ""
    assert running.timeline.closed == CloseCall(Disposition.COMPLETED, "the caller hung up")


def test_what_runs_beside_a_call_ends_with_it(tmp_path: Path) -> None:
    from vivavoce.cli.answering import _running

    ended: list[str] = []

    async def beside() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("beside")

    async def main() -> None:
        async with _running(beside()):
            await asyncio.sleep(0)
        async with _running(None):
            ended.append("alone")

    asyncio.run(main())
    assert ended == ["beside", "alone"]
