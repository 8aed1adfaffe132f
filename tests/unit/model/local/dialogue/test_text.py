from __future__ import annotations

import pytest

from vivavoce.model.local.dialogue.text import likeness, plain, words


def test_words_of_typed_and_of_recognised_text() -> None:
    assert words("3pm on Sat, £15,000!") == ("3", "pm", "on", "sat", "£", "15000")
    assert words("At 2.30 p.m., I’d say") == ("at", "2:30", "pm", "i'd", "say")
    assert words("nine a m the 16th 2026-03-01") == ("nine", "am", "the", "16th", "2026-03-01")


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("a roar a", "aurora"),
        ("bacon", "beacon"),
        ("no mad", "nomad"),
        ("merry dean", "meridian"),
        ("roof top", "rooftop"),
    ],
)
def test_what_sounds_alike_is_alike(heard: str, meant: str) -> None:
    assert likeness(heard, meant) >= 0.8


@pytest.mark.parametrize(("one", "two"), [("aurora", "nomad"), ("friday", "saturday"), ("iron", "on"), ("", "robe")])
def test_what_sounds_different_is_not(one: str, two: str) -> None:
    assert likeness(one, two) < 0.6


def test_the_bound_only_drops_what_is_below_it() -> None:
    for one, two in (("a roar a", "aurora"), ("tiles", "towels"), ("iron", "on")):
        whole = likeness(one, two)
        assert likeness(one, two, 0.8) in (whole, 0.0)
        assert whole < 0.8 or likeness(one, two, 0.8) == whole


def test_identifiers_are_said_as_words() -> None:
    assert plain("city_centre") == "city centre"
