"""Writing one call's timeline, and the sound beside it, through a :class:`~vivavoce.timeline.disk.Disk`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vivavoce.events import Effect, Event, Instant
from vivavoce.timeline.disk import AppendFile, Disk, RawSink
from vivavoce.timeline.schema import Header, encode_header, encode_line

TIMELINE_FILE = "timeline.jsonl"
RECORDING_FILE = "audio.wav"


class TimelineWriter:
    """Appends a call's facts and wishes, in the order given, to ``folder/timeline.jsonl``.

    ``write`` costs microseconds and never blocks; ``on_failure`` hears, on another thread, when the disk refuses.
    """

    def __init__(self, disk: Disk, folder: Path, header: Header, on_failure: Callable[[str], None]) -> None:
        """Begins the file, which blocks for a moment. Raises :class:`~vivavoce.errors.StoreFault` if it cannot."""
        path = folder / TIMELINE_FILE
        self.folder = folder
        self._disk = disk
        self._file: AppendFile = disk.open(path, lambda: RawSink(path), on_failure)
        self._number = 0
        self._file.append(encode_header(header))

    @property
    def failure(self) -> str:
        return self._file.failure

    def write(self, at: Instant, value: Event | Effect) -> None:
        self._file.append(encode_line(self._number, at, value))
        self._number += 1

    def close(self) -> None:
        """Blocks until the disk has all of it."""
        self._disk.close(self._file)
