from __future__ import annotations

import pytest

from vivavoce.wire.realtime.spoken import Spoken


def spoken(*pieces: tuple[str, int], samples: int = 100) -> Spoken:
    made = Spoken()
    for text, at in pieces:
        made.say(text, at)
    made.samples = samples
    return made


def test_pieces_are_parted_unless_they_part_themselves() -> None:
    assert spoken(("Good", 0), ("day", 0), (".", 0), (" Yes", 10), ("\nno", 20)).text == "Good day. Yes\nno"


@pytest.mark.parametrize(
    ("played", "heard"),
    [
        (0, ""),
        (24, "one"),
        (50, "one two"),
        (75, "one two three"),
        (100, "one two three four"),
        (999, "one two three four"),
    ],
)
def test_whole_words_that_were_heard(played: int, heard: str) -> None:
    assert spoken(("one two", 0), ("three four", 50)).until(played) == heard


def test_a_correction_keeps_its_place() -> None:
    made = spoken(("at ten", 0), ("or so", 50))
    made.correct("or later", 50)
    assert made.text == "at ten or later"
    made.correct("then", 80)  # of a place nobody spoke of before
    assert made.text == "at ten or later then"


def test_replaced_as_a_whole() -> None:
    made = spoken(("one", 0), ("two", 50))
    made.replace("one")
    assert made.text == "one"
