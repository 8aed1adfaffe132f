"""What the caller was not answered is kept, and nothing else."""

from __future__ import annotations

import pytest

from tests.unit.core.scenario import ONE, RATE_HZ, T1, TWO, audio, instant, samples
from vivavoce.core.owed import DOUBT_US, Owed
from vivavoce.core.ring import LEAD_MS, RING_S
from vivavoce.events import GREETING, ForwardText, ReturnToolResult, Samples, Speak, ToolStatus


def owed() -> Owed:
    made = Owed()
    made.ring.rate_hz = RATE_HZ
    return made


def position(kept: Owed) -> Samples:
    """The caller has been noticed at once."""
    return kept.position


def hear(kept: Owed, ms: int, piece_ms: int = 100) -> None:
    for _ in range(0, ms, piece_ms):
        kept.forward(audio(piece_ms))


def test_of_silence_the_last_moment_is_kept() -> None:
    kept = owed()
    hear(kept, 30_000)
    assert samples(LEAD_MS) <= kept.ring.held < samples(LEAD_MS + 100)
    assert (kept.ring.outrun, kept.is_owed(instant(30_000))) == (0, False)


def test_from_the_beginning_of_speech_on_all_is_kept() -> None:
    kept = owed()
    hear(kept, 5_000)
    kept.began(instant(0), position(kept), into_agent=False)
    hear(kept, 20_000)
    kept.ended(instant(25_000), samples(25_000))
    hear(kept, 3_000)
    assert kept.ring.held == samples(LEAD_MS + 23_000)
    assert sum(piece.samples for piece in kept.ring) == kept.ring.held
    assert kept.certain


def test_what_the_ring_has_no_room_for_is_counted() -> None:
    kept = owed()
    kept.began(instant(0), position(kept), into_agent=False)
    hear(kept, RING_S * 1000 + 5_000)
    assert kept.ring.held + kept.ring.outrun == samples(RING_S * 1000 + 5_000)
    assert kept.ring.outrun == pytest.approx(samples(5_000), abs=samples(100))


def test_an_answer_settles_everything() -> None:
    kept = owed()
    kept.began(instant(0), position(kept), into_agent=False)
    hear(kept, 5_000)
    kept.ended(instant(5_000), samples(5_000))
    kept.ask(ForwardText(ONE, "and blue"), instant(0))
    kept.ask(ReturnToolResult(ONE, T1, ToolStatus.OK, "1"), instant(0))
    kept.answered()
    assert not kept.is_owed(instant(5_000))
    assert kept.ring.held == 0, "what was answered must not be answered again"


def test_an_answer_while_the_caller_talks_on_leaves_what_they_say_now() -> None:
    kept = owed()
    hear(kept, 5_000)
    kept.began(instant(0), position(kept), into_agent=False)
    hear(kept, 2_000)
    kept.ended(instant(7_000), samples(7_000))
    hear(kept, 1_000)
    kept.began(instant(0), position(kept), into_agent=False)
    hear(kept, 3_000)
    kept.answered()
    assert kept.is_owed(instant(11_000))
    assert kept.ring.held == samples(LEAD_MS + 3_000)


def test_no_sound_of_what_was_answered_is_kept_before_what_was_not() -> None:
    kept = owed()
    kept.began(instant(0), position(kept), into_agent=False)
    hear(kept, 2_000)
    kept.ended(instant(2_000), samples(2_000))
    hear(kept, 200)
    kept.began(instant(0), position(kept), into_agent=False)
    hear(kept, 1_000)
    kept.answered()
    assert kept.ring.held == samples(1_200)


def test_doing_what_was_wished_answers_that_and_nothing_else() -> None:
    kept = owed()
    greeting = Speak(ONE, GREETING, "Hello.")
    kept.ask(greeting, instant(0))
    kept.ask(ForwardText(ONE, "hi"), instant(0))
    assert kept.speak_of(GREETING) == greeting
    assert kept.speak_of("r1") is None
    kept.answered(greeting)
    assert kept.asks == [ForwardText(ONE, "hi")]


def test_another_response_does_not_do_what_was_wished() -> None:
    kept = owed()
    kept.ask(Speak(TWO, GREETING, "Hello."), instant(0))
    kept.answered()
    assert kept.is_owed(instant(0))


