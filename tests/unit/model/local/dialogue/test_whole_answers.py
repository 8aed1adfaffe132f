"""Which words the ear may take for a whole answer."""

from __future__ import annotations

import re

import pytest

from vivavoce.model.local.dialogue.slots import Choice, Kind, Slot
from vivavoce.model.local.dialogue.whole_answers import whole_answers

CODE = Slot("employee_number", Kind.DIGITS, True, "employee number", least=5, most=5)
ROOM = Slot("room", Kind.INTEGER, True, "room")
TIME = Slot("time", Kind.TIME, True, "time")
PLACE = Slot("place", Kind.CHOICE, True, "place", (Choice("garden", ("garden",)), Choice("roof", ("roof", "roof top"))))


def is_whole(slot: Slot, text: str) -> bool:
    return any(re.search(pattern, text) for pattern in whole_answers(slot))


@pytest.mark.parametrize(
    ("slot", "text", "whole"),
    [
        (CODE, "it's two nine four oh seven", True),
        (CODE, "two nine four oh seven please", True),
        (CODE, "three oh five double eight", True),
        (CODE, "double three oh five eight", True),
        (CODE, "two nine four oh", False),
        (CODE, "three five double eight", False),
        (ROOM, "room two one four", True),
        (ROOM, "i'm in four twelve", True),
        (ROOM, "two one", False),
        (TIME, "at ten thirty please", True),
        (TIME, "at ten", False),
        (PLACE, "the garden one please", True),
        (PLACE, "the roof top", True),
        (PLACE, "the garden or", False),
        (Slot("name", Kind.NAME, True, "name"), "alice", False),
    ],
)
def test_an_answer_is_whole_or_not(slot: Slot, text: str, whole: bool) -> None:
    assert is_whole(slot, text) is whole
