from __future__ import annotations

from datetime import date, time

import pytest

from vivavoce.model.local.dialogue.spelling import (
    say_date,
    say_digits,
    say_number,
    say_ordinal,
    say_time,
    short_ordinal,
)


def test_numbers() -> None:
    assert say_number(2_105) == "two thousand one hundred and five"
    assert say_number(-40) == "minus forty"
    assert [say_ordinal(value) for value in (1, 12, 20, 21)] == ["first", "twelfth", "twentieth", "twenty first"]
    assert [short_ordinal(value) for value in (1, 2, 3, 11, 22, 113)] == ["1st", "2nd", "3rd", "11th", "22nd", "113th"]
    assert say_digits("407a") == "four oh seven a"


def test_dates_say_as_much_as_is_needed() -> None:
    today = date(2026, 3, 11)
    assert say_date(date(2026, 3, 14), today) == "Saturday the 14th"
    assert say_date(date(2026, 4, 2), today) == "Thursday the 2nd of April"
    assert say_date(date(2027, 3, 2), today) == "Tuesday the 2nd of March 2027"


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (time(10), "ten o'clock"),
        (time(14, 5), "two oh five"),
        (time(6, 30), "six thirty in the morning"),
        (time(19), "seven o'clock in the evening"),
        (time(22, 15), "ten fifteen at night"),
        (time(0, 20), "twelve twenty in the morning"),
        (time(12), "noon"),
        (time(0), "midnight"),
    ],
)
def test_times(moment: time, text: str) -> None:
    assert say_time(moment) == text
