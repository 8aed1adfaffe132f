"""Dates and times as callers say them, on Wednesday the 11th of March 2026 at 9:40."""

from __future__ import annotations

import pytest

from tests.unit.model.local.dialogue.agents import NOW
from vivavoce.model.local.dialogue.moments import Leaning, dates, times
from vivavoce.model.local.dialogue.text import words


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("today", "2026-03-11"),
        ("tomorrow", "2026-03-12"),
        ("the day after tomorrow", "2026-03-13"),
        ("friday", "2026-03-13"),
        ("wednesday", "2026-03-18"),
        ("this wednesday", "2026-03-11"),
        ("this coming saturday", "2026-03-14"),
        ("next tuesday", "2026-03-17"),
        ("next saturday", "2026-03-21"),
        ("saturday week", "2026-03-21"),
        ("a week on monday", "2026-03-23"),
        ("two weeks from friday", "2026-03-27"),
        ("a week tomorrow", "2026-03-19"),
        ("in two days", "2026-03-13"),
        ("in a fortnight", "2026-03-25"),
        ("three days from now", "2026-03-14"),
        ("the fourteenth of march", "2026-03-14"),
        ("june third", "2026-06-03"),
        ("june the third", "2026-06-03"),
        ("14 march", "2026-03-14"),
        ("the second of march", "2027-03-02"),
        ("january fifth twenty twenty eight", "2028-01-05"),
        ("no the sixteenth", "2026-03-16"),
        ("the tenth", "2026-04-10"),
        ("saturday the fourteenth", "2026-03-14"),
        ("saturday the eleventh", "2026-04-11"),
        ("2026-05-01", "2026-05-01"),
        ("tonight at eight", "2026-03-11"),
    ],
)
def test_dates(said: str, day: str) -> None:
    assert [found.value.isoformat() for found in dates(words(said), NOW.date())] == [day]


@pytest.mark.parametrize(
    "said", ["", "the first one", "may i come in", "march on", "sixteen", "one second", "next week"]
)
def test_what_is_no_date(said: str) -> None:
    assert dates(words(said), NOW.date()) == []


@pytest.mark.parametrize(
    ("said", "day"), [("sixteen", "2026-03-16"), ("saterday", "2026-03-14"), ("the second", "2026-04-02")]
)
def test_where_a_date_was_asked_for_less_is_enough(said: str, day: str) -> None:
    assert [found.value.isoformat() for found in dates(words(said), NOW.date(), asked=True)] == [day]


@pytest.mark.parametrize(
    ("said", "time"),
    [
        ("half past nine", "09:30"),
        ("half nine", "09:30"),
        ("quarter to five", "16:45"),
        ("a quarter past six in the evening", "18:15"),
        ("twenty five minutes past two", "14:25"),
        ("ten to twelve", "11:50"),
        ("ten thirty", "10:30"),
        ("ten oh five", "10:05"),
        ("at three", "15:00"),
        ("three p.m.", "15:00"),
        ("nine a m", "09:00"),
        ("noon", "12:00"),
        ("midnight", "00:00"),
        ("twelve at night", "00:00"),
        ("seven in the morning", "07:00"),
        ("five o'clock", "17:00"),
        ("eleven at night", "23:00"),
        ("at two tomorrow morning", "02:00"),
        ("tonight at eight", "20:00"),
        ("eighteen thirty", "18:30"),
        ("2:30pm", "14:30"),
        ("at 10:30", "10:30"),
        ("in half an hour", "10:10"),
        ("in twenty minutes", "10:00"),
        ("in an hour and a half", "11:10"),
        ("good morning i'd like to come at four", "16:00"),
    ],
)
def test_times(said: str, time: str) -> None:
    assert [found.value.strftime("%H:%M") for found in times(words(said), NOW)] == [time]


@pytest.mark.parametrize(
    "said", ["room two fifteen", "at four people", "for two", "in two days", "five hundred", "half a pound"]
)
def test_what_is_no_time(said: str) -> None:
    assert times(words(said), NOW) == []


@pytest.mark.parametrize(
    ("leaning", "said", "time"),
    [
        (Leaning.DAY, "at six", "18:00"),
        (Leaning.DAY, "at seven", "07:00"),
        (Leaning.MORNING, "at six", "06:00"),
        (Leaning.EVENING, "at seven", "19:00"),
        (Leaning.EVENING, "at seven in the morning", "07:00"),
    ],
)
def test_the_service_decides_which_half_of_the_day(leaning: Leaning, said: str, time: str) -> None:
    assert [found.value.strftime("%H:%M") for found in times(words(said), NOW, leaning=leaning)] == [time]


def test_a_bare_hour_needs_a_cue_or_a_question() -> None:
    assert times(("for", "seven"), NOW) == []
    assert [found.value.hour for found in times(("for", "seven"), NOW, cues=frozenset({"for"}))] == [7]
    assert [found.value.hour for found in times(("seven",), NOW, asked=True)] == [7]
