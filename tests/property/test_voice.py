"""Whatever is on the line: voices start and stop in turns, at places that grow, and however it comes in pieces."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.voice.lines import LoudIsSpeech, alternate, hush, softer, syllables, tone, voiced
from vivavoce.audio.level import pink_noise
from vivavoce.audio.pcm import samples_for, samples_in, silence
from vivavoce.events import AnswererJudged, EarEvent, ResponseId, VoiceJudged, VoiceStarted, VoiceStopped
from vivavoce.voice.ear import CallEar

RATE_HZ = 8_000
RESPONSE = ResponseId("r")
SAID = syllables(3_000, seed=11, rate_hz=RATE_HZ)


def _sound(kind: str, ms: int, dbfs: float) -> bytes:
    match kind:
        case "talk":
            return syllables(ms, seed=ms, rate_hz=RATE_HZ, dbfs=dbfs)
        case "vowel":
            return voiced(ms, RATE_HZ, dbfs=dbfs)
        case "noise":
            return pink_noise(samples_for(ms, RATE_HZ), dbfs, seed=ms)
        case "tone":
            return tone(ms, 700.0, RATE_HZ, dbfs)
        case "echo":
            return softer(SAID, 12)[: 2 * samples_for(ms, RATE_HZ)]
        case "nothing":
            return silence(samples_for(ms, RATE_HZ))
        case _:
            return hush(ms, RATE_HZ)


PIECES = st.tuples(
    st.sampled_from(["talk", "vowel", "noise", "tone", "echo", "nothing", "hush"]),
    st.integers(20, 900),
    st.sampled_from([-12.0, -25.0, -45.0]),
)
LINES = st.lists(PIECES, min_size=1, max_size=6).map(lambda pieces: b"".join(_sound(*piece) for piece in pieces))


def facts(line: bytes, cuts: list[int], *, audible: bool) -> list[EarEvent]:
    ear = CallEar(RATE_HZ, LoudIsSpeech(), outbound=True)
    ear.queue(RESPONSE, SAID)
    heard: list[EarEvent] = []
    at = turn = 0
    while at < len(line):
        size = 2 * cuts[turn % len(cuts)]
        heard.extend(ear.hear(line[at : at + size], agent_audible=audible))
        at, turn = at + size, turn + 1
    return heard


@settings(max_examples=25, deadline=None)
@given(LINES, st.booleans())
def test_voices_start_and_stop_in_turns(line: bytes, audible: bool) -> None:
    heard = facts(line, [160], audible=audible)
    assert alternate(heard)
    talks = False
    for fact in heard:
        if isinstance(fact, VoiceStarted | VoiceStopped):
            talks = isinstance(fact, VoiceStarted)
            assert 0 <= fact.at <= samples_in(line)
        elif isinstance(fact, VoiceJudged):
            assert talks, "a voice is judged while it is heard"
    assert sum(isinstance(fact, AnswererJudged) for fact in heard) <= 2


@settings(max_examples=15, deadline=None)
@given(LINES, st.booleans(), st.lists(st.integers(1, 700), min_size=1, max_size=5))
def test_pieces_make_no_difference(line: bytes, audible: bool, cuts: list[int]) -> None:
    assert facts(line, cuts, audible=audible) == facts(line, [160], audible=audible)
