"""WAV files of 16-bit PCM, written so that the file is whole at every moment.

The layout is the canonical 44 bytes: ``RIFF size WAVE``, ``fmt `` of 16 bytes, ``data size``, then interleaved samples.
"""

from __future__ import annotations

import contextlib
import os
import struct
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple

from vivavoce.audio.pcm import BYTES_PER_SAMPLE
from vivavoce.errors import StoreFault, UsageError

_HEADER = struct.Struct("<4sI4s 4sIHHIIHH 4sI")
_PCM_FORMAT_TAG = 1
_LARGEST_DATA = 2**32 - 1 - _HEADER.size  # sizes in a WAV file have 32 bits
_SIZE_UNKNOWN = 2**32 - 1  # what programs write that cannot go back; others leave 0 until they close


class WavWriter:
    """Writes as it goes. After each ``write`` the samples are in the file and its header counts them.

    A process killed at any moment leaves a file that every program reads, short of at most the write under way: samples
    are written first and counted second.
    """

    def __init__(self, path: Path, rate_hz: int, channels: int = 1) -> None:
        if rate_hz <= 0 or channels <= 0:
            raise UsageError(f"a WAV file of {channels} channels at {rate_hz} Hz", hint="both are more than 0")
        self.path = path
        self.rate_hz = rate_hz
        self.channels = channels
        self._data_bytes = 0
        try:
            self._file = path.open("wb", buffering=0)
        except OSError as error:
            raise store_fault(path, error) from error
        try:
            self._write_header()
        except OSError as error:
            self._file.close()
            raise store_fault(path, error) from error

    @property
    def samples(self) -> int:
        """Written so far, in each channel."""
        return self._data_bytes // (BYTES_PER_SAMPLE * self.channels)

    def write(self, pcm: bytes) -> None:
        """Add interleaved samples. On ``StoreFault`` the file holds what was written before, and stays usable."""
        if len(pcm) % (BYTES_PER_SAMPLE * self.channels):
            raise UsageError(
                f"{len(pcm)} bytes are not whole samples of {self.channels} channels", hint="interleave 16-bit samples"
            )
        if self._data_bytes + len(pcm) > _LARGEST_DATA:
            raise StoreFault(f"{self.path} is full", hint="a WAV file holds 4 GiB; begin another")
        try:
            _write_all(self._file, pcm, _HEADER.size + self._data_bytes)
            self._data_bytes += len(pcm)
            self._write_header()
        except OSError as error:
            raise store_fault(self.path, error) from error

    def close(self) -> None:
        """Close the file; again is harmless. What a failed write left half done is cut off."""
        if self._file.closed:
            return
        try:
            # Special files such as pipes cannot be cut, and need not be.
            with contextlib.suppress(OSError):
                self._file.truncate(_HEADER.size + self._data_bytes)
        finally:
            self._file.close()

    def __enter__(self) -> WavWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write_header(self) -> None:
        frame = BYTES_PER_SAMPLE * self.channels
        fmt = (_PCM_FORMAT_TAG, self.channels, self.rate_hz, self.rate_hz * frame, frame, 8 * BYTES_PER_SAMPLE)
        riff_size = _HEADER.size - 8 + self._data_bytes
        header = _HEADER.pack(b"RIFF", riff_size, b"WAVE", b"fmt ", 16, *fmt, b"data", self._data_bytes)
        _write_all(self._file, header, 0)


class DataChunk(NamedTuple):
    """Where the samples of a WAV file are: what its header promises and what is there."""

    begin: int
    promised_bytes: int
    present_bytes: int
    never_counted: bool

    @property
    def cut_short(self) -> bool:
        return not self.never_counted and self.promised_bytes > self.present_bytes


def find_data_chunk(file: BinaryIO) -> DataChunk | None:
    """``None`` for what is no WAV file or has no samples chunk; whether that can be read is for its reader to say."""
    riff, riff_size, wave = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
    if (riff, wave) != (b"RIFF", b"WAVE"):
        return None
    while len(chunk := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", chunk)
        if name == b"data":
            begin = file.tell()
            present = file.seek(0, os.SEEK_END) - begin
            # A size of 0 may be true, if other chunks follow; the outer size tells.
            forgotten = size == 0 and riff_size + 8 < begin + present
            return DataChunk(begin, size, present, forgotten or size == _SIZE_UNKNOWN)
        file.seek(size + size % 2, os.SEEK_CUR)
    return None


def _write_all(file: BinaryIO, data: bytes, at: int) -> None:
    """All of it at this place: a disk that is almost full takes a part and says so only at the next try."""
    file.seek(at)
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def store_fault(path: Path, error: OSError) -> StoreFault:
    return StoreFault(
        f"cannot write {path}: {error.strerror or error}", hint="free some space, or choose another place"
    )
