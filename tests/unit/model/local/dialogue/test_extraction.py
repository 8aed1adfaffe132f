"""What an utterance tells about a tool's slots, by itself and as the answer to a question."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.model.local.dialogue.agents import (
    DATE,
    FIND,
    INTEGER,
    LOAN,
    NOW,
    RIDE,
    SHOP,
    TIME,
    UNLOCK,
    choice,
    tool,
)
from vivavoce.agent.declaration import Tool
from vivavoce.model.local.dialogue.extraction import Extraction, Setting, extract, is_yes
from vivavoce.model.local.dialogue.slots import leaning_of, slots_of
from vivavoce.model.local.dialogue.text import words

TABLE = tool(
    "book_table",
    {"place": choice("garden", "rooftop"), "party_size": INTEGER, "date": DATE, "time": TIME},
    "place party_size date time",
    examples=("a dinner table for {party_size} in the {place} restaurant {date} at {time}", "{party_size} people"),
)
FREE = tool(
    "note",
    {"text": {"type": "string"}, "mail": {"type": "string", "format": "email"}, "urgent": {"type": "boolean"},
     "plate": {"type": "string", "x-spoken": "letters"}, "at": {"type": "string", "format": "date-time"}},
    "text mail urgent plate at",
)  # fmt: skip


def read(made: Tool, said: str, asked: str | None = None) -> Extraction:
    setting = Setting(NOW, leaning_of(made), frozenset({"bike", "ride", "dinner"}))
    return extract(words(said), slots_of(made, SHOP.vocabulary), setting, asked)


@pytest.mark.parametrize(
    ("made", "said", "values"),
    [
        (RIDE, "can i try the beacon on saturday at ten for alice",
         {"model": "Beacon", "date": "2026-03-14", "time": "10:00", "name": "Alice"}),
        (RIDE, "my name is john smith and i'd like the falcon", {"model": "Falcon", "name": "John Smith"}),
        (RIDE, "a test ride on the a roar a for zoltan please", {"model": "Aurora", "name": "Zoltan"}),
        (RIDE, "book me a ride for the bike", {}),
        (RIDE, "not friday saturday", {"date": "2026-03-14"}),
        (RIDE, "the beacon not the aurora", {"model": "Beacon"}),
        (RIDE, "at ten no eleven", {"time": "11:00"}),
        (RIDE, "make it two", {"time": "14:00"}),
        (FIND, "any two seaters under twenty thousand", {"style": "tandem", "max_price": 20_000}),
        (FIND, "do you have falcons", {"model": "Falcon"}),
        (LOAN, "two helmets to locker four twelve", {"locker": 412, "quantity": 2}),
        (LOAN, "could i have two extra helmets", {"quantity": 2}),
        (LOAN, "could i have two", {}),
        (LOAN, "i'm at two one four and need helmets", {"locker": 214}),
        (TABLE, "a table for seven at seven", {"party_size": 7, "time": "19:00"}),
        (TABLE, "the roof top for six at eight on friday",
         {"place": "rooftop", "party_size": 6, "date": "2026-03-13", "time": "20:00"}),
        (TABLE, "there will be five of us", {"party_size": 5}),
        (UNLOCK, "i'm member four seven two nine one and my code is double one three four",
         {"member_number": "47291", "code": "1134"}),
        (UNLOCK, "four seven two nine one one two three four", {"member_number": "47291", "code": "1234"}),
    ],
)  # fmt: skip
def test_unasked(made: Tool, said: str, values: dict[str, Any]) -> None:
    assert read(made, said).values == values


@pytest.mark.parametrize(
    ("made", "asked", "said", "values"),
    [
        (RIDE, "name", "it's alice", {"name": "Alice"}),
        (RIDE, "name", "emily watson please", {"name": "Emily Watson"}),
        (RIDE, "name", "b o b", {"name": "Bob"}),
        (RIDE, "date", "sixteen", {"date": "2026-03-16"}),
        (RIDE, "date", "at ten", {"time": "10:00"}),
        (RIDE, "time", "seven", {"time": "07:00"}),
        (RIDE, "model", "the bee con", {"model": "Beacon"}),
        (TABLE, "party_size", "four people at seven", {"party_size": 4, "time": "19:00"}),
        (TABLE, "party_size", "seven", {"party_size": 7}),
        (LOAN, "locker", "two fifteen", {"locker": 215}),
        (UNLOCK, "member_number", "for seven to nine won", {"member_number": "47291"}),
        (UNLOCK, "member_number", "it's four seven two um nine one", {"member_number": "47291"}),
        (FREE, "text", "the door does not close", {"text": "the door does not close"}),
        (FREE, "mail", "it's alice dot smith at example dot com", {"mail": "alice.smith@example.com"}),
        (FREE, "urgent", "yes please", {"urgent": True}),
        (FREE, "plate", "a b c", {"plate": "ABC"}),
        (FREE, "at", "tomorrow at three", {"at": "2026-03-12T15:00"}),
    ],
)
def test_in_the_light_of_the_question(made: Tool, asked: str, said: str, values: dict[str, Any]) -> None:
    assert read(made, said, asked).values == values


def test_too_few_digits_are_reported_and_fill_no_shorter_code() -> None:
    found = read(UNLOCK, "four seven two nine", "member_number")
    assert found.values == {}
    assert found.partial_digits == "4729"


def test_a_value_that_is_only_denied_is_open_again() -> None:
    assert read(RIDE, "not friday").denied == {"date"}


def test_bounds_of_the_schema_hold() -> None:
    made = tool("x", {"seats": {"type": "integer", "minimum": 1, "maximum": 8}}, "seats")
    assert read(made, "nine", "seats").values == {}
    assert read(made, "eight", "seats").values == {"seats": 8}


@pytest.mark.parametrize(
    ("said", "answer"),
    [("yes please", True), ("that's right", True), ("go ahead", True), ("no", False), ("not really", False),
     ("that's not right", False), ("no that is right", False), ("the beacon", None), ("", None)],
)  # fmt: skip
def test_yes_and_no(said: str, answer: bool | None) -> None:
    assert is_yes(words(said)) is answer
