"""The disk's thread: order, failure, and nothing left out or left behind."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from vivavoce.errors import StoreFault, UsageError
from vivavoce.timeline.disk import RESERVE_BYTES, AppendFile, Disk, RawSink, Sink

NEVER_S = 3600.0
"""An interval at which only what a test does itself is written."""


class FakeSink:
    """Keeps what it took; ``room`` is how much more it takes, ``raises`` what it says then."""

    def __init__(self, room: int = 10**9, raises: Exception | None = None) -> None:
        self.room = room
        self.raises = raises or OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.taken = b""
        self.calls: list[str] = []

    def write(self, data: bytes) -> int:
        self.calls.append("write")
        if not self.room:
            raise self.raises
        taken = data[: self.room]
        self.taken += taken
        self.room -= len(taken)
        return len(taken)

    def sync(self) -> None:
        self.calls.append("sync")

    def close(self) -> None:
        self.calls.append("close")


@pytest.fixture
def failures() -> list[str]:
    return []


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk(interval_s=0.001)
    yield disk
    disk.stop()


def file_on(sink: Sink, failures: list[str]) -> AppendFile:
    return AppendFile(Path("calls/one/timeline.jsonl"), lambda: sink, failures.append)


def raw_file(path: Path, failures: list[str]) -> AppendFile:
    return AppendFile(path, lambda: RawSink(path), failures.append)


def disk_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "vivavoce-disk"]


class SmallDisk:
    """Stands for ``os.write`` on a disk of which the reserve leaves ``room`` bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        self.room = room
        self.sink: RawSink | None = None
        self._write = os.write
        monkeypatch.setattr(os, "write", self.write)

    def write(self, descriptor: int, data: bytes) -> int:
        given_back = self.sink is not None and self.sink._reserve is None
        room = self.room + (RESERVE_BYTES if given_back else 0)
        if not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self._write(descriptor, data[:room])
        self.room -= written
        return written


# -- a file and its buffer ---------------------------------------------------------------------------------------------


def test_a_flush_writes_what_was_appended_and_syncs_if_told(failures: list[str]) -> None:
    sink = FakeSink()
    file = file_on(sink, failures)
    file.append(b"one ")
    file.append(b"two ")
    file.flush()
    file.flush()
    file.append(b"three")
    file.flush(sync=True)
    assert sink.taken == b"one two three"
    assert sink.calls == ["write", "write", "sync"]
    assert failures == []


def test_close_writes_all_syncs_and_closes_once(failures: list[str]) -> None:
    sink = FakeSink()
    file = file_on(sink, failures)
    file.append(b"last")
    file.close()
    file.close()
    file.flush()
    assert sink.taken == b"last"
    assert sink.calls == ["write", "sync", "close"]


def test_a_disk_that_takes_a_part_is_given_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    file = raw_file(tmp_path / "t", [])
    file.append(b"0123456789")
    file.close()
    assert (tmp_path / "t").read_bytes() == b"0123456789"


def test_what_is_refused_is_kept_and_tried_again_without_a_hole(failures: list[str]) -> None:
    sink = FakeSink(room=3)
    file = file_on(sink, failures)
    for line in (b"one\n", b"two\n", b"three\n"):
        file.append(line)
        file.flush()
    assert sink.taken == b"one"
    sink.room = 100
    file.flush()
    file.append(b"four\n")
    file.close()
    assert sink.taken == b"one\ntwo\nthree\nfour\n"


def test_a_failure_is_reported_once_and_names_the_file(failures: list[str]) -> None:
    sink = FakeSink(room=0)
    file = file_on(sink, failures)
    for _ in range(3):
        file.append(b"line\n")
        file.flush(sync=True)
    file.close()
    why = "cannot write calls/one/timeline.jsonl: No space left on device (free some space, or choose another folder)"
    assert failures == [why]
    assert file.failure == why
    assert sink.calls[-1] == "close"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError("went away"), "timeline.jsonl: went away (free"),
        (StoreFault("cannot write audio.wav: full", hint="free some"), "cannot write audio.wav: full (free some)"),
        (UsageError("the caller said something private"), "timeline.jsonl: unexpected UsageError"),
    ],
)
def test_each_kind_of_failure_is_told(failures: list[str], error: Exception, told: str) -> None:
    file = file_on(FakeSink(room=0, raises=error), failures)
    file.append(b"line\n")
    file.flush()
    assert len(failures) == 1
    assert failures[0].endswith(told) or told in failures[0]
    assert failures[0].count("cannot write") == 1
    assert "private" not in failures[0]


