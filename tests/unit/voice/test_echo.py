"""The agent's own voice, coming back."""

from __future__ import annotations

import pytest

from tests.unit.voice.lines import LoudIsSpeech, hush, mixed, softer, syllables
from vivavoce.audio.pcm import samples_for, silence
from vivavoce.events import EarEvent, ResponseId, VoiceJudged, VoiceKind, VoiceStarted
from vivavoce.voice.ear import CallEar

RATE_HZ = 8_000
RESPONSE = ResponseId("r1")
PIECE = RATE_HZ // 50 * 2


def call(line: bytes, said: bytes, report_ms: int = 200) -> list[tuple[int, EarEvent]]:
    """The agent says it from the first sample on; each fact with its milliseconds."""
    ear = CallEar(RATE_HZ, LoudIsSpeech())
    ear.queue(RESPONSE, said)
    facts: list[tuple[int, EarEvent]] = []
    for at in range(0, len(line), PIECE):
        now_ms = at * 1000 // 2 // RATE_HZ
        if now_ms % report_ms == 0:
            ear.played(RESPONSE, min(at, len(said)) // 2)
        heard = ear.hear(line[at : at + PIECE], agent_audible=at < len(said))
        facts.extend((now_ms + 20, fact) for fact in heard)
    return facts


def starts(facts: list[tuple[int, EarEvent]]) -> list[tuple[int, VoiceKind]]:
    return [(at, fact.kind) for at, fact in facts if isinstance(fact, VoiceStarted)]


@pytest.mark.parametrize("late_ms", [0, 160, 600])
@pytest.mark.parametrize("softer_db", [10, 20])
def test_an_echo_is_told_once_and_then_not_heard(late_ms: int, softer_db: float) -> None:
    said = syllables(5_000, seed=1, rate_hz=RATE_HZ)
    line = mixed(hush(6_000, RATE_HZ), silence(samples_for(late_ms, RATE_HZ)) + softer(said, softer_db))
    kinds = [kind for _, kind in starts(call(line, said))]
    assert kinds
    assert set(kinds) == {VoiceKind.ECHO}


def test_a_caller_is_heard_above_the_echo() -> None:
    said = syllables(5_000, seed=1, rate_hz=RATE_HZ)
    echo = silence(samples_for(160, RATE_HZ)) + softer(said, 20)
    caller = silence(samples_for(3_000, RATE_HZ)) + syllables(1_500, seed=7, rate_hz=RATE_HZ)
    callers = [at for at, kind in starts(call(mixed(hush(6_000, RATE_HZ), echo, caller), said)) if at > 3_000]
    assert callers
    assert callers[0] <= 3_160


def test_somebody_else_into_the_first_words_is_in_doubt_for_a_second() -> None:
    said = syllables(4_000, seed=1, rate_hz=RATE_HZ)
    caller = silence(samples_for(400, RATE_HZ)) + syllables(1_500, seed=7, rate_hz=RATE_HZ, dbfs=-18)
    facts = call(mixed(hush(5_000, RATE_HZ), caller), said)
    assert starts(facts)[0][1] is VoiceKind.ECHO
    judged = [at for at, fact in facts if isinstance(fact, VoiceJudged) and fact.kind is VoiceKind.CALLER]
    assert judged
    assert judged[0] < 400 + 1_100


def test_a_line_that_stayed_quiet_while_the_agent_spoke_has_no_echo() -> None:
    said = syllables(4_000, seed=1, rate_hz=RATE_HZ)
    caller = silence(samples_for(2_500, RATE_HZ)) + syllables(700, seed=7, rate_hz=RATE_HZ)
    assert starts(call(mixed(hush(5_000, RATE_HZ), caller), said))[0][1] is VoiceKind.CALLER


def test_reports_of_playing_are_followed() -> None:
    """The line begins to play half a second after the agent is thought to be audible."""
    said = syllables(5_000, seed=1, rate_hz=RATE_HZ)
    ear = CallEar(RATE_HZ, LoudIsSpeech())
    ear.queue(RESPONSE, said)
    line = mixed(hush(6_000, RATE_HZ), silence(samples_for(900, RATE_HZ)) + softer(said, 12))
    kinds: list[VoiceKind] = []
    for at in range(0, len(line), PIECE):
        if at % (10 * PIECE) == 0:
            ear.played(RESPONSE, max(0, at // 2 - RATE_HZ // 2))
        facts = ear.hear(line[at : at + PIECE], agent_audible=at < len(said) + RATE_HZ)
        kinds.extend(fact.kind for fact in facts if isinstance(fact, VoiceStarted))
    assert set(kinds) == {VoiceKind.ECHO}


def test_words_may_end_anywhere() -> None:
    said = syllables(1_000, seed=1, rate_hz=RATE_HZ)[:-150]
    assert call(mixed(hush(2_000, RATE_HZ), softer(said, 12)), said)
