"""The outline of a recording: the lowest and the highest sample of each stretch, for both sides."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from vivavoce.audio.arrays import PCM16
from vivavoce.audio.wav import find_data_chunk
from vivavoce.errors import AudioFileError

MOST_POINTS = 8_000
_BLOCK_FRAMES = 1 << 18
_SCALE = 256
"""16 bits to 8: no screen shows more."""


class Peaks(msgspec.Struct, frozen=True, kw_only=True):
    """``caller`` and ``agent`` are lowest and highest in turn, -128 to 127, of ``frames_each`` frames each, from the
    frame ``first`` on."""

    rate_hz: int
    frames: int
    first: int
    frames_each: int
    caller: list[int]
    agent: list[int]


def peaks_of(path: Path, points: int, begin_us: int = 0, end_us: int | None = None) -> Peaks:
    """About ``points`` of them for that stretch of a stereo recording, read in blocks. Blocks. Raises
    :class:`~vivavoce.errors.AudioFileError`.
    """
    try:
        with path.open("rb") as file, wave.open(file) as head:
            rate_hz, width, channels = head.getframerate(), head.getsampwidth(), head.getnchannels()
            file.seek(0)
            chunk = find_data_chunk(file)
            if chunk is None or width != PCM16.itemsize or channels != 2:
                raise AudioFileError(f"{path} is no recording of a call", hint="those are stereo, of 16 bits")
            frames = min(chunk.present_bytes, chunk.promised_bytes or chunk.present_bytes) // (2 * width)
            first = min(frames, max(0, begin_us) * rate_hz // 1_000_000)
            until = frames if end_us is None else min(frames, max(first, end_us * rate_hz // 1_000_000))
            each = max(1, -(-(until - first) // points))
            file.seek(chunk.begin + first * 2 * width)
            found = _extremes(file, until - first, each)
    except (OSError, EOFError, wave.Error) as error:
        raise AudioFileError(f"cannot read {path}: {error}", hint="it is damaged or gone") from error
    caller, agent = (found[:, side].reshape(-1).tolist() for side in (0, 1))
    return Peaks(rate_hz=rate_hz, frames=frames, first=first, frames_each=each, caller=caller, agent=agent)


def _extremes(file: BinaryIO, frames: int, each: int) -> NDArray[np.int16]:
    """By stretch, side, and lowest or highest."""
    parts: list[NDArray[np.int16]] = []
    block = max(each, _BLOCK_FRAMES // each * each)
    while frames > 0:
        raw = file.read(min(block, frames) * 2 * PCM16.itemsize)
        samples = np.frombuffer(raw[: len(raw) // 4 * 4], PCM16).reshape(-1, 2)
        if not len(samples):
            break
        frames -= len(samples)
        starts = np.arange(0, len(samples), each)
        lowest, highest = (extreme.reduceat(samples, starts, axis=0) for extreme in (np.minimum, np.maximum))
        parts.append(np.stack([lowest, highest], axis=2))
    return np.concatenate(parts) // _SCALE if parts else np.zeros((0, 2, 2), np.int16)
