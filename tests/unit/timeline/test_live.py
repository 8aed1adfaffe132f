"""The lock tells a call that goes on from one that was cut off, whoever looks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from vivavoce.timeline.disk import RawSink
from vivavoce.timeline.live import QUIET_S, is_live

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
LATER = NOW + timedelta(days=365)


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[RawSink]:
    sink = RawSink(tmp_path / "t")
    yield sink
    sink.close()


def written_at(path: Path, instant: datetime) -> Path:
    path.touch()
    os.utime(path, (instant.timestamp(), instant.timestamp()))
    return path


def test_a_file_is_live_until_it_is_closed_however_long_nobody_writes(tmp_path: Path) -> None:
    sink = RawSink(tmp_path / "t")
    assert is_live(tmp_path / "t", LATER)
    assert is_live(tmp_path / "t", LATER)  # looking takes nothing away
    sink.close()
    assert not is_live(tmp_path / "t", NOW)


def test_a_file_of_a_process_that_died_is_not_live(tmp_path: Path) -> None:
    program = "import sys, pathlib; from vivavoce.timeline.disk import RawSink; RawSink(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "t")], check=True)
    assert not is_live(tmp_path / "t", NOW)


def test_many_may_look_at_once(sink: RawSink, tmp_path: Path) -> None:
    """A look is a shared lock: one that looks does not make the file live for another."""
    other = written_at(tmp_path / "u", NOW)
    with other.open("rb") as looking:
        import fcntl

        fcntl.flock(looking, fcntl.LOCK_SH)
        assert not is_live(other, NOW)
    assert is_live(tmp_path / "t", NOW)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        is_live(tmp_path / "t", NOW)


@pytest.mark.parametrize(("quiet_s", "live"), [(0, True), (QUIET_S - 1, True), (QUIET_S, False), (QUIET_S + 1, False)])
def test_without_locks_the_age_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet_s: float, live: bool
) -> None:
    def none_here(*_: object) -> None:
        raise OSError(95, "not supported")

    monkeypatch.setattr("fcntl.flock", none_here)
    RawSink(tmp_path / "made").close()  # a call is kept all the same
    path = written_at(tmp_path / "t", NOW - timedelta(seconds=quiet_s))
    assert is_live(path, NOW) is live