def test_a_sink_that_cannot_be_made_is_a_failure_and_is_tried_again(failures: list[str], tmp_path: Path) -> None:
    sink = FakeSink()
    broken = [OSError(errno.EACCES, os.strerror(errno.EACCES))]

    def make() -> Sink:
        if broken:
            raise broken.pop()
        return sink

    file = AppendFile(tmp_path / "t", make, failures.append)
    file.append(b"line\n")
    file.flush()
    assert len(failures) == 1
    assert "Permission denied" in failures[0]
    file.close()
    assert sink.taken == b"line\n"


def test_flush_and_close_may_race(failures: list[str]) -> None:
    for _ in range(20):
        sink = FakeSink()
        file = file_on(sink, failures)
        file.append(b"all of it")
        gate = threading.Barrier(3)

        def at_once(action: str, file: AppendFile = file, gate: threading.Barrier = gate) -> None:
            gate.wait()
            getattr(file, action)()

        threads = [threading.Thread(target=at_once, args=(action,)) for action in ("flush", "close", "close")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sink.taken == b"all of it"
        assert sink.calls.count("close") == 1
        assert sink.calls[-1] == "close"


# -- a real file -------------------------------------------------------------------------------------------------------


def test_a_file_is_private_and_new(tmp_path: Path) -> None:
    file = raw_file(tmp_path / "calls" / "one" / "t", [])
    file.open()
    file.close()
    assert (tmp_path / "calls" / "one" / "t").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        raw_file(tmp_path / "calls" / "one" / "t", []).open()


def test_the_reserve_takes_room_and_has_no_name(tmp_path: Path) -> None:
    """It is gone with its process, so a crash leaves no litter."""
    sink = RawSink(tmp_path / "t")
    assert sink._reserve is not None
    assert os.fstat(sink._reserve.fileno()).st_size == RESERVE_BYTES
    assert [path.name for path in tmp_path.iterdir()] == ["t"]
    sink.close()
    assert sink._reserve is None


def test_on_a_full_disk_the_last_lines_go_into_the_reserve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: list[str]
) -> None:
    path = tmp_path / "t"
    file = raw_file(path, failures)
    small = SmallDisk(monkeypatch, room=10)
    sink = file.open()
    assert isinstance(sink, RawSink)
    small.sink = sink
    file.append(b"line one\nline two\n")
    file.flush()
    assert path.read_bytes() == b"line one\nl"
    assert len(failures) == 1
    assert str(path) in failures[0]
    file.append(b"closed\n")  # the call hears of it, and ends
    file.close()
    assert path.read_bytes() == b"line one\nline two\nclosed\n"
    assert len(failures) == 1


def test_a_disk_that_is_only_full_at_the_close_takes_it_from_the_reserve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: list[str]
) -> None:
    file = raw_file(tmp_path / "t", failures)
    small = SmallDisk(monkeypatch, room=0)
    sink = file.open()
    assert isinstance(sink, RawSink)
    small.sink = sink
    file.append(b"closed\n")
    file.close()
    assert (tmp_path / "t").read_bytes() == b"closed\n"
    assert len(failures) == 1


