"""Spoken English dates and times to values, relative to a given now, rolling forward only.

Rules where English leaves a choice:

- "friday" is the next one after today; "this friday" may be today; "next friday" is in the week after this,
  which ends on Sunday.
- "the sixteenth" is the next sixteenth, today included. A weekday said with it picks the month where both agree.
- A time without a part of the day: one to six is afternoon, seven to eleven is morning. :class:`Leaning` moves that for
  services of the morning (a wake-up call) or of the evening (a dinner table). Words like "tonight" win over both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar

from vivavoce.model.local.dialogue.numbers import Reading, cardinal, ordinal, year
from vivavoce.model.local.dialogue.spelling import MONTHS, WEEKDAYS
from vivavoce.model.local.dialogue.text import likeness

_WEEKDAYS: Final = {name: index for index, name in enumerate(WEEKDAYS)} | {
    "mon": 0, "tue": 1, "tues": 1, "wed": 2, "thu": 3, "thur": 3, "thurs": 3, "fri": 4,
}  # fmt: skip
_MONTHS: Final = {name: index for index, name in enumerate(MONTHS, 1)} | {
    "jan": 1, "feb": 2, "apr": 4, "jun": 6, "jul": 7, "aug": 8, "sept": 9, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_SPANS: Final = {"day": 1, "days": 1, "week": 7, "weeks": 7, "fortnight": 14, "fortnights": 14}
_NOT_A_DAY: Final = frozenset({"one", "floor", "time", "car", "option", "ones"})
_BEFORE_HOUR: Final = frozenset({"at", "around", "about", "by", "until", "till", "from", "after", "before", "it"})
_NOT_BEFORE_TIME: Final = frozenset({"room", "number", "ticket", "code", "employee"})
_MORNING: Final = frozenset({"am", "morning", "breakfast"})
_LATER: Final = frozenset({"pm", "afternoon", "evening", "night", "tonight", "dinner", "supper"})


class Leaning(StrEnum):
    """Which half of the day a bare hour means in this service."""

    DAY = "day"
    MORNING = "morning"
    EVENING = "evening"


class FoundDate(NamedTuple):
    """A date and the place of its words. Not ``certain``: only to be believed where a date was asked for."""

    value: date
    start: int
    end: int
    certain: bool = True


class FoundTime(NamedTuple):
    """A time of day and the place of its words. Not ``certain``: only to be believed where a time was asked for."""

    value: time
    start: int
    end: int
    certain: bool = True


_Found = TypeVar("_Found", FoundDate, FoundTime)


def _word(said: Sequence[str], at: int) -> str:
    return said[at] if 0 <= at < len(said) else ""


def _scan(said: Sequence[str], readers: Iterable[Callable[[Sequence[str], int], _Found | None]]) -> list[_Found]:
    readers = tuple(readers)
    found: list[_Found] = []
    at = 0
    while at < len(said):
        readings = (reader(said, at) for reader in readers)
        reading = next((reading for reading in readings if reading), None)
        if reading:
            found.append(reading)
        at = reading.end if reading else at + 1
    return found


# Dates


def dates(said: Sequence[str], today: date, *, asked: bool = False) -> list[FoundDate]:
    """Every date said, in order. ``asked``: a date was asked for, so "sixteen" and "sat a day" are dates too."""
    readers: list[Callable[[Sequence[str], int], FoundDate | None]] = [
        _iso_date,
        lambda words, at: _counted_date(words, at, today),
        lambda words, at: _relative_date(words, at, today),
        lambda words, at: _day_of_month(words, at, today),
        lambda words, at: _weekday_date(words, at, today, asked=asked),
        lambda words, at: _bare_day(words, at, today, asked=asked),
    ]
    return [found for found in _scan(said, readers) if asked or found.certain]


def _iso_date(said: Sequence[str], at: int) -> FoundDate | None:
    try:
        return FoundDate(date.fromisoformat(said[at]), at, at + 1) if "-" in said[at] else None
    except ValueError:
        return None


def _relative_date(said: Sequence[str], at: int, today: date) -> FoundDate | None:
    tail = tuple(said[at : at + 4])
    if tail[:3] == ("day", "after", "tomorrow"):
        return FoundDate(today + timedelta(2), at, at + 3)
    if tail[:1] == ("tomorrow",):
        week_later = tail[1:2] == ("week",)
        return FoundDate(today + timedelta(8 if week_later else 1), at, at + 1 + week_later)
    if tail[:1] in (("today",), ("tonight",)):
        return FoundDate(today, at, at + 1)
    if tail[:2] in (("this", "morning"), ("this", "afternoon"), ("this", "evening")):
        return FoundDate(today, at, at + 2)
    if tail[:2] == ("this", "weekend"):
        return FoundDate(_next_weekday(today, 5, included=True), at, at + 2)
    return None


def _count(said: Sequence[str], at: int) -> tuple[int, int] | None:
    """ "two weeks", "a fortnight": days, and where it ends."""
    one = _word(said, at) in ("a", "an", "one")
    number = None if one else cardinal(said, at)
    end = at + 1 if one else number.end if number else at
    span = _SPANS.get(_word(said, end))
    if span is None or not (one or number):
        return None
    return span * (1 if one or number is None else int(number.value)), end + 1


def _counted_date(said: Sequence[str], at: int, today: date) -> FoundDate | None:
    """ "in two days", "two days from now", "a week on monday", "two weeks from friday", "a week tomorrow"."""
    led = _word(said, at) == "in"
    counted = _count(said, at + led)
    if counted is None or not 0 < counted[0] < 366:
        return None
    days, end = counted
    if tuple(said[end : end + 2]) in (("from", "now"), ("from", "today")):
        return FoundDate(today + timedelta(days), at, end + 2)
    after = end + (_word(said, end) in ("on", "from", "this"))
    base = _relative_date(said, after, today) or _weekday_date(said, after, today, asked=False)
    if base and days % 7 == 0:
        return FoundDate(base.value + timedelta(days), at, base.end)
    return FoundDate(today + timedelta(days), at, end) if led else None


def _next_weekday(today: date, weekday: int, *, included: bool) -> date:
    ahead = (weekday - today.weekday()) % 7
    return today + timedelta(ahead if ahead or included else 7)


def _weekday(word: str, *, guess: bool) -> int | None:
    if word in _WEEKDAYS:
        return _WEEKDAYS[word]
    if not guess or len(word) < 5:
        return None
    best = max(WEEKDAYS, key=lambda name: likeness(word, name))
    return _WEEKDAYS[best] if likeness(word, best) >= 0.8 else None


def _weekday_date(said: Sequence[str], at: int, today: date, *, asked: bool) -> FoundDate | None:
    """ "friday", "this coming friday", "next friday", "friday week", "friday the sixteenth [of may]"."""
    lead = at
    while _word(said, lead) in ("this", "next", "coming"):
        lead += 1
    weekday = _weekday(_word(said, lead), guess=asked)
    if weekday is None:
        return None
    end = lead + 1
    on_day = _day_of_month(said, end, today) or _bare_day(said, end, today, asked=False)
    if on_day:
        matching = on_day.value
        if matching.weekday() != weekday and not _names_month(said[end : on_day.end]):
            matching = _agreeing(today, weekday, matching.day) or matching
        return FoundDate(matching, at, on_day.end)
    leads = said[at:lead]
    if "next" in leads:
        monday = today - timedelta(today.weekday()) + timedelta(7)
        return FoundDate(monday + timedelta(weekday), at, end)
    value = _next_weekday(today, weekday, included="this" in leads)
    week_later = _word(said, end) == "week"
    return FoundDate(value + timedelta(7 * week_later), at, end + week_later)


def _names_month(said: Sequence[str]) -> bool:
    return any(word in _MONTHS for word in said)


def _agreeing(today: date, weekday: int, day: int) -> date | None:
    days = (today + timedelta(ahead) for ahead in range(120))
    return next((value for value in days if value.day == day and value.weekday() == weekday), None)


def _day_number(said: Sequence[str], at: int) -> Reading | None:
    reading = ordinal(said, at) or cardinal(said, at)
    return reading if reading and 1 <= reading.value <= 31 and reading.value == int(reading.value) else None


def _day_of_month(said: Sequence[str], at: int, today: date) -> FoundDate | None:
    """ "the fourteenth of march [twenty twenty seven]", "14 march", "march [the] fourteenth"."""
    start = at
    at += _word(said, at) == "the"
    if _word(said, at) in _MONTHS:
        month = _MONTHS[said[at]]
        day = _day_number(said, at + 1 + (_word(said, at + 1) == "the"))
        end = day.end if day else at
    else:
        day = _day_number(said, at)
        after = day.end + (_word(said, day.end) == "of") if day else at
        month = _MONTHS.get(_word(said, after), 0)
        end = after + 1
    if day is None or not month:
        return None
    named_year = year(said, end)
    if named_year and named_year.value >= today.year:
        return _valid_date(int(named_year.value), month, int(day.value), start, named_year.end)
    this_year = _valid_date(today.year, month, int(day.value), start, end)
    if this_year and this_year.value >= today:
        return this_year
    return _valid_date(today.year + 1, month, int(day.value), start, end)


def _valid_date(in_year: int, month: int, day: int, start: int, end: int) -> FoundDate | None:
    try:
        return FoundDate(date(in_year, month, day), start, end)
    except ValueError:
        return None


def _bare_day(said: Sequence[str], at: int, today: date, *, asked: bool) -> FoundDate | None:
    """ "the sixteenth". Without "the", "first" and "second" are other words unless a date was asked for."""
    led = _word(said, at) == "the"
    reading = ordinal(said, at + led)
    certain = reading is not None and (led or reading.value > 2)
    if reading is None and asked:
        reading = _day_number(said, at + led)
    if reading is None or not 1 <= reading.value <= 31 or _word(said, reading.end) in _NOT_A_DAY:
        return None
    if certain is False and not asked:
        return None
    days = (today + timedelta(ahead) for ahead in range(62))
    value = next(day for day in days if day.day == reading.value)
    return FoundDate(value, at, reading.end, certain)


# Times


def times(
    said: Sequence[str],
    now: datetime,
    *,
    leaning: Leaning = Leaning.DAY,
    asked: bool = False,
    cues: frozenset[str] = frozenset(),
) -> list[FoundTime]:
    """Every time of day said, in order. ``cues``: words of this service that may stand before a bare hour."""
    readers: list[Callable[[Sequence[str], int], FoundTime | None]] = [
        lambda words, at: _named_time(words, at, now, asked=asked),
        lambda words, at: _time_ahead(words, at, now),
        lambda words, at: _past_or_to(words, at, leaning),
        lambda words, at: _clock_time(words, at, leaning, _BEFORE_HOUR | cues),
    ]
    return [found for found in _scan(said, readers) if asked or found.certain]


def _named_time(said: Sequence[str], at: int, now: datetime, *, asked: bool) -> FoundTime | None:
    word = said[at]
    if word in ("noon", "midday", "midnight"):
        return FoundTime(time(0 if word == "midnight" else 12), at, at + 1)
    immediate = tuple(said[at : at + 2]) in (("right", "now"), ("straight", "away"), ("right", "away"))
    if immediate or (asked and word in ("now", "immediately")):
        return FoundTime(now.time().replace(second=0, microsecond=0, tzinfo=None), at, at + 1 + immediate)
    return None


def _time_ahead(said: Sequence[str], at: int, now: datetime) -> FoundTime | None:
    """ "in half an hour", "in twenty minutes", "in an hour and a half", "in two hours"."""
    if said[at] != "in":
        return None
    minutes, end = 0.0, at
    if tuple(said[at + 1 : at + 4]) == ("half", "an", "hour"):
        minutes, end = 30, at + 4
    else:
        one = _word(said, at + 1) in ("a", "an")
        number = None if one else cardinal(said, at + 1)
        after = at + 2 if one else number.end if number else at
        unit = {"hour": 60, "hours": 60, "minute": 1, "minutes": 1}.get(_word(said, after))
        if unit is None or not (one or number):
            return None
        minutes, end = unit * (1 if number is None else float(number.value)), after + 1
    if tuple(said[end : end + 3]) == ("and", "a", "half"):
        minutes, end = minutes + 30, end + 3
    if not 0 < minutes < 24 * 60:
        return None
    moment = (now + timedelta(minutes=minutes)).time().replace(second=0, microsecond=0, tzinfo=None)
    return FoundTime(moment, at, end)


def _hour(said: Sequence[str], at: int) -> Reading | None:
    reading = cardinal(said, at)
    return reading if reading and reading.end == at + 1 and 0 <= reading.value <= 23 else None


def _past_or_to(said: Sequence[str], at: int, leaning: Leaning) -> FoundTime | None:
    """ "half past nine", "half nine", "a quarter to five", "twenty five minutes past six"."""
    if said[at] in ("half", "quarter"):
        minutes, end = (30 if said[at] == "half" else 15), at + 1
    else:
        number = cardinal(said, at)
        if number is None or not 1 <= number.value < 60:
            return None
        minutes, end = int(number.value), number.end
        end += _word(said, end) in ("minute", "minutes")
    link = _word(said, end)
    if link in ("past", "after"):
        sign = 1
    elif link in ("to", "of", "till", "before"):
        sign = -1
    elif said[at] == "half":
        sign, end = 1, end - 1
    else:
        return None
    hour = _hour(said, end + 1)
    if hour is None or (link == "to" and _word(said, hour.end) in ("people", "guests")):
        return None
    end = hour.end + (_word(said, hour.end) == "o'clock")
    value = _on_the_day(said, int(hour.value), 0, end, leaning)
    shifted = (value.hour * 60 + value.minute + sign * minutes) % (24 * 60)
    return FoundTime(time(*divmod(shifted, 60)), at, _past_part_of_day(said, end))


def _clock_time(said: Sequence[str], at: int, leaning: Leaning, cues: frozenset[str]) -> FoundTime | None:
    """ "ten thirty", "10:30", "three pm", "five o'clock", "at three", "seven in the morning"."""
    before = _word(said, at - 1)
    if ":" in said[at]:
        hour, minute = (int(part) for part in said[at].split(":"))
        end, certain = at + 1, True
    else:
        reading = _hour(said, at)
        if reading is None:
            return None
        hour, end = int(reading.value), reading.end
        minute, end, certain = _minute(said, end)
        if before == "the" and end == reading.end:
            return None  # "the sixteen" is a day whose ending was not heard
        certain &= before not in _NOT_BEFORE_TIME
    after = _past_part_of_day(said, end)
    certain |= after > end or (before in cues and not (minute == 0 and _word(said, end) in _SPANS))
    if (
        hour > 23
        or minute > 59
        or (hour > 12 and not certain)
        or (_word(said, end) in ("people", "guests", "percent", "%", "thousand"))
    ):
        return None
    return FoundTime(_on_the_day(said, hour, minute, end, leaning), at, after, certain)


def _minute(said: Sequence[str], at: int) -> tuple[int, int, bool]:
    """Minutes after an hour, where they end, and whether the two words can hardly be anything but a time."""
    if _word(said, at) == "o'clock":
        return 0, at + 1, True
    zero_led = _word(said, at) in ("oh", "o", "zero")
    number = cardinal(said, at + zero_led)
    if number and (1 <= number.value < 10 if zero_led else 10 <= number.value < 60):
        return int(number.value), number.end, number.value % 5 == 0
    return 0, at, False


def _past_part_of_day(said: Sequence[str], end: int) -> int:
    """Where "pm", "in the morning", "at night", "tonight" after a time ends; ``end`` itself when there is none."""
    if _word(said, end) in ("am", "pm"):
        return end + 1
    if tuple(said[end : end + 2]) == ("in", "the") and _word(said, end + 2) in ("morning", "afternoon", "evening"):
        return end + 3
    if tuple(said[end : end + 2]) == ("at", "night"):
        return end + 2
    return end


def _part_of_day(said: Sequence[str], end: int) -> str:
    """The half of the day that the words speak of: nearest after the time first, then anywhere but in "good
    morning"."""
    near = said[end : _past_part_of_day(said, end)]
    rest = [word for at, word in enumerate(said) if _word(said, at - 1) != "good"]
    for place in (near, rest):
        if any(word in _MORNING for word in place):
            return "am"
        if any(word in _LATER for word in place):
            return "pm"
    return ""


def _on_the_day(said: Sequence[str], hour: int, minute: int, end: int, leaning: Leaning) -> time:
    if not 1 <= hour <= 12:
        return time(hour % 24, minute)
    part = _part_of_day(said, end)
    if not part:
        first_morning_hour = {Leaning.DAY: 7, Leaning.MORNING: 1, Leaning.EVENING: 12}[leaning]
        part = "am" if first_morning_hour <= hour < 12 else "pm"
    night = "night" in said[end : _past_part_of_day(said, end)] and (hour == 12 or hour < 5)
    if part == "am" or night:
        return time(hour % 12, minute)
    return time(hour % 12 + 12, minute)
