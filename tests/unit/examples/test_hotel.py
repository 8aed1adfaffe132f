from __future__ import annotations

import datetime as dt

import pytest

from tests.unit.examples.loading import functions, reply

FRIDAY, EIGHT = dt.date(2026, 9, 18), dt.time(20)


def book(**changed: object) -> str:
    arguments = {"restaurant": "rooftop", "party_size": 4, "date": FRIDAY, "time": EIGHT, **changed}
    return reply("hotel", "book_table", **arguments)


def test_a_table_is_booked() -> None:
    assert book() == "Your table for 4 in the rooftop restaurant is booked on Friday, September 18th at 8 PM."
    assert book(restaurant="garden", time=dt.time(12, 15)).endswith("at 12:15 PM.")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"party_size": 11}, "We seat parties of up to 10."),
        ({"party_size": 0}, "We seat parties of up to 10."),
        ({"time": dt.time(12)}, "The rooftop restaurant seats guests between 6 PM and 10 PM."),
        (
            {"restaurant": "garden", "time": dt.time(22)},
            "The garden restaurant seats guests between 12 PM and 9:30 PM.",
        ),
    ],
)
def test_a_table_that_cannot_be(changed: dict[str, object], reason: str) -> None:
    assert book(**changed) == f"I'm sorry, I could not book that. {reason}"


def test_a_restaurant_is_full_at_some_time() -> None:
    for _ in range(2):
        assert book(party_size=10).startswith("Your table")
    assert book(party_size=5) == "I'm sorry, I could not book that. The rooftop restaurant is full at 8 PM."
    assert book(party_size=5, time=dt.time(21)).startswith("Your table")
    assert book(party_size=4).startswith("Your table")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"room": 214, "item": "towels"}, "A towel will be brought to room 214 within 10 minutes."),
        ({"room": 214, "item": "iron"}, "An iron will be brought to room 214 within 15 minutes."),
        ({"room": 101, "item": "pillows", "quantity": 2}, "2 pillows will be brought to room 101 within 10 minutes."),
        ({"room": 101, "item": "robe", "quantity": 2}, "2 robes will be brought to room 101 within 15 minutes."),
        (
            {"room": 101, "item": "toothbrush", "quantity": 3},
            "3 toothbrushes will be brought to room 101 within 10 minutes.",
        ),
        ({"room": 999, "item": "robe"}, "I'm sorry. There is no room 999 in this house."),
        ({"room": 101, "item": "robe", "quantity": 7}, "I'm sorry. We can send up to 6 at a time."),
    ],
)
def test_things_for_a_room(arguments: dict[str, object], said: str) -> None:
    assert reply("hotel", "request_item", **arguments) == said


def test_a_taxi() -> None:
    said = reply("hotel", "order_taxi", room=305, destination="city centre", time=dt.time(18, 5))
    assert said == "Your taxi to the city centre will be at the front door at 6:05 PM. The fare is about 15 dollars."
    assert (
        reply("hotel", "order_taxi", room=1, destination="airport", time=EIGHT)
        == "I'm sorry. There is no room 1 in this house."
    )


def test_a_wake_up_call_and_a_later_one_in_its_place() -> None:
    wake = functions("hotel")["wake_up_call"]
    assert wake(room=305, time=dt.time(6)) == {"set": True, "at": "6 AM"}
    assert reply("hotel", "wake_up_call", room=305, time=dt.time(0, 30)) == (
        "We will wake you in room 305 at 12:30 AM. Sleep well."
    )
    assert wake(room=5, time=dt.time(6)) == {"set": False, "reason": "There is no room 5 in this house."}
