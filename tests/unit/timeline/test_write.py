"""A call's timeline on its way to the disk."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.unit.timeline.recorded import HEADER, busy_call
from vivavoce.errors import StoreFault
from vivavoce.timeline.disk import Disk
from vivavoce.timeline.read import read_timeline
from vivavoce.timeline.replay import replay
from vivavoce.timeline.write import TIMELINE_FILE, TimelineWriter


def test_a_call_is_on_disk_once_it_is_closed(tmp_path: Path) -> None:
    failures: list[str] = []
    disk = Disk()
    writer = TimelineWriter(disk, tmp_path / "calls" / "one", HEADER, failures.append)
    call = busy_call()
    for line in call.lines:
        writer.write(line.instant, line.value)
    writer.close()
    disk.stop()
    timeline = read_timeline(tmp_path / "calls" / "one")
    assert timeline.header == HEADER
    assert timeline.lines == tuple(call.lines)
    assert replay(timeline).identical
    assert [path.name for path in writer.folder.iterdir()] == [TIMELINE_FILE]
    assert (writer.failure, failures) == ("", [])


def test_another_calls_timeline_is_never_written_to(tmp_path: Path) -> None:
    (tmp_path / TIMELINE_FILE).write_bytes(b"another call's")
    with pytest.raises(StoreFault, match="File exists"):
        TimelineWriter(Disk(), tmp_path, HEADER, print)
    assert (tmp_path / TIMELINE_FILE).read_bytes() == b"another call's"


PEER = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from tests.unit.timeline.recorded import HEADER, busy_call
    from vivavoce.timeline.disk import Disk
    from vivavoce.timeline.write import TimelineWriter

    failures = []
    writer = TimelineWriter(Disk(), Path(sys.argv[1]), HEADER, failures.append)
    lines = busy_call().lines
    """
)


def peer(script: str, folder: Path, **options: object) -> subprocess.Popen[str]:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", PEER + textwrap.dedent(script), str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "src")])}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.slow
def test_a_killed_process_leaves_what_it_wrote_a_moment_before(tmp_path: Path) -> None:
    process = peer(
        """
        for line in lines[:60]:
            writer.write(line.instant, line.value)
        time.sleep(0.2)
        print("written", flush=True)
        for line in lines[60:]:
            time.sleep(0.001)
            writer.write(line.instant, line.value)
        time.sleep(60)
        """,
        tmp_path,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    timeline = read_timeline(tmp_path)
    assert len(timeline.lines) >= 60
    assert timeline.lines == tuple(busy_call().lines[: len(timeline.lines)])
    assert timeline.closed is None
    assert replay(timeline).identical
    assert [path.name for path in tmp_path.iterdir()] == [TIMELINE_FILE]


@pytest.mark.slow
def test_a_file_that_may_not_grow_holds_a_beginning_and_says_so(tmp_path: Path) -> None:
    limit = len(busy_call().raw) // 2
    process = peer(
        """
        for line in lines:
            writer.write(line.instant, line.value)
        writer.close()
        print(*failures, sep="\\n")
        """,
        tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(output.splitlines()) == 1
    assert f"cannot write {tmp_path / TIMELINE_FILE}: File too large" in output
    timeline = read_timeline(tmp_path)
    assert (tmp_path / TIMELINE_FILE).stat().st_size == limit
    assert 0 < len(timeline.lines) < len(busy_call().lines)
    assert replay(timeline).identical
