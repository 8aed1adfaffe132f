import io
import os
import struct
from pathlib import Path

import pytest
import soundfile

from vivavoce.audio.files import read_audio
from vivavoce.audio.wav import WavWriter, find_data_chunk
from vivavoce.errors import StoreFault, UsageError


def test_other_programs_read_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    with WavWriter(path, 16000, channels=2) as writer:
        writer.write(struct.pack("<4h", 1, -1, 2, -2))
        writer.write(struct.pack("<2h", 32767, -32768))
        assert writer.samples == 3
    samples, rate_hz = soundfile.read(path, dtype="int16")
    assert rate_hz == 16000
    assert samples.tolist() == [[1, -1], [2, -2], [32767, -32768]]
    assert path.stat().st_size == 44 + 12


def test_the_file_is_whole_at_every_moment(tmp_path: Path) -> None:
    path = tmp_path / "killed.wav"
    writer = WavWriter(path, 8000)
    assert soundfile.info(path).frames == 0
    for count in range(1, 5):
        writer.write(bytes(320))
        assert soundfile.info(path).frames == 160 * count
    writer.close()


def test_killed_between_samples_and_header_the_counted_part_is_read(tmp_path: Path) -> None:
    path = tmp_path / "killed.wav"
    with WavWriter(path, 8000) as writer:
        writer.write(b"ab" * 100)
    with path.open("ab") as file:
        file.write(b"xyz")
    assert read_audio(path).pcm == b"ab" * 100


def test_samples_are_whole(tmp_path: Path) -> None:
    with WavWriter(tmp_path / "a.wav", 8000, channels=2) as writer, pytest.raises(UsageError, match="2 channels"):
        writer.write(bytes(6))
    with pytest.raises(UsageError):
        WavWriter(tmp_path / "b.wav", 8000, channels=0)


def test_a_place_that_cannot_be_written_is_a_store_fault(tmp_path: Path) -> None:
    with pytest.raises(StoreFault, match="cannot write"):
        WavWriter(tmp_path / "missing" / "a.wav", 8000)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_a_store_fault() -> None:
    with pytest.raises(StoreFault, match="No space left"):
        WavWriter(Path("/dev/full"), 8000)


def test_a_disk_that_fills_up_leaves_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "full.wav"
    writer = WavWriter(path, 8000)
    writer.write(b"ab" * 100)
    inner = writer._file
    monkeypatch.setattr(writer, "_file", AlmostFull(inner))
    with pytest.raises(StoreFault, match="No space left"):
        writer.write(b"cd" * 100)
    assert writer.samples == 100
    writer.close()
    assert read_audio(path).pcm == b"ab" * 100
    assert path.stat().st_size == 244
    writer.close()


class AlmostFull(io.RawIOBase):
    """Takes eleven bytes, then no more."""

    def __init__(self, inner: io.RawIOBase) -> None:
        self.inner = inner
        self.room = 11

    def seek(self, at: int, whence: int = os.SEEK_SET) -> int:
        return self.inner.seek(at, whence)

    def write(self, data: object) -> int:
        if not self.room:
            raise OSError(28, "No space left on device")
        taken, self.room = self.room, 0
        return self.inner.write(memoryview(data)[:taken]) or 0  # type: ignore[arg-type]

    def truncate(self, size: int | None = None) -> int:
        return self.inner.truncate(size)

    def close(self) -> None:
        self.inner.close()
        super().close()


def test_four_gigabytes_are_the_limit(tmp_path: Path) -> None:
    with WavWriter(tmp_path / "a.wav", 8000) as writer:
        writer._data_bytes = 2**32 - 100
        with pytest.raises(StoreFault, match="is full"):
            writer.write(bytes(200))
        writer._data_bytes = 0


def test_the_samples_are_found_behind_other_chunks() -> None:
    chunks = b"LIST" + struct.pack("<I", 3) + b"abc\0" + b"data" + struct.pack("<I", 4) + b"\1\0\2\0"
    chunk = find_data_chunk(io.BytesIO(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks))
    assert chunk is not None
    assert (chunk.begin, chunk.promised_bytes, chunk.present_bytes) == (32, 4, 4)
    assert not chunk.cut_short
    assert not chunk.never_counted


@pytest.mark.parametrize(
    "data", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\xff", b"fLaC" * 20]
)
def test_what_is_no_wav_file_has_no_samples_chunk(data: bytes) -> None:
    assert find_data_chunk(io.BytesIO(data)) is None
