"""Dates roll forward only, times come back as they were said, and nothing said breaks a reader."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.model.local.dialogue.moments import Leaning, dates, times
from vivavoce.model.local.dialogue.spelling import MONTHS, WEEKDAYS, say_hour, say_ordinal, say_time
from vivavoce.model.local.dialogue.text import words

DAYS = st.dates(date(2024, 1, 1), date(2035, 12, 31))
MOMENTS = st.builds(datetime.combine, DAYS, st.times())


@given(DAYS, st.integers(0, 364))
def test_day_and_month_give_the_next_such_day(today: date, ahead: int) -> None:
    day = today + timedelta(ahead)
    place, month = say_ordinal(day.day), MONTHS[day.month - 1]
    for text in (f"the {place} of {month}", f"{month} {place}", f"{month} the {place}", f"{day.day} {month}"):
        assert [found.value for found in dates(words(text), today)][:1] == [day] or (day.month, day.day) == (2, 29)


@given(DAYS, st.integers(0, 6))
def test_weekdays_are_never_past_and_within_reach(today: date, weekday: int) -> None:
    name = WEEKDAYS[weekday]
    (plain,), (this,), (following,) = (dates(words(text), today) for text in (name, f"this {name}", f"next {name}"))
    assert today < plain.value <= today + timedelta(7)
    assert today <= this.value < today + timedelta(7)
    assert today < following.value < today + timedelta(14)
    assert {plain.value.weekday(), this.value.weekday(), following.value.weekday()} == {weekday}
    assert following.value.isocalendar().week == (today + timedelta(7)).isocalendar().week


@given(DAYS, st.integers(1, 28))
def test_a_bare_day_is_its_next_one(today: date, day: int) -> None:
    (found,) = dates(words(f"the {say_ordinal(day)}"), today)
    assert found.value.day == day
    assert today <= found.value <= today + timedelta(31)


@given(MOMENTS, st.times())
def test_a_time_said_in_full_comes_back(now: datetime, moment: time) -> None:
    moment = moment.replace(second=0, microsecond=0)
    half = "a m" if moment.hour < 12 else "p m"
    (found,) = times(words(f"at {say_hour(moment.hour, moment.minute)} {half}"), now)
    assert found.value == moment


@given(MOMENTS, st.integers(0, 23), st.integers(0, 11))
def test_the_spoken_form_of_a_time_is_understood(now: datetime, hour: int, fives: int) -> None:
    moment = time(hour, fives * 5)
    (found,) = times(words(f"at {say_time(moment)}"), now)
    assert found.value == moment


VOCABULARY = (
    "the next this in a week day days two ten thirty past to quarter half at on of march may sixteenth second monday "
    "tomorrow morning night noon am pm o'clock not hour minutes and from now 10:30 25:99 2026-02-31 oh seventy"
).split()


@given(MOMENTS, st.lists(st.sampled_from(VOCABULARY), max_size=10), st.sampled_from(list(Leaning)), st.booleans())
def test_nothing_said_breaks_a_reader(now: datetime, said: list[str], leaning: Leaning, asked: bool) -> None:
    for day in dates(said, now.date(), asked=asked):
        assert day.value >= now.date() or "2026-02-31" in said
        assert day.start < day.end
    for moment in times(said, now, leaning=leaning, asked=asked):
        assert moment.start < moment.end
