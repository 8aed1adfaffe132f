"""Lines to listen to, with a detector that goes by loudness: the real one is tried in test_silero.py."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from vivavoce.audio.arrays import FULL_SCALE, to_array, to_pcm
from vivavoce.audio.level import pink_noise
from vivavoce.audio.pcm import samples_for
from vivavoce.events import EarEvent, VoiceStarted, VoiceStopped

RATE_HZ = 16_000


class LoudIsSpeech:
    """Stands for the detector: what is louder than -45 dBFS is speech."""

    def __init__(self) -> None:
        self.chunks = 0

    def infer(self, chunk: bytes) -> float:
        self.chunks += 1
        samples = to_array(chunk).astype(np.float64)
        return float(np.sqrt(np.mean(samples**2)) > FULL_SCALE * 10 ** (-45 / 20))

    def forget(self) -> None:
        pass


def hush(ms: int, rate_hz: int = RATE_HZ, dbfs: float = -70.0) -> bytes:
    return pink_noise(samples_for(ms, rate_hz), dbfs, seed=1)


def voiced(ms: int, rate_hz: int = RATE_HZ, dbfs: float = -20.0, pitch_hz: float = 120.0) -> bytes:
    """A vowel, near enough: harmonics that fall off."""
    at = np.arange(samples_for(ms, rate_hz)) / rate_hz
    wave = sum(np.sin(2 * np.pi * pitch_hz * n * at + n) / n for n in range(1, 20))
    return to_pcm(wave * (FULL_SCALE * 10 ** (dbfs / 20) / np.sqrt(np.mean(wave**2))))


def syllables(ms: int, seed: int, rate_hz: int = RATE_HZ, dbfs: float = -20.0) -> bytes:
    """Something like talk: vowels of changing colour, pitch and loudness, with gaps."""
    random = np.random.default_rng(seed)
    total, pieces = samples_for(ms, rate_hz), [np.zeros(0)]
    while sum(map(len, pieces)) < total:
        at = np.arange(samples_for(int(random.integers(90, 220)), rate_hz)) / rate_hz
        pitch_hz, formants = random.uniform(90, 180), random.uniform((300, 900), (900, 2_600))
        wave = sum(
            np.sin(2 * np.pi * pitch_hz * n * at) / (1 + np.min(np.abs(formants - pitch_hz * n)) / 150)
            for n in range(1, int(3_600 / pitch_hz))
        )
        pieces.append(wave * random.uniform(0.3, 1) * np.sin(np.pi * np.arange(len(at)) / len(at)))
        pieces.append(np.zeros(samples_for(int(random.choice([10, 40, 120])), rate_hz)))
    talk = np.concatenate(pieces)[:total]
    return to_pcm(talk * (FULL_SCALE * 10 ** (dbfs / 20) / np.sqrt(np.mean(talk**2))))


def mixed(*sounds: bytes) -> bytes:
    longest = max(map(len, sounds))
    return to_pcm(np.sum([to_array(sound.ljust(longest, b"\0")).astype(np.float64) for sound in sounds], axis=0))


def softer(pcm: bytes, db: float) -> bytes:
    return to_pcm(to_array(pcm) * 10 ** (-db / 20))


def tone(ms: int, hz: float, rate_hz: int = RATE_HZ, dbfs: float = -20.0) -> bytes:
    at = np.arange(samples_for(ms, rate_hz)) / rate_hz
    return to_pcm(np.sin(2 * np.pi * hz * at) * FULL_SCALE * 2**0.5 * 10 ** (dbfs / 20))


def alternate(events: Sequence[EarEvent]) -> bool:
    """Starts and stops take turns, beginning with a start, and their positions grow."""
    edges = [event for event in events if isinstance(event, VoiceStarted | VoiceStopped)]
    starts = [isinstance(edge, VoiceStarted) for edge in edges]
    grow = all(first.at <= second.at for first, second in pairwise(edges))
    return grow and starts == [n % 2 == 0 for n in range(len(edges))]
