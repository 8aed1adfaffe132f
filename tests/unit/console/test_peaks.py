"""The outline of a recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vivavoce.audio.wav import WavWriter
from vivavoce.console import peaks
from vivavoce.console.peaks import peaks_of
from vivavoce.errors import AudioFileError

RATE_HZ = 8_000


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two seconds; the caller is loud in the first, the agent in the second."""
    sound = np.zeros((2 * RATE_HZ, 2), "<i2")
    sound[100, 0], sound[200, 0], sound[RATE_HZ + 5, 1] = 25_600, -12_800, 32_767
    path = tmp_path / "audio.wav"
    with WavWriter(path, RATE_HZ, channels=2) as wav:
        wav.write(sound.tobytes())
    return path


def test_both_sides_have_the_extremes_of_each_stretch(recording: Path) -> None:
    found = peaks_of(recording, 4)
    assert (found.frames, found.frames_each, found.rate_hz) == (2 * RATE_HZ, RATE_HZ // 2, RATE_HZ)
    assert found.caller == [-50, 100, 0, 0, 0, 0, 0, 0]
    assert found.agent == [0, 0, 0, 0, 0, 127, 0, 0]


def test_blocks_do_not_show(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = peaks_of(recording, 777)
    monkeypatch.setattr(peaks, "_BLOCK_FRAMES", 100)
    assert peaks_of(recording, 777) == whole


def test_a_stretch_is_looked_at_closer(recording: Path) -> None:
    found = peaks_of(recording, 10, 1_000_000, 1_010_000)
    assert (found.first, found.frames_each, len(found.agent)) == (RATE_HZ, 8, 20)
    assert max(found.agent) == 127
    assert peaks_of(recording, 10, 9_000_000).agent == []


@pytest.mark.parametrize("content", [b"", b"no sound", b"RIFF\0\0\0\0WAVE"])
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "audio.wav"
    path.write_bytes(content)
    with pytest.raises(AudioFileError):
        peaks_of(path, 10)
