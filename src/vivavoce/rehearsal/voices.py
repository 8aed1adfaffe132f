"""The caller's side as sound: speech of the flite voices, coughs and bangs, and how loud each is.

flite (``apt-get install flite``) makes the same samples for the same words, so a rehearsed call is the same each time.
Clips begin and end where they sound: a caller's first sample is the first that can be heard.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from vivavoce.audio.arrays import FULL_SCALE, to_array, to_pcm
from vivavoce.audio.files import read_audio
from vivavoce.audio.level import active_rms_dbfs
from vivavoce.audio.pcm import samples_for, samples_in, silence
from vivavoce.audio.resample import resample
from vivavoce.errors import NotAvailable
from vivavoce.rehearsal.spans import sounding

RATE_HZ = 16_000
SPEECH_DBFS = -20.0
VOICES = ("rms", "slt", "awb", "kal16")
_PROGRAM = "flite"
_HINT = "on Debian, as root: apt-get install flite"
_TRIM_DBFS = -50.0
_PHONES = {"mm-hm": "m hh m", "mhm": "m hh m"}
"""Of sounds that flite would spell."""


@dataclass(frozen=True, slots=True)
class Clip:
    """``parts`` are the stretches that sound, in samples, where there are pauses to speak of."""

    text: str
    pcm: bytes
    parts: tuple[tuple[int, int], ...]

    @property
    def samples(self) -> int:
        return samples_in(self.pcm)


def why_no_voices() -> str:
    """Empty if callers can speak here."""
    return "" if shutil.which(_PROGRAM) else f"the rehearsed callers speak by {_PROGRAM}; {_HINT}"


@lru_cache(maxsize=1024)
def spoken(text: str, voice: str, dbfs: float = SPEECH_DBFS) -> Clip:
    """Raises :class:`NotAvailable` where flite is not installed, or does not have the voice."""
    with tempfile.TemporaryDirectory(prefix="vivavoce-") as folder:
        file = Path(folder) / "said.wav"
        said = ["-p", f"pau {_PHONES[text]} pau"] if text in _PHONES else ["-t", text]
        command = [_PROGRAM, "-voice", voice, *said, "-o", str(file)]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=60)  # noqa: S603  # our own words
        except FileNotFoundError as error:
            raise NotAvailable("the rehearsed callers cannot speak: flite is not installed", hint=_HINT) from error
        except subprocess.SubprocessError as error:
            raise NotAvailable(f"flite could not speak with the voice {voice}", hint=_HINT) from error
        recording = read_audio(file)
    return _clip(text, levelled(_trimmed(resample(recording.pcm, recording.rate_hz, RATE_HZ)), dbfs))


def joined(first: Clip, pause_ms: int, second: Clip) -> Clip:
    """One thing said with a pause in it."""
    gap = samples_for(pause_ms, RATE_HZ)
    moved = first.samples + gap
    parts = (*first.parts, *((begin + moved, end + moved) for begin, end in second.parts))
    return Clip(f"{first.text} {second.text}", first.pcm + silence(gap) + second.pcm, parts)


def cough(seed: int, dbfs: float = SPEECH_DBFS + 2) -> Clip:
    """A synthetic one: one to three bursts of noise through a wide resonance, each with a hard attack."""
    random = np.random.default_rng(seed)
    bursts: list[bytes] = []
    for _ in range(int(random.integers(1, 4))):
        length = samples_for(int(random.integers(90, 220)), RATE_HZ)
        at = np.arange(length) / RATE_HZ
        envelope = np.minimum(1.0, at / 0.004) * np.exp(-at / float(random.uniform(0.04, 0.09)))
        bursts.append(to_pcm(0.2 * FULL_SCALE * envelope * _resonant(length, random)))
        bursts.append(silence(samples_for(int(random.integers(20, 90)), RATE_HZ)))
    return _clip("(coughs)", levelled(_trimmed(b"".join(bursts)), dbfs))


def bang(seed: int, dbfs: float = SPEECH_DBFS + 4) -> Clip:
    """Something falls: a click that rings for a tenth of a second."""
    random = np.random.default_rng(seed)
    length = samples_for(160, RATE_HZ)
    at = np.arange(length) / RATE_HZ
    ringing = sum(np.sin(2 * np.pi * hz * at) for hz in random.uniform(300, 3_000, 5))
    wave = (random.standard_normal(length) + ringing) * np.exp(-at / 0.025)
    return _clip("(something falls)", levelled(_trimmed(to_pcm(0.1 * FULL_SCALE * wave)), dbfs))


def levelled(pcm: bytes, dbfs: float) -> bytes:
    """As loud as asked for, over what sounds of it."""
    return to_pcm(to_array(pcm) * 10 ** ((dbfs - active_rms_dbfs(pcm)) / 20))


def _resonant(length: int, random: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    spectrum = np.fft.rfft(random.standard_normal(length))
    hz = np.fft.rfftfreq(length, 1 / RATE_HZ)
    centre = float(random.uniform(900, 1_600))
    shaped = np.fft.irfft(spectrum / (1 + ((hz - centre) / 900) ** 2), length)
    wave: np.ndarray[tuple[int], np.dtype[np.float64]] = shaped / np.abs(shaped).max()
    return wave


def _trimmed(pcm: bytes) -> bytes:
    loud = sounding(levelled(pcm, SPEECH_DBFS), RATE_HZ, _TRIM_DBFS)
    begin, end = (position * RATE_HZ // 1_000_000 for position in (loud[0].begin_us, loud[-1].end_us))
    return pcm[2 * begin : 2 * end]


def _clip(text: str, pcm: bytes) -> Clip:
    return Clip(text, pcm, ((0, samples_in(pcm)),))
