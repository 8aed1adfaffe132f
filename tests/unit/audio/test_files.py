import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from vivavoce.audio.arrays import to_array, to_pcm
from vivavoce.audio.files import Recording, read_audio, write_flac, write_wav
from vivavoce.errors import AudioFileError, StoreFault, UsageError

SINE = to_pcm(9000 * np.sin(2 * np.pi * np.arange(1600) / 40))


@pytest.mark.parametrize("write", [write_wav, write_flac])
def test_what_is_written_is_read(tmp_path: Path, write: type) -> None:
    path = tmp_path / "sound"
    write(path, SINE, 16000)
    recording = read_audio(path)
    assert recording.pcm == SINE
    assert (recording.rate_hz, recording.source_channels, recording.samples) == (16000, 1, 1600)
    assert recording.duration_ms == 100.0


@pytest.mark.parametrize(
    ("suffix", "subtype", "error"),
    [
        ("wav", "PCM_24", 0),
        ("wav", "FLOAT", 0),
        ("wav", "DOUBLE", 0),
        ("aiff", "PCM_16", 0),
        ("wav", "PCM_U8", 256),
        ("wav", "ULAW", 256),
        ("wav", "ALAW", 256),
        ("ogg", "VORBIS", 600),
    ],
)
def test_every_usual_format_is_read(tmp_path: Path, suffix: str, subtype: str, error: int) -> None:
    path = tmp_path / f"sound.{suffix}"
    soundfile.write(path, to_array(SINE).astype(float) / 32768, 16000, subtype=subtype)
    recording = read_audio(path)
    assert recording.source_format.endswith(subtype)
    assert np.max(np.abs(to_array(recording.pcm).astype(int) - to_array(SINE))) <= error


def test_channels_are_averaged_or_picked(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    write_wav(path, struct.pack("<4h", 100, 300, -100, -300), 8000, channels=2)
    assert read_audio(path) == Recording(struct.pack("<2h", 200, -200), 8000, 2, "WAV PCM_16")
    assert read_audio(path, channel=1).pcm == struct.pack("<2h", 300, -300)
    with pytest.raises(UsageError, match="no channel 2"):
        read_audio(path, channel=2)


def test_a_file_longer_than_a_block(tmp_path: Path) -> None:
    pcm = to_pcm(np.arange(150_000) % 30_000)
    write_flac(tmp_path / "long.flac", pcm, 48000)
    assert read_audio(tmp_path / "long.flac").pcm == pcm


def test_what_is_no_number_is_silence_and_what_is_too_loud_saturates(tmp_path: Path) -> None:
    path = tmp_path / "wild.wav"
    soundfile.write(path, np.array([np.nan, 0.5, 4.0, -4.0, np.inf]), 8000, subtype="FLOAT")
    assert to_array(read_audio(path).pcm).tolist() == [0, 16384, 32767, -32768, 32767]


@pytest.mark.parametrize("sizes", [(0, 0), (36, 0), (2**32 - 1, 2**32 - 1), (0, 2**32 - 1)])
def test_a_header_whose_sizes_were_never_filled_in(tmp_path: Path, sizes: tuple[int, int]) -> None:
    path = tmp_path / "killed.wav"
    write_wav(path, SINE, 16000)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, 4, sizes[0])
    struct.pack_into("<I", data, 40, sizes[1])
    path.write_bytes(data)
    assert read_audio(path).pcm == SINE


def error_of(path: Path) -> str:
    with pytest.raises(AudioFileError) as caught:
        read_audio(path)
    return str(caught.value)


def test_missing(tmp_path: Path) -> None:
    assert "does not exist" in error_of(tmp_path / "nowhere.wav")


def test_a_directory(tmp_path: Path) -> None:
    assert "is not a file" in error_of(tmp_path)


@pytest.mark.parametrize("name", ["notes.wav", "notes.raw", "notes.txt", "notes"])
@pytest.mark.parametrize(
    "data", [b"", b"RIFF", b"Hello, this is not sound at all." * 9, b"RIFF\0\0\0\0WAVEdata\0\0\0\0"]
)
def test_not_sound(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    assert "cannot be read as sound" in error_of(tmp_path / name)


def test_empty_of_sound(tmp_path: Path) -> None:
    write_wav(tmp_path / "empty.wav", b"", 16000)
    assert "holds no sound" in error_of(tmp_path / "empty.wav")


@pytest.mark.parametrize("rate_hz", [3999, 192_001])
def test_a_rate_that_is_no_use(tmp_path: Path, rate_hz: int) -> None:
    write_wav(tmp_path / "odd.wav", SINE, rate_hz)
    assert f"{rate_hz} Hz" in error_of(tmp_path / "odd.wav")


def test_a_wav_file_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "cut.wav"
    write_wav(path, SINE, 16000)
    path.write_bytes(path.read_bytes()[:-100])
    assert "cut short: it holds 3100 of the 3200 bytes" in error_of(path)


# Ogg does not say how long it is: cut near its end it is just a shorter file.
@pytest.mark.parametrize(
    ("suffix", "share"), [("flac", 0.1), ("flac", 0.5), ("flac", 0.99), ("ogg", 0.1), ("ogg", 0.5)]
)
def test_other_files_cut_short(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"cut.{suffix}"
    soundfile.write(path, np.random.default_rng(1).normal(0, 0.1, 16000), 16000)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert "cannot be read" in error_of(path) or "no sound" in error_of(path)


def test_nothing_is_written_where_nothing_can_be(tmp_path: Path) -> None:
    for write in (write_wav, write_flac):
        with pytest.raises(StoreFault, match="cannot write"):
            write(tmp_path / "missing" / "a", SINE, 16000)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_a_store_fault() -> None:
    with pytest.raises(StoreFault, match="No space left"):
        write_flac(Path("/dev/full"), SINE, 16000)


def test_flac_has_its_limits(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="channel"):
        write_flac(tmp_path / "a.flac", SINE, 16000, channels=3)
    with pytest.raises(UsageError, match="FLAC"):
        write_flac(tmp_path / "a.flac", SINE, 16000, channels=16)
