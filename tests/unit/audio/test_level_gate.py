"""Whether somebody talks, by loudness alone."""

from __future__ import annotations

import numpy as np
import pytest

from vivavoce.audio.arrays import to_pcm
from vivavoce.audio.files import read_audio
from vivavoce.audio.level_gate import Edge, LevelGate
from vivavoce.model.scripted import tone

RATE_HZ = 16_000


def noise(seconds: float, amplitude: float, seed: int = 1) -> bytes:
    return to_pcm(np.random.default_rng(seed).standard_normal(int(seconds * RATE_HZ)) * amplitude)


def burst(seconds: float) -> bytes:
    return tone(0, int(seconds * RATE_HZ), RATE_HZ)


def hear(*sounds: bytes, piece: int = 640) -> list[Edge]:
    gate = LevelGate(RATE_HZ)
    pcm = b"".join(sounds)
    return [edge for at in range(0, len(pcm), piece) for edge in gate.hear(pcm[at : at + piece])]


def test_hears_where_speech_starts_and_where_it_stopped() -> None:
    assert hear(bytes(32_000), burst(0.5), bytes(32_000)) == [Edge(True, 16_000), Edge(False, 24_000)]


@pytest.mark.parametrize("piece", [2, 100, 640, 10_000])
def test_how_the_audio_is_cut_makes_no_difference(piece: int) -> None:
    sounds = (bytes(32_000), burst(0.5), noise(1, 50), burst(0.3), bytes(32_000))
    assert hear(*sounds, piece=piece) == hear(*sounds)


def test_a_click_is_no_speech_and_a_gap_no_end() -> None:
    assert hear(bytes(32_000), burst(0.04), bytes(32_000)) == []
    assert len(hear(bytes(32_000), burst(0.3), bytes(6400), burst(0.3), bytes(32_000))) == 2


def test_steady_noise_is_no_speech() -> None:
    assert hear(noise(10, 800)) == []


def test_noise_that_begins_is_taken_for_speech_only_for_a_while() -> None:
    start, stop = hear(noise(5, 30), noise(10, 800))
    assert start.starts
    assert not stop.starts
    assert stop.at - start.at < 4 * RATE_HZ


def test_speech_is_heard_over_noise() -> None:
    quiet, loud = noise(3, 300, seed=1), noise(0.5, 6000, seed=2)
    edges = hear(quiet, loud, noise(2, 300, seed=3))
    assert [edge.starts for edge in edges] == [True, False]
    assert abs(edges[0].at - 3 * RATE_HZ) < 640
    assert abs(edges[1].at - 3.5 * RATE_HZ) < 640


def test_a_caller_who_is_muted_has_stopped_where_they_were_last_heard() -> None:
    gate = LevelGate(RATE_HZ)
    assert gate.mute() == []
    gate.hear(bytes(32_000) + burst(0.5))
    assert gate.mute() == [Edge(False, 24_000)]
    assert gate.mute() == []


@pytest.mark.slow
@pytest.mark.parametrize("amplitude", [0.0, 200.0])
def test_real_speech_has_a_beginning_and_an_end(amplitude: float) -> None:
    from importlib.resources import files

    for take in sorted(path.name for path in files("vivavoce.demo").joinpath("caller").iterdir()):
        sound = read_audio(files("vivavoce.demo") / "caller" / take)  # type: ignore[arg-type]
        assert sound.rate_hz == RATE_HZ
        pcm = bytes(32_000) + sound.pcm + bytes(64_000)
        mixed = to_pcm(np.frombuffer(pcm, "<i2") + np.random.default_rng(3).standard_normal(len(pcm) // 2) * amplitude)
        edges = hear(mixed)
        assert [edge.starts for edge in edges] == [True, False] * (len(edges) // 2)
        assert 1 <= len(edges) // 2 <= 3
