"""When something sounds."""

from __future__ import annotations

import numpy as np

from tests.unit.rehearsal.calls import RATE_HZ, span
from vivavoce.audio.arrays import FULL_SCALE, to_array, to_pcm
from vivavoce.audio.pcm import samples_for
from vivavoce.ledger.figures import percentile
from vivavoce.rehearsal.spans import Span, at, merged, overlap_us, sounding


def test_gaps_of_half_a_second_are_closed_and_longer_ones_are_not() -> None:
    assert merged([span(0, 1000), span(1500, 2000), span(2501, 3000)]) == (span(0, 2000), span(2501, 3000))


def test_what_is_shorter_than_80_ms_is_dropped_once_gaps_are_closed() -> None:
    assert merged([span(0, 79), span(1000, 1040), span(1100, 1140), span(3000, 3080)]) == (
        span(1000, 1140),
        span(3000, 3080),
    )


def test_overlaps_and_disorder_do_not_matter() -> None:
    assert merged([span(300, 900), span(0, 400), span(100, 200)]) == (span(0, 900),)


def test_the_end_is_no_part() -> None:
    assert at([span(0, 10), span(10, 20)], 10_000) == span(10, 20)
    assert at([span(0, 10)], 10_000) is None
    assert overlap_us(span(0, 10), span(5, 20)) == 5_000
    assert overlap_us(span(0, 10), span(20, 30)) == 0


def test_silence_has_no_spans_and_sound_has_its_own() -> None:
    assert sounding(b"", RATE_HZ) == sounding(bytes(RATE_HZ), RATE_HZ) == ()
    tone = to_pcm(np.full(RATE_HZ // 10, 1000))
    assert sounding(bytes(640) + tone + bytes(640) + tone, RATE_HZ) == (span(20, 120), span(140, 240))


def speech(random: np.random.Generator, ms: int) -> bytes:
    """A buzz in syllables that swell and fade, never silent for 80 ms within."""
    at_s = np.arange(samples_for(ms, RATE_HZ)) / RATE_HZ
    buzz = np.array(sum(np.sin(2 * np.pi * 120 * k * at_s + k) / k for k in range(1, 20)))
    envelope = 0.12 + np.abs(np.sin(np.pi * at_s / random.uniform(0.15, 0.3)))
    fade = np.minimum(1, np.minimum(at_s, at_s[::-1]) / 0.03)
    return to_pcm(0.1 * FULL_SCALE * buzz * envelope * fade / 1.8)


def test_known_gaps_are_measured_to_40_ms() -> None:
    """The instrument's own error: forty turns with gaps from 80 ms to 3 s, and a codec's hiss at -70."""
    random = np.random.default_rng(7)
    errors: list[float] = []
    for _ in range(4):
        caller, agent, gaps = bytearray(), bytearray(), []
        for _ in range(10):
            asked, gap, answered = speech(random, 700), int(random.integers(80, 3_000)), speech(random, 900)
            gaps.append(gap)
            pause = bytes(2 * samples_for(gap, RATE_HZ))
            rest = bytes(2 * samples_for(800, RATE_HZ))
            caller += asked + pause + bytes(len(answered)) + rest
            agent += bytes(len(asked)) + pause + answered + rest
        hiss = random.normal(0, 10, len(agent) // 2)
        asks = merged(sounding(bytes(caller), RATE_HZ), gap_us=600_000)
        answers = merged(sounding(to_pcm(to_array(bytes(agent)) + hiss), RATE_HZ))
        assert len(asks) == len(answers) == len(gaps)
        measured = [(answer.begin_us - ask.end_us) / 1000 for ask, answer in zip(asks, answers, strict=True)]
        errors += [abs(found - gap) for found, gap in zip(measured, gaps, strict=True)]
    p95 = percentile(errors, 0.95)
    assert p95 is not None
    assert p95 <= 40


def test_after_a_cut_comes_something_else() -> None:
    spans = [Span(0, 1_000_000), Span(1_200_000, 2_000_000), Span(2_100_000, 3_000_000)]
    assert merged(spans) == (Span(0, 3_000_000),)
    assert merged(spans, ends_us=[1_040_000]) == (Span(0, 1_000_000), Span(1_200_000, 3_000_000))
    assert merged(spans, ends_us=[500_000]) == merged(spans), "it lies in no gap"
