from __future__ import annotations

import pytest

from vivavoce.errors import UsageError
from vivavoce.model.local.dialogue.port import Expecting
from vivavoce.model.local.ear_turn_text import COMPLETE_MS, NORMAL_MS, UNFINISHED_MS, Endings, TurnText

SENTENCES = [f"a table for {n} please" for n in ("two", "four", "six")] + [
    "book a test drive",
    "book a test drive tomorrow",
    "book a test drive at noon",
]


def silence(text: str, expecting: Expecting = Expecting.ANYTHING, complete: tuple[str, ...] = ()) -> int:
    turn_text = TurnText(Endings(SENTENCES))
    turn_text.expect(expecting, complete)
    return turn_text.allowed_silence_ms(text)


@pytest.mark.parametrize("expecting", list(Expecting))
def test_before_the_first_word_nothing_is_known(expecting: Expecting) -> None:
    assert silence("", expecting) == NORMAL_MS


@pytest.mark.parametrize("expecting", list(Expecting))
@pytest.mark.parametrize("word", ["the", "and", "for", "to", "at", "um", "past"])
def test_a_word_that_promises_more_is_waited_for(word: str, expecting: Expecting) -> None:
    assert silence(f"yes friday {word}", expecting) == UNFINISHED_MS


@pytest.mark.parametrize(
    ("text", "expecting", "allowed"),
    [
        ("what about the parking", Expecting.ANYTHING, NORMAL_MS),
        ("yes", Expecting.ANYTHING, NORMAL_MS),
        ("yes", Expecting.YES_NO, COMPLETE_MS),
        ("no thank you", Expecting.YES_NO, COMPLETE_MS),
        ("no i meant the big one", Expecting.YES_NO, NORMAL_MS),
        ("maybe", Expecting.YES_NO, NORMAL_MS),
        ("four seven", Expecting.DIGITS, UNFINISHED_MS),
        ("it's nine", Expecting.DIGITS, UNFINISHED_MS),
        ("never mind", Expecting.DIGITS, NORMAL_MS),
        ("my number is four seven", Expecting.ANYTHING, UNFINISHED_MS),
        ("half past two", Expecting.ANYTHING, NORMAL_MS),
        ("sarah", Expecting.NAME, UNFINISHED_MS),
        ("half past two", Expecting.DATE_OR_TIME, COMPLETE_MS),
        ("next friday", Expecting.DATE_OR_TIME, COMPLETE_MS),
        ("the twenty first", Expecting.DATE_OR_TIME, COMPLETE_MS),
        ("whenever suits you", Expecting.DATE_OR_TIME, NORMAL_MS),
        ("the garden", Expecting.CHOICE, NORMAL_MS),
    ],
)
def test_what_is_said_and_what_is_expected_decide(text: str, expecting: Expecting, allowed: int) -> None:
    assert silence(text, expecting) == allowed


def test_a_complete_answer_is_not_waited_for_even_where_digits_are_read() -> None:
    digits = (r"(\b(?:zero|one|two|three|four)\b ?){4}$",)
    assert silence("one two three", Expecting.DIGITS, digits) == UNFINISHED_MS
    assert silence("one two three four", Expecting.DIGITS, digits) == COMPLETE_MS


def test_the_ends_of_the_agents_sentences_are_ends() -> None:
    assert silence("could we have a table for four please") == NORMAL_MS
    assert silence("six please") == NORMAL_MS  # heard once only
    endings = Endings([*SENTENCES, *SENTENCES, *SENTENCES])
    assert ["for", "six", "please"] in endings
    assert ["test", "drive"] not in endings
    assert ["at", "noon"] in endings
    assert [] not in endings


def test_a_later_expectation_replaces_the_patterns() -> None:
    turn_text = TurnText(Endings([]))
    turn_text.expect(Expecting.CHOICE, ["garden"])
    turn_text.expect(Expecting.CHOICE)
    assert turn_text.allowed_silence_ms("the garden") == NORMAL_MS


def test_what_is_no_pattern_is_said() -> None:
    with pytest.raises(UsageError, match=r"'\(five' is not a regular expression"):
        TurnText(Endings([])).expect(Expecting.DIGITS, ["(five"])


def test_the_agent_file_chooses_the_pause_where_the_words_decide_nothing() -> None:
    turn_text = TurnText(Endings([]), normal_ms=900)
    assert turn_text.allowed_silence_ms("") == 900
    assert turn_text.allowed_silence_ms("a blue car") == 900
    assert turn_text.allowed_silence_ms("i would like to") == UNFINISHED_MS