def test_a_disk_without_room_for_the_reserve_may_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(**_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(tempfile, "TemporaryFile", no_room)
    file = raw_file(tmp_path / "t", [])
    file.append(b"short call\n")
    file.close()
    assert (tmp_path / "t").read_bytes() == b"short call\n"


def test_the_device_that_is_always_full(failures: list[str]) -> None:
    class Full(RawSink):
        def __init__(self) -> None:
            self._descriptor = os.open("/dev/full", os.O_WRONLY)
            self._reserve = None

    file = AppendFile(Path("/dev/full"), Full, failures.append)
    file.append(b"line\n")
    file.flush()
    file.close()
    assert failures == ["cannot write /dev/full: No space left on device (free some space, or choose another folder)"]


# -- the thread --------------------------------------------------------------------------------------------------------


def test_nothing_runs_before_the_first_file_or_after_the_stop(tmp_path: Path) -> None:
    disk = Disk()
    assert disk_threads() == []
    disk.stop()
    disk.open(tmp_path / "t", FakeSink, print)
    assert len(disk_threads()) == 1
    disk.open(tmp_path / "u", FakeSink, print)
    assert len(disk_threads()) == 1
    disk.stop()
    disk.stop()
    assert disk_threads() == []


def test_the_thread_writes_by_itself(disk: Disk, tmp_path: Path) -> None:
    written = threading.Event()

    class Told(FakeSink):
        def sync(self) -> None:
            super().sync()
            written.set()

    sink = Told()
    file = disk.open(tmp_path / "t", lambda: sink, print)
    file.append(b"line\n")
    assert written.wait(20)
    assert sink.taken == b"line\n"


def test_stop_writes_what_is_left_and_a_new_file_starts_again(tmp_path: Path) -> None:
    disk = Disk(NEVER_S)
    sink = FakeSink()
    file = disk.open(tmp_path / "t", lambda: sink, print)
    file.append(b"one ")
    disk.stop()
    assert sink.taken == b"one "
    file.append(b"two")
    other = disk.open(tmp_path / "u", FakeSink, print)
    assert len(disk_threads()) == 1
    disk.close(other)
    disk.close(file)
    disk.stop()
    assert sink.taken == b"one two"
    assert disk_threads() == []


def test_a_closed_file_is_let_go(tmp_path: Path) -> None:
    disk = Disk(NEVER_S)
    sink = FakeSink()
    disk.close(disk.open(tmp_path / "t", lambda: sink, print))
    disk.stop()
    assert sink.calls == ["sync", "close"]
    assert disk._files == set()


def test_order_is_kept_from_many_threads(disk: Disk, tmp_path: Path) -> None:
    path = tmp_path / "t"
    file = disk.open(path, lambda: RawSink(path), print)

    def write(name: int) -> None:
        for number in range(200):
            file.append(b"%d %d\n" % (name, number))

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    disk.close(file)
    lines = [tuple(map(int, line.split())) for line in path.read_text().splitlines()]
    assert len(lines) == 800
    for name in range(4):
        assert [number for writer, number in lines if writer == name] == list(range(200))


def test_one_file_that_breaks_does_not_stop_the_others(disk: Disk, tmp_path: Path) -> None:
    heard = threading.Event()
    disk.open(tmp_path / "t", lambda: FakeSink(0, UsageError("odd")), lambda _: heard.set()).append(b"x")
    assert heard.wait(20)
    path = tmp_path / "u"
    file = disk.open(path, lambda: RawSink(path), print)
    file.append(b"still written\n")
    disk.close(file)
    assert path.read_bytes() == b"still written\n"
    assert len(disk_threads()) == 1


def test_a_folder_that_cannot_be_written_is_refused_at_once(disk: Disk, tmp_path: Path) -> None:
    (tmp_path / "calls").write_text("a file in the place of the folder")
    path = tmp_path / "calls" / "one" / "t"
    with pytest.raises(StoreFault, match=r"cannot write .*calls/one/t: ") as refused:
        disk.open(path, lambda: RawSink(path), print)
    assert "choose a folder" in refused.value.hint
    assert refused.value.retryable
    assert disk_threads() == []
    assert disk._files == set()


def test_a_file_that_is_opened_later_reports_that_it_cannot_be(tmp_path: Path, failures: list[str]) -> None:
    (tmp_path / "calls").write_text("a file in the place of the folder")
    path = tmp_path / "calls" / "t"
    disk = Disk(NEVER_S)
    file = disk.open_later(path, lambda: RawSink(path), failures.append)
    disk.close(file)
    disk.stop()
    assert len(failures) == 1
    assert str(path) in failures[0]