def test_words_into_the_agents_own_are_owed_an_answer_for_a_while() -> None:
    kept = owed()
    kept.began(instant(0), position(kept), into_agent=True)
    hear(kept, 500)
    kept.ended(instant(500), samples(500))
    assert (kept.is_owed(instant(500)), kept.certain) == (True, False)
    assert kept.is_owed(instant(500 + DOUBT_US // 1000))
    assert not kept.is_owed(instant(501 + DOUBT_US // 1000))


def test_words_that_the_model_takes_for_an_interruption_are_certain() -> None:
    kept = owed()
    kept.began(instant(0), position(kept), into_agent=True)
    kept.ended(instant(500), samples(500))
    kept.taken()
    assert kept.certain
    assert kept.is_owed(instant(60_000))


def test_certain_words_do_not_become_doubtful() -> None:
    kept = owed()
    kept.began(instant(0), position(kept), into_agent=False)
    kept.ended(instant(500), samples(500))
    kept.began(instant(0), position(kept), into_agent=True)
    kept.ended(instant(900), samples(900))
    assert kept.certain


def test_nobody_who_still_talks_is_owed_an_answer_yet() -> None:
    kept = owed()
    kept.began(instant(0), position(kept), into_agent=False)
    assert not kept.certain
    assert kept.is_owed(instant(100_000))


def test_an_answer_that_comes_before_the_end_of_speech_is_noticed_is_an_answer_to_all_of_it() -> None:
    kept = owed()
    kept.began(instant(0), position(kept), into_agent=False)
    hear(kept, 2_000)
    kept.answered()
    hear(kept, 200)
    kept.ended(instant(2_200), samples(1_800))
    assert (kept.is_owed(instant(2_200)), kept.ring.held, kept.since) == (False, 0, None)


def test_an_answer_into_the_callers_speech_is_none_to_what_they_say_after_it() -> None:
    kept = owed()
    kept.began(instant(0), position(kept), into_agent=False)
    hear(kept, 2_000)
    kept.answered()
    hear(kept, 1_000)
    kept.ended(instant(3_000), samples(2_600))
    assert kept.is_owed(instant(3_000))
    assert kept.ring.held == samples(3_000)


def test_another_session_counts_from_what_was_replayed_to_it() -> None:
    kept = owed()
    hear(kept, 60_000)
    kept.began(instant(60_000), position(kept), into_agent=False)
    hear(kept, 1_000)
    kept.taken_over(instant(61_000))
    hear(kept, 1_000)
    kept.answered()
    hear(kept, 300)
    kept.ended(instant(62_300), samples(LEAD_MS + 1_900))
    assert not kept.is_owed(instant(62_300))


def test_nobody_waits_once_the_wish_was_done() -> None:
    kept = owed()
    greeting = Speak(ONE, GREETING, "Hello.")
    kept.ask(greeting, instant(0))
    kept.answered(greeting)
    assert kept.since is None


def test_a_tools_result_is_answered_by_a_response_and_not_by_another_tool() -> None:
    kept = owed()
    result = ReturnToolResult(ONE, T1, ToolStatus.OK, "1")
    kept.ask(result, instant(0))
    kept.answered(by_tool=True)
    assert kept.asks == [result]
    kept.answered()
    assert kept.asks == []


@pytest.mark.parametrize("later", ["ended", "began"])
def test_what_settles_words_settles_nothing_else(later: str) -> None:
    """The answer to quick words is a tool call, and its result comes before the end of the words was noticed; or a
    result comes after words that were ignored, and other words follow.
    """
    kept = owed()
    result = ReturnToolResult(ONE, T1, ToolStatus.OK, "1")
    kept.began(instant(0), position(kept), into_agent=later == "began")
    hear(kept, 2_000)
    if later == "ended":
        kept.answered(by_tool=True)
        kept.ask(result, instant(2_000))
        kept.ended(instant(2_100), samples(1_800))
    else:
        kept.ended(instant(2_100), samples(1_800))
        kept.ask(result, instant(2_000))
        kept.began(instant(20_000), position(kept), into_agent=False)
    assert kept.asks == [result]


def test_what_is_said_of_replayed_sound_counts_from_where_it_was() -> None:
    """The edges of all that was replayed come at once; the answer to the first words leaves the second, whole."""
    kept = owed()
    kept.began(instant(0), position(kept), into_agent=False)
    hear(kept, 2_000)
    kept.ended(instant(2_000), samples(2_000))
    hear(kept, 1_000)
    kept.began(instant(3_000), position(kept), into_agent=False)
    hear(kept, 3_000)
    kept.taken_over(instant(6_000))
    kept.began(instant(6_000), samples(0), into_agent=False)
    kept.ended(instant(6_000), samples(2_000))
    kept.began(instant(6_000), samples(3_000), into_agent=False)
    hear(kept, 500)
    kept.answered()
    assert kept.ring.held == samples(LEAD_MS + 3_500)


def test_a_session_that_takes_over_from_words_owes_an_answer_until_it_hears_them_go_on() -> None:
    kept = owed()
    kept.began(instant(0), position(kept), into_agent=False)
    hear(kept, 2_000)
    kept.taken_over(instant(2_000))
    assert (kept.certain, kept.since) == (True, instant(2_000))
    kept.began(instant(2_000), samples(0), into_agent=False)
    assert not kept.certain
