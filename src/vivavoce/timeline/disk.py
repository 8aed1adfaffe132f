"""One thread that does a process's blocking writes, so that no call waits for a disk.

Callers append to a file's buffer in memory, which costs a microsecond; the thread writes all buffers about every
``interval_s`` and syncs once a second. After ``kill -9`` at most that interval is missing; after a power cut at most
about a second.

When a disk is full, a reserve that each file set aside at its opening is given back, so that the lines that close a
call can still be written, and the failure is reported once to whoever opened the file.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from vivavoce.errors import StoreFault

RESERVE_BYTES: Final = 65_536
_SYNC_EVERY_ROUNDS: Final = 20


class Sink(Protocol):
    """Where bytes go for good. Every method may block and may raise OSError or :class:`StoreFault`."""

    path: Path

    def write(self, data: bytes) -> None: ...

    def sync(self) -> None: ...

    def close(self) -> None: ...


class RawSink:
    """A file that grows at its end, with a reserve beside it for its last lines."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._reserve = path.with_name(path.name + ".reserve")
        with contextlib.suppress(OSError):
            self._reserve.write_bytes(b"\0" * RESERVE_BYTES)

    def write(self, data: bytes) -> None:
        """On a full disk the reserve is given back and spent; the fault is raised all the same, so that it is known."""
        rest = memoryview(data)
        full: OSError | None = None
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except OSError as error:
                if full is not None or not self._reserve.exists():
                    raise
                full = error
                self._reserve.unlink()
        if full is not None:
            raise full

    def sync(self) -> None:
        os.fsync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)
        self._reserve.unlink(missing_ok=True)


class AppendFile:
    """A sink with its buffer. ``append`` may be called from any thread and does not block."""

    def __init__(self, sink: Sink, on_failure: Callable[[str], None]) -> None:
        self.failure = ""
        self._sink = sink
        self._on_failure = on_failure
        self._buffer = bytearray()
        self._closed = False
        self._appending = threading.Lock()  # held for a copy, never for a write
        self._writing = threading.Lock()  # keeps what was appended first first

    def append(self, data: bytes) -> None:
        with self._appending:
            self._buffer += data

    def flush(self, *, sync: bool = False) -> None:
        """Write what is buffered. Blocks, and never raises: the first failure is reported and kept in ``failure``."""
        with self._writing:
            if not self._closed:
                self._guard(self._write, sync)

    def close(self) -> None:
        """Write the last of it, for good. Blocks, and never raises."""
        with self._writing:
            if not self._closed:
                self._closed = True
                self._guard(self._write, True)
                self._guard(self._sink.close)

    def _write(self, sync: bool) -> None:
        with self._appending:
            data, self._buffer = self._buffer, bytearray()
        if data:
            self._sink.write(bytes(data))
        if sync:
            self._sink.sync()

    def _guard(self, action: Callable[..., None], *arguments: object) -> None:
        try:
            action(*arguments)
        except (OSError, StoreFault) as error:
            if not self.failure:
                why = error.strerror if isinstance(error, OSError) else str(error)
                self.failure = f"cannot write {self._sink.path}: {why}"
                self._on_failure(self.failure)


class Disk:
    """Starts its thread with the first file and ends it with :meth:`stop`."""

    def __init__(self, interval_s: float = 0.05) -> None:
        self._interval_s = interval_s
        self._files: set[AppendFile] = set()
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._stopping = False

    def open(self, make_sink: Callable[[], Sink], path: Path, on_failure: Callable[[str], None]) -> AppendFile:
        """``make_sink`` opens ``path``, whose folder is made first; ``on_failure`` gets the first failure as text, on
        the
        disk thread. Raises :class:`StoreFault` if the file cannot even be begun."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = AppendFile(make_sink(), on_failure)
        except OSError as error:
            raise StoreFault(
                f"cannot write {path}: {error.strerror}", hint="choose a folder with room that you may write to"
            ) from error
        with self._lock:
            self._files.add(file)
            if self._thread is None:
                self._stopping = False
                self._thread = threading.Thread(target=self._run, name="vivavoce-disk", daemon=True)
                self._thread.start()
        return file

    def close(self, file: AppendFile) -> None:
        """Write the last of it. Blocks until the disk has it: call it off the event loop."""
        with self._lock:
            self._files.discard(file)
        file.close()

    def stop(self) -> None:
        with self._lock:
            self._stopping = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        rounds = 0
        while True:
            with self._lock:
                if not self._stopping:
                    self._wake.wait(self._interval_s)
                if self._stopping:
                    return
                files = list(self._files)
            rounds += 1
            for file in files:
                file.flush(sync=rounds % _SYNC_EVERY_ROUNDS == 0)
