"""Reading in a process of its own gives what reading here gives, and its death is a fault that passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Timer

import numpy as np
import pytest
import soundfile
from _long_call import long_call

from tests.unit.store.keeping import write_call
from vivavoce.errors import StoreFault, TimelineError
from vivavoce.store.apart import ReaderApart
from vivavoce.store.reading import ReadCall, read_call
from vivavoce.timeline.schema import decode_header
from vivavoce.timeline.write import RECORDING_FILE, TIMELINE_FILE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def reader() -> Iterator[ReaderApart]:
    with ReaderApart() as reader:
        yield reader


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A call of a minute, with sound."""
    raw = long_call(1)
    folder = tmp_path / decode_header(raw.splitlines()[0]).call
    folder.mkdir()
    (folder / TIMELINE_FILE).write_bytes(raw)
    noise = np.random.default_rng(1).normal(0, 1500, (60 * 8_000, 2)).astype(np.int16)
    soundfile.write(folder / RECORDING_FILE, noise, 8_000, subtype="PCM_16")
    return folder


def test_it_reads_what_reading_here_reads(
    reader: ReaderApart, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = reader.read(folder)
    assert read == read_call(folder)
    assert read.recording_bytes > 10**6
    torn = write_call(tmp_path, "cut", ended=False)
    assert reader.read(torn).record.torn
    monkeypatch.chdir(tmp_path)
    assert reader.read(Path("cut")) == read_call(torn)  # wherever it was started


@pytest.mark.parametrize("read", [read_call, None], ids=["here", "apart"])
def test_what_cannot_be_read_is_the_same_error(
    reader: ReaderApart, tmp_path: Path, read: Callable[[Path], ReadCall] | None
) -> None:
    read = read or reader.read
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none")
    with pytest.raises(TimelineError, match="record") as refused:
        read(write_call(tmp_path, "bad", more=b"nonsense\n"))
    assert "damaged" in refused.value.hint
    (tmp_path / "folder" / TIMELINE_FILE).mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        read(tmp_path / "folder")


def test_a_process_that_dies_is_a_fault_and_the_next_call_gets_another(folder: Path) -> None:
    with ReaderApart() as reader:
        reader.read(folder)
        assert reader._process is not None
        reader._process.kill()
        with pytest.raises(StoreFault, match="died"):
            reader.read(folder)
        assert reader.read(folder) == read_call(folder)


def test_closing_ends_who_waits(tmp_path: Path) -> None:
    import os

    (tmp_path / "endless").mkdir()
    os.mkfifo(tmp_path / "endless" / TIMELINE_FILE)  # reading it never ends
    reader = ReaderApart()
    closing = Timer(0.3, reader.close)
    closing.start()
    with pytest.raises(StoreFault, match="died"):
        reader.read(tmp_path / "endless")
    closing.join()
