"""Sound files in and out. Reading takes what libsndfile takes: WAV (PCM, float, G.711 …), FLAC, Ogg, AIFF, MP3."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from vivavoce.audio.arrays import FULL_SCALE, to_array, to_pcm
from vivavoce.audio.pcm import duration_ms, samples_in
from vivavoce.audio.wav import DataChunk, WavWriter, find_data_chunk, store_fault
from vivavoce.errors import AudioFileError, UsageError

__all__ = [
    "HIGHEST_RATE_HZ",
    "LOWEST_RATE_HZ",
    "Recording",
    "WavWriter",
    "read_audio",
    "stereo_blocks",
    "write_flac",
    "write_wav",
]

LOWEST_RATE_HZ = 4_000
HIGHEST_RATE_HZ = 192_000
_BLOCK_FRAMES = 65536


@dataclass(frozen=True, slots=True)
class Recording:
    """What a sound file holds, as PCM16 mono at the file's own rate."""

    pcm: bytes
    rate_hz: int
    source_channels: int
    source_format: str

    @property
    def samples(self) -> int:
        return samples_in(self.pcm)

    @property
    def duration_ms(self) -> float:
        return duration_ms(self.samples, self.rate_hz)


def read_audio(path: Path, channel: int | None = None) -> Recording:
    """The whole file: its channels averaged, or only ``channel`` (0 is left). ``AudioFileError`` says what is wrong.

    A WAV file whose writer was killed before it could say how much it wrote is read to its end. A file that holds less
    than it promises was cut short on its way here, and is refused rather than played in part.
    """
    import soundfile

    with _opened(path) as file:
        chunk = find_data_chunk(file)
        if chunk and chunk.cut_short:
            raise AudioFileError(
                f"{path} is cut short: it holds {chunk.present_bytes} of the {chunk.promised_bytes} bytes it promises",
                hint="copy it again",
            )
        source = _with_size(file, chunk) if chunk and chunk.never_counted else file
        source.seek(0)
        try:
            # A descriptor has no name, and by some names soundfile would guess the format.
            with soundfile.SoundFile(source if source is not file else file.fileno(), closefd=False) as sound:
                return _decode(sound, path, channel)
        except soundfile.LibsndfileError as error:
            raise AudioFileError(
                f"{path} cannot be read as sound: {_reason(error)}",
                hint="give an undamaged WAV, FLAC, Ogg or other sound file",
            ) from error


def stereo_blocks(path: Path, frames: int) -> Iterator[NDArray[np.int16]]:
    """A stereo file of 16 bits, so many rows of both channels at a time; the last block has what is left.
    ``AudioFileError`` says what is wrong.
    """
    import soundfile

    with _opened(path) as file:
        try:
            with soundfile.SoundFile(file.fileno(), closefd=False) as sound:
                if sound.channels != 2:
                    raise AudioFileError(f"{path} has {sound.channels} channels", hint="give a call's recording")
                while len(block := sound.read(frames, dtype="int16", always_2d=True)):
                    yield block
        except soundfile.LibsndfileError as error:
            raise AudioFileError(
                f"{path} cannot be read as sound: {_reason(error)}", hint="give an undamaged recording"
            ) from error


def write_wav(path: Path, pcm: bytes, rate_hz: int, channels: int = 1) -> None:
    """Interleaved PCM16 as a WAV file."""
    with WavWriter(path, rate_hz, channels) as writer:
        writer.write(pcm)


def write_flac(path: Path, pcm: bytes, rate_hz: int, channels: int = 1) -> None:
    """Interleaved PCM16 as a FLAC file, about half the size and without loss."""
    import soundfile

    samples = to_array(pcm)
    if rate_hz <= 0 or channels <= 0 or len(samples) % channels:
        raise UsageError(
            f"{len(samples)} samples are no {channels}-channel sound at {rate_hz} Hz", hint="interleave 16-bit samples"
        )
    encoded = io.BytesIO()
    try:
        soundfile.write(encoded, samples.reshape(-1, channels), rate_hz, format="FLAC", subtype="PCM_16")
    except soundfile.LibsndfileError as error:
        raise UsageError(
            f"FLAC cannot hold this: {_reason(error)}",
            hint="it takes 1 to 8 channels, and rates above 65535 Hz in tens only",
        ) from error
    try:
        path.write_bytes(encoded.getbuffer())
    except OSError as error:
        raise store_fault(path, error) from error


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        if path.exists() and not path.is_file():
            raise AudioFileError(f"{path} is not a file", hint="name one sound file")
        with path.open("rb", buffering=0) as file:
            yield file
    except FileNotFoundError as error:
        raise AudioFileError(f"{path} does not exist", hint="check the name") from error
    except OSError as error:
        raise AudioFileError(f"{path} cannot be read: {error.strerror or error}") from error


def _with_size(file: BinaryIO, chunk: DataChunk) -> BinaryIO:
    """The same WAV file with its size filled in: libsndfile takes a size of 0 at its word."""
    file.seek(0)
    data = bytearray(file.read())
    struct.pack_into("<I", data, chunk.begin - 4, min(chunk.present_bytes, 2**32 - 1))
    return io.BytesIO(data)


def _decode(sound: Any, path: Path, channel: int | None) -> Recording:
    """``sound`` is an open ``soundfile.SoundFile``."""
    if not LOWEST_RATE_HZ <= sound.samplerate <= HIGHEST_RATE_HZ:
        raise AudioFileError(
            f"{path} is sampled at {sound.samplerate} Hz", hint=f"use {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz"
        )
    if channel is not None and not 0 <= channel < sound.channels:
        raise UsageError(f"{path} has no channel {channel}", hint=f"it has {sound.channels}; the first is 0")
    pieces: list[bytes] = []
    # As float64, which holds every format without loss; by blocks, since eight bytes a sample is much for an hour.
    while len(block := sound.read(_BLOCK_FRAMES, dtype="float64", always_2d=True)):
        sane = np.nan_to_num(np.clip(block, -1, 1))  # files of floats hold what they like
        mono = sane.mean(axis=1) if channel is None else sane[:, channel]
        pieces.append(to_pcm(mono * FULL_SCALE))
    if not pieces:
        raise AudioFileError(f"{path} holds no sound", hint="it is empty or was cut short")
    return Recording(b"".join(pieces), sound.samplerate, sound.channels, f"{sound.format} {sound.subtype}")


def _reason(error: Any) -> str:
    """What libsndfile says, in its own words but without its preamble."""
    return str(error.error_string).removeprefix("Error : ").rstrip(".")
