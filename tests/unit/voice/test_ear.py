"""The ear of a call: when a voice starts and stops."""

from __future__ import annotations

import pytest

from tests.unit.voice.lines import LoudIsSpeech, alternate, hush, voiced
from vivavoce.errors import UsageError
from vivavoce.events import EarEvent, VoiceStarted, VoiceStopped
from vivavoce.voice.ear import RATES_HZ, CallEar


def hear(rate_hz: int, *sounds: bytes, audible: bool = True, piece_ms: int = 20) -> list[tuple[float, EarEvent]]:
    """Each fact with the milliseconds of audio that had been heard by then."""
    ear = CallEar(rate_hz, LoudIsSpeech())
    pcm, size = b"".join(sounds), rate_hz * piece_ms // 1000 * 2
    return [
        ((at + size) / 2 / rate_hz * 1000, event)
        for at in range(0, len(pcm), size)
        for event in ear.hear(pcm[at : at + size], agent_audible=audible)
    ]


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_voice_is_told_within_a_tenth_of_a_second_at_every_rate(rate_hz: int) -> None:
    facts = hear(rate_hz, hush(800, rate_hz), voiced(400, rate_hz), hush(600, rate_hz))
    (started_ms, started), *_, (stopped_ms, stopped) = facts
    assert isinstance(started, VoiceStarted)
    assert isinstance(stopped, VoiceStopped)
    assert 800 < started_ms <= 880
    assert abs(started.at / rate_hz * 1000 - 800) <= 16
    assert 1200 < stopped_ms <= 1200 + 180
    assert abs(stopped.at / rate_hz * 1000 - 1200) <= 48


def test_while_the_agent_is_silent_a_pause_of_a_third_of_a_second_is_no_end() -> None:
    line = (hush(800), voiced(300), hush(300), voiced(300), hush(1000))
    assert sum(isinstance(event, VoiceStarted) for _, event in hear(16_000, *line, audible=True)) == 2
    assert sum(isinstance(event, VoiceStarted) for _, event in hear(16_000, *line, audible=False)) == 1


def test_the_detector_sleeps_while_nothing_is_loud() -> None:
    detector = LoudIsSpeech()
    ear = CallEar(16_000, detector)
    ear.hear(hush(3000), agent_audible=True)
    assert detector.chunks == 0
    ear.hear(voiced(100), agent_audible=True)
    ear.hear(hush(3000), agent_audible=True)
    assert 0 < detector.chunks < 40


def test_a_noise_that_stays_becomes_the_floor() -> None:
    detector = LoudIsSpeech()
    ear = CallEar(16_000, detector)
    ear.hear(hush(4000, dbfs=-35.0), agent_audible=True)
    detector.chunks = 0
    assert not ear.hear(hush(4000, dbfs=-35.0), agent_audible=True)
    assert detector.chunks == 0


def test_facts_alternate() -> None:
    facts = [event for _, event in hear(16_000, hush(500), *(voiced(90) + hush(150) for _ in range(6)), hush(500))]
    assert alternate(facts)
    assert len(facts) > 4


def test_no_ear_hears_at_other_rates() -> None:
    with pytest.raises(UsageError, match="11025"):
        CallEar(11_025, LoudIsSpeech())
