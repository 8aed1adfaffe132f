"""One thread that does a process's blocking writes, so that no call waits for a disk.

Callers append to a file's buffer in memory, which costs a microsecond; the thread writes all buffers about every
``interval_s`` and syncs once a second. After ``kill -9`` at most that interval is missing; after a power cut at most
about a second.

What a disk refuses stays in the buffer and is tried again, so a file is at every moment a beginning of what was
appended, without holes. The first failure is reported once to whoever opened the file.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Final, Protocol

from vivavoce.errors import StoreFault
from vivavoce.timeline.live import claim

RESERVE_BYTES: Final = 65_536
_SYNC_EVERY_ROUNDS: Final = 20


class Sink(Protocol):
    """Where bytes go for good. Every method may block and may raise OSError or :class:`StoreFault`."""

    def write(self, data: bytes) -> int:
        """How many bytes it took, at least one; if it raises it took none."""
        ...

    def sync(self) -> None: ...

    def close(self) -> None: ...


class RawSink:
    """A new file that grows at its end, and is locked until it is closed (:mod:`vivavoce.timeline.live`).

    It sets :data:`RESERVE_BYTES` of disk aside and gives them back at the first failure, so that on a full disk the
    lines that close a call can still be written. The reserve is a file without a name: whatever happens to the process,
    nothing of it is left behind.
    """

    def __init__(self, path: Path) -> None:
        """An existing file is never written to: it is another call's."""
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o600)
        claim(self._descriptor)
        self._reserve: FileIO | None = None
        with contextlib.suppress(OSError):  # a disk without room for it may still have room for a short call
            self._reserve = tempfile.TemporaryFile(mode="wb", buffering=0, dir=path.parent)  # noqa: SIM115
            self._reserve.write(bytes(RESERVE_BYTES))

    def write(self, data: bytes) -> int:
        try:
            return os.write(self._descriptor, data)
        except OSError:
            self._give_back()
            raise

    def sync(self) -> None:
        os.fsync(self._descriptor)

    def close(self) -> None:
        self._give_back()
        os.close(self._descriptor)

    def _give_back(self) -> None:
        if self._reserve is not None:
            self._reserve.close()
            self._reserve = None


class AppendFile:
    """A file with its buffer. ``append`` may be called from any thread and does not block.

    ``failure`` is the first failure as text, or empty. ``on_failure`` hears it on the thread that wrote; it must not
    block or raise.
    """

    def __init__(self, path: Path, make_sink: Callable[[], Sink], on_failure: Callable[[str], None]) -> None:
        self.failure = ""
        self._path = path
        self._make_sink = make_sink
        self._on_failure = on_failure
        self._sink: Sink | None = None
        self._buffer = bytearray()
        self._closed = False
        self._appending = threading.Lock()  # held for a copy, never for a write
        self._writing = threading.Lock()  # keeps what was appended first first

    def append(self, data: bytes) -> None:
        with self._appending:
            self._buffer += data

    def open(self) -> Sink:
        """Make the folder and the file, unless that is done. Blocks; raises as a sink does."""
        if self._sink is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sink = self._make_sink()
        return self._sink

    def flush(self, *, sync: bool = False) -> None:
        """Write what is buffered. Blocks, and never raises."""
        with self._writing:
            if not self._closed:
                self._guard(self._write, sync)

    def close(self) -> None:
        """Write the last of it, for good. Blocks, and never raises."""
        with self._writing:
            if not self._closed:
                if not self._guard(self._write, True):
                    self._guard(self._write, True)  # the failure may have given the reserve back
                self._closed = True
                if self._sink is not None:
                    self._guard(self._sink.close)

    def _write(self, sync: bool) -> None:
        sink = self.open()
        with self._appending:
            data = bytes(self._buffer)
        while data:
            taken = sink.write(data)
            data = data[taken:]
            with self._appending:
                del self._buffer[:taken]
        if sync:
            sink.sync()

    def _guard(self, action: Callable[..., None], *arguments: object) -> bool:
        try:
            action(*arguments)
        except Exception as error:  # noqa: BLE001  # one file's failure, whatever it is, must not stop the others' thread
            if not self.failure:
                self.failure = _why(self._path, error)
                self._on_failure(self.failure)
            return False
        return True


def _why(path: Path, error: Exception) -> str:
    if isinstance(error, StoreFault):
        return str(error)  # it names the file itself
    if isinstance(error, OSError):
        return f"cannot write {path}: {error.strerror or error} (free some space, or choose another folder)"
    return f"cannot write {path}: unexpected {type(error).__name__}"


class Disk:
    """Starts its thread with the first file and ends it with :meth:`stop`."""

    def __init__(self, interval_s: float = 0.05) -> None:
        self._interval_s = interval_s
        self._files: set[AppendFile] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()  # of this thread; the next one gets its own

    def open(self, path: Path, make_sink: Callable[[], Sink], on_failure: Callable[[str], None]) -> AppendFile:
        """Begin a file now. Blocks; raises :class:`StoreFault` if that cannot be done."""
        file = AppendFile(path, make_sink, on_failure)
        try:
            file.open()
        except OSError as error:
            raise StoreFault(
                f"cannot write {path}: {error.strerror or error}",
                hint="choose a folder with room that you may write to",
            ) from error
        return self._keep(file)

    def open_later(self, path: Path, make_sink: Callable[[], Sink], on_failure: Callable[[str], None]) -> AppendFile:
        """Begin a file without waiting for it: a failure to begin is reported like any other."""
        return self._keep(AppendFile(path, make_sink, on_failure))

    def close(self, file: AppendFile) -> None:
        """Write the last of it. Blocks until the disk has it: call it off the event loop."""
        with self._lock:
            self._files.discard(file)
        file.close()

    def stop(self) -> None:
        """End the thread and write what is still buffered. Files stay open, and the next one opened starts it anew."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stopping.set()
            files = list(self._files)
        if thread is not None:
            thread.join()
        for file in files:
            file.flush(sync=True)

    def _keep(self, file: AppendFile) -> AppendFile:
        with self._lock:
            self._files.add(file)
            if self._thread is None:
                self._stopping = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._stopping,), name="vivavoce-disk", daemon=True
                )
                self._thread.start()
        return file

    def _run(self, stopping: threading.Event) -> None:
        rounds = 0
        while not stopping.wait(self._interval_s):
            rounds += 1
            with self._lock:
                files = list(self._files)
            for file in files:
                file.flush(sync=rounds % _SYNC_EVERY_ROUNDS == 0)
