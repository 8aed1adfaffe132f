"""What every caller may say to every agent."""

from __future__ import annotations

import pytest

from vivavoce.model.local.dialogue.builtins import PERSON, plain_intent, unwrapped
from vivavoce.model.local.dialogue.text import words


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("sorry one more thing where can i park", "where can i park"),
        ("um hi there could you tell me whether ticket two is done", "ticket two is done"),
        ("by the way what about um parking", "what about parking"),
        ("hello there", "hello there"),
        ("thank you", "thank you"),
        ("sorry what", "sorry what"),
    ],
)
def test_what_is_wanted_comes_after_what_one_begins_with(said: str, wanted: str) -> None:
    assert " ".join(unwrapped(words(said))) == wanted


@pytest.mark.parametrize("said", ["can i talk to one of your technicians", "i'd rather speak with the manager"])
def test_who_wants_to_talk_to_somebody_wants_a_person(said: str) -> None:
    assert plain_intent(words(said)) == PERSON


def test_who_wants_to_talk_to_the_agent_does_not() -> None:
    assert plain_intent(words("can i talk to you about a bike")) == ""
