"""Numbers, dates and times as people say them: for the voice, and for the words the recogniser listens for."""

from __future__ import annotations

from datetime import date, time
from typing import Final

ONES: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
TENS: Final = ". . twenty thirty forty fifty sixty seventy eighty ninety".split()
SCALES: Final = ((1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand"), (100, "hundred"))
_IRREGULAR: Final = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
MONTHS: Final = ("january february march april may june july august september october november december").split()
WEEKDAYS: Final = "monday tuesday wednesday thursday friday saturday sunday".split()


def say_number(value: int) -> str:
    """``2_105`` is "two thousand one hundred and five"."""
    if value < 0:
        return f"minus {say_number(-value)}"
    if value < 20:
        return ONES[value]
    if value < 100:
        return TENS[value // 10] + (f" {ONES[value % 10]}" if value % 10 else "")
    for scale, name in SCALES:
        if value >= scale:
            rest = value % scale
            joint = " and " if rest < 100 else " "
            return f"{say_number(value // scale)} {name}" + (joint + say_number(rest) if rest else "")
    raise AssertionError("every number from 100 up has a scale")


def say_ordinal(value: int) -> str:
    """``16`` is "sixteenth"."""
    *front, last = say_number(value).split()
    regular = last[:-1] + "ieth" if last.endswith("y") else last + "th"
    return " ".join([*front, _IRREGULAR.get(last, regular)])


def say_digits(digits: str) -> str:
    """``"407"`` is "four oh seven": each by itself, as one reads a code."""
    return " ".join(("oh" if digit == "0" else ONES[int(digit)]) if digit.isdigit() else digit for digit in digits)


def short_ordinal(value: int) -> str:
    """``16`` is "16th": for text that is both read and spoken."""
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th") if value % 100 not in (11, 12, 13) else "th"
    return f"{value}{suffix}"


def say_date(day: date, today: date) -> str:
    """ "Saturday the 16th"; with the month when it is another one, with the year when it is far away."""
    text = f"{WEEKDAYS[day.weekday()].capitalize()} the {short_ordinal(day.day)}"
    if (day.year, day.month) != (today.year, today.month):
        text += f" of {MONTHS[day.month - 1].capitalize()}"
    return text if abs((day - today).days) < 330 else f"{text} {day.year}"


def say_hour(hour: int, minute: int) -> str:
    """A time on a twelve-hour face in words: "ten thirty", "two o'clock", "five past"-free so that it is never
    misheard."""
    face = ONES[(hour - 1) % 12 + 1]
    if minute == 0:
        return f"{face} o'clock"
    return f"{face} {'oh ' if minute < 10 else ''}{say_number(minute)}"


def say_time(moment: time) -> str:
    """Office hours need no part of the day; the rest gets one: "seven o'clock in the morning"."""
    if (moment.hour, moment.minute) in ((0, 0), (12, 0)):
        return "noon" if moment.hour else "midnight"
    text = say_hour(moment.hour, moment.minute)
    if 9 <= moment.hour < 18:
        return text
    if moment.hour < 12:
        return f"{text} in the morning"
    return f"{text} in the evening" if moment.hour < 22 else f"{text} at night"
