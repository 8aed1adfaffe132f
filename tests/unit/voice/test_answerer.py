"""Who took a call that we made."""

from __future__ import annotations

import pytest

from tests.unit.voice.lines import LoudIsSpeech, hush, syllables, tone
from vivavoce.events import Answerer, AnswererJudged
from vivavoce.voice.ear import CallEar

RATE_HZ = 8_000


def verdicts(*sounds: bytes, outbound: bool = True) -> list[tuple[int, Answerer]]:
    """Each with the milliseconds of audio heard by then."""
    ear = CallEar(RATE_HZ, LoudIsSpeech(), outbound=outbound)
    pcm, size = b"".join(sounds), RATE_HZ // 50 * 2
    return [
        ((at + size) * 1000 // 2 // RATE_HZ, fact.answerer)
        for at in range(0, len(pcm), size)
        for fact in ear.hear(pcm[at : at + size], agent_audible=False)
        if isinstance(fact, AnswererJudged)
    ]


def said(ms: int) -> bytes:
    return syllables(ms, seed=3, rate_hz=RATE_HZ)


def quiet(ms: int) -> bytes:
    return hush(ms, RATE_HZ)


def test_a_short_greeting_and_then_nothing_is_a_person() -> None:
    ((at, answerer),) = verdicts(quiet(600), said(700), quiet(2_000), said(500), quiet(1_000))
    assert answerer is Answerer.PERSON
    assert 1_300 + 600 <= at <= 1_300 + 800


def test_who_goes_on_is_a_machine() -> None:
    ((at, answerer),) = verdicts(quiet(600), said(6_000), quiet(1_000))
    assert answerer is Answerer.MACHINE
    assert at < 600 + 3_200


@pytest.mark.parametrize("hz", [440, 1_000, 2_050])
def test_after_its_beep_a_machine_records(hz: float) -> None:
    facts = verdicts(quiet(600), said(4_000), quiet(500), tone(400, hz, RATE_HZ), quiet(1_000))
    assert [answerer for _, answerer in facts] == [Answerer.MACHINE, Answerer.BEEP]
    assert facts[1][0] <= 600 + 4_000 + 500 + 240


def test_a_short_blip_is_no_beep() -> None:
    facts = verdicts(quiet(600), said(4_000), quiet(500), tone(90, 1_000, RATE_HZ), quiet(1_000))
    assert [answerer for _, answerer in facts] == [Answerer.MACHINE]


def test_nobody_says_anything() -> None:
    assert verdicts(quiet(5_000)) == []


def test_of_calls_that_came_in_nothing_is_said() -> None:
    assert verdicts(quiet(600), said(700), quiet(2_000), outbound=False) == []
