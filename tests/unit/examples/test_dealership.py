from __future__ import annotations

import datetime as dt

import pytest

from tests.unit.examples.loading import functions, load, reply

WEDNESDAY, SATURDAY, SUNDAY = dt.date(2026, 9, 16), dt.date(2026, 9, 19), dt.date(2026, 9, 20)
TEN = dt.time(10)


def book(**changed: object) -> str:
    arguments = {"model": "Summit", "date": WEDNESDAY, "time": TEN, "name": "Anna", **changed}
    return reply("dealership", "book_test_drive", **arguments)


def test_find_cars_gives_the_cheapest_first() -> None:
    find_cars = functions("dealership")["find_cars"]
    assert find_cars()["count"] == 20
    assert len(find_cars()["cars"]) == 3
    found = find_cars(body_style="suv", max_price=30_000)
    assert found == {
        "count": 2,
        "cars": [
            {"model": "Nomad", "body_style": "suv", "color": "green", "price": 28_400},
            {"model": "Summit", "body_style": "suv", "color": "white", "price": 29_900},
        ],
    }
    assert find_cars(model="Aurora", body_style="saloon")["cars"][0]["color"] == "silver"
    assert find_cars(model="Aurora", body_style="van") == {"count": 0, "cars": []}


def test_every_choice_is_in_stock() -> None:
    (find_cars, _) = load("dealership").tools
    assert callable(find_cars.function)
    for parameter in ("body_style", "model"):
        for value in find_cars.parameters["properties"][parameter]["enum"]:
            assert find_cars.function(**{parameter: value})["count"] >= 1, value


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"max_price": 1000}, "I'm sorry, we have nothing like that in stock right now."),
        ({"model": "Summit", "max_price": 30_000}, "We have one. It's a white Summit S U V, at 29900 dollars."),
        (
            {"body_style": "hatchback"},
            "We have 4 of those. The lowest price is for a blue Aurora hatchback, at 14900 dollars.",
        ),
    ],
)
def test_what_is_said_about_the_stock(arguments: dict[str, object], said: str) -> None:
    assert reply("dealership", "find_cars", **arguments) == said


def test_a_test_drive_is_booked_and_booking_it_twice_is_booking_it_once() -> None:
    said = "You're booked, Anna. The Summit will be ready on Wednesday, September 16th at 10 AM."
    assert book().startswith(said)
    assert book(name="anna").startswith("You're booked, anna.")
    assert book(name="Ben") == "I'm sorry, I could not book that. The Summit is already taken at 10 AM."
    assert book(name="Ben", time=dt.time(10, 30)).startswith("You're booked, Ben.")
    assert book(name="Ben", model="Aurora").startswith("You're booked, Ben.")


@pytest.mark.parametrize(
    ("date", "time", "reason"),
    [
        (SUNDAY, TEN, "There are no test drives on Sundays."),
        (WEDNESDAY, dt.time(8, 30), "Test drives start between 9 AM and 5 PM that day."),
        (SATURDAY, dt.time(15, 30), "Test drives start between 9 AM and 3 PM that day."),
    ],
)
def test_a_test_drive_that_cannot_be(date: dt.date, time: dt.time, reason: str) -> None:
    assert book(date=date, time=time) == f"I'm sorry, I could not book that. {reason}"


@pytest.mark.parametrize(
    ("day", "said"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (22, "22nd"), (30, "30th")],
)
def test_days_as_they_are_said(day: int, said: str) -> None:
    result = functions("dealership")["book_test_drive"]("Nomad", dt.date(2026, 9, day), TEN, "Anna")
    assert result["day"].endswith(f"September {said}")


def test_instructions_name_the_city() -> None:
    assert "in Riverside" in load("dealership").instructions
