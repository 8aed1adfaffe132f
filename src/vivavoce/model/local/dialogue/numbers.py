"""Spoken English numbers to values: an inverse text normaliser.

The packaged ones take "four seven two nine one" for 4 and "seven thirty" for 37, so this is ours. Three readings exist
because the same words mean different things in different places:

- :func:`cardinal` and :func:`ordinal`: the longest grammatical number from a position on;
- :func:`integers`: runs of number words, where juxtaposed groups are a code ("room four twelve" is 412);
- :func:`digit_runs`: each word as digits ("double seven oh" is "770"), for employee numbers and the like.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from vivavoce.model.local.dialogue.spelling import ONES, TENS, say_ordinal

_UNITS: Final = {word: value for value, word in enumerate(ONES)} | {"nought": 0, "naught": 0}
_TENS: Final = {word: 10 * place for place, word in enumerate(TENS) if place >= 2} | {"fourty": 40}
_LARGE: Final = {"thousand": 1_000, "grand": 1_000, "k": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_ORDINALS: Final = {say_ordinal(value): value for value in (*range(1, 20), *range(20, 100, 10))}
_PLACES: Final = {word: value for word, value in _ORDINALS.items() if value < 10}
_GROUPS: Final = {"couple": 2, "pair": 2, "dozen": 12}
_CURRENCY: Final = frozenset({"£", "$", "€"})
_REPEATS: Final = {"double": 2, "triple": 3, "treble": 3}
_OH: Final = frozenset({"oh", "o"})
# What a recogniser writes for a lone digit; only trusted where digits were asked for.
MISHEARD: Final = {
    "for": "4", "fore": "4", "to": "2", "too": "2", "won": "1", "ate": "8", "tree": "3", "free": "3", "sex": "6",
    "sics": "6", "fife": "5", "hive": "5", "nein": "9", "owe": "0", "ow": "0",
}  # fmt: skip
# What else has been written for a digit inside a code. One of them is believed where it makes the length right.
_HALF_HEARD: Final = {
    word: digit
    for digit, heard in {
        "0": "or of uh low no now know row you'll all oil our", "1": "was on one's want when won't", "2": "who do tube",
        "3": "through threes", "4": "floor fours forth four's", "5": "fine find fight by fives",
        "6": "pick sick thick sixth", "7": "heaven sevenths", "8": "at it a hate eat age eighth",
        "9": "mine my night nice mind non ninth line",
    }.items()
    for word in heard.split()
}  # fmt: skip
_LEAST_SURE: Final = 3


class Reading(NamedTuple):
    """A value and the place of the words that said it."""

    value: int | float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class DigitRun:
    """Digits said one after another, and the place of the words."""

    digits: str
    start: int
    end: int


def _word(said: Sequence[str], at: int) -> str:
    return said[at] if 0 <= at < len(said) else ""


def _below_hundred(said: Sequence[str], at: int) -> tuple[int, int] | None:
    word = _word(said, at)
    if word in _UNITS:
        return _UNITS[word], at + 1
    if word in _TENS:
        unit = _UNITS.get(_word(said, at + 1), 0)
        return (_TENS[word] + unit, at + 2) if 0 < unit < 10 else (_TENS[word], at + 1)
    return None


def _below_thousand(said: Sequence[str], at: int) -> tuple[int, int] | None:
    """Also "fifteen hundred" (1500) and "a hundred and five"."""
    head = (1, at + 1) if _word(said, at) == "a" and _word(said, at + 1) == "hundred" else _below_hundred(said, at)
    if head is None or _word(said, head[1]) != "hundred" or not 0 < head[0] < 100:
        return head
    value, end = head[0] * 100, head[1] + 1
    after = end + (_word(said, end) == "and")
    tail = _below_hundred(said, after)
    if tail and tail[0] and _word(said, tail[1]) not in ("hundred", "%"):
        return value + tail[0], tail[1]
    return value, end


def _numeral(said: Sequence[str], at: int) -> tuple[int | float, int] | None:
    word = _word(said, at)
    if not word.replace(".", "", 1).isdigit():
        return None
    return (float(word) if "." in word else int(word)), at + 1


def _group(said: Sequence[str], at: int) -> tuple[int | float, int] | None:
    """One coefficient: a number under a thousand, a numeral, "a" before a scale, "two and a half", "half a"."""
    if _word(said, at) == "half" and _word(said, at + 1) == "a" and _word(said, at + 2) in _LARGE:
        return 0.5, at + 2
    if _word(said, at) == "a" and _word(said, at + 1) in _LARGE:
        return 1, at + 1
    found = _numeral(said, at) or _below_thousand(said, at)
    if found is None:
        return None
    value, end = found
    if tuple(said[end : end + 3]) == ("and", "a", "half") and _word(said, end + 3) in _LARGE:
        return value + 0.5, end + 3
    if _word(said, end) == "point":
        decimals, end_of_decimals = _plain_digits(said, end + 1)
        if decimals:
            return float(f"{value}.{decimals}"), end_of_decimals
    return value, end


def _plain_digits(said: Sequence[str], at: int) -> tuple[str, int]:
    digits = ""
    while (word := _word(said, at)) in _UNITS and _UNITS[word] < 10:
        digits += str(_UNITS[word])
        at += 1
    return digits, at


def cardinal(said: Sequence[str], at: int = 0) -> Reading | None:
    """The longest number that starts at ``at``: "twenty five thousand and six", "ten grand", "2.5 k", "a couple of"."""
    start = at
    if _word(said, at) in _CURRENCY:
        at += 1
    if _word(said, at + (_word(said, at) == "a")) in _GROUPS:
        at += _word(said, at) == "a"
        return Reading(_GROUPS[said[at]], start, at + 1 + (_word(said, at + 1) == "of"))
    total: int | float = 0
    limit, end, found = 10**12, at, False
    while group := _group(said, at + (found and _word(said, at) == "and")):
        value, after = group
        scale = _LARGE.get(_word(said, after), 1)
        joined = _word(said, at) == "and"
        if scale >= limit or value * scale >= limit or (found and limit <= 1):
            break
        if joined and scale == 1 and value >= 100:
            break
        total, limit, found = total + value * scale, scale, True
        at = end = after + (scale > 1)
        if scale == 1:
            break
    if not found:
        return None
    return Reading(int(total) if total == int(total) else total, start, end)


def ordinal(said: Sequence[str], at: int = 0) -> Reading | None:
    """ "the"-less: "sixteenth", "twenty first", "16th"."""
    word = _word(said, at)
    if word[:-2].isdigit() and word[-2:] in ("st", "nd", "rd", "th"):
        return Reading(int(word[:-2]), at, at + 1)
    if word in _TENS and _word(said, at + 1) in _PLACES:
        return Reading(_TENS[word] + _PLACES[said[at + 1]], at, at + 2)
    return Reading(_ORDINALS[word], at, at + 1) if word in _ORDINALS else None


def integers(said: Sequence[str]) -> list[Reading]:
    """Every whole number said. Groups side by side are one code: "four twelve" is 412, "three oh five" is 305."""
    found: list[Reading] = []
    at = 0
    while at < len(said):
        reading = cardinal(said, at)
        if reading is None or reading.value != int(reading.value):
            at = reading.end if reading else at + 1
            continue
        end = reading.end
        digits = str(reading.value)
        while end < len(said) and said[end] not in _CURRENCY and said[end] not in ("a", "half", "couple", "pair"):
            if said[end] in _OH:
                digits, end = digits + "0", end + 1
            elif (more := cardinal(said, end)) and more.value < 100 and more.value == int(more.value):
                digits, end = digits + str(more.value), more.end
            else:
                break
        found.append(Reading(int(digits), reading.start, end))
        at = end
    return found


def digits_of(said: Sequence[str], at: int, *, misheard: bool) -> tuple[str, int]:
    """The digits that the word at ``at`` stands for, and where the next one is; ``""`` if it is no digit word."""
    word = _word(said, at)
    if word in _REPEATS:
        digit, end = digits_of(said, at + 1, misheard=misheard)
        return (digit * _REPEATS[word], end) if len(digit) == 1 else ("", at)
    if word in _OH:
        return "0", at + 1
    if word.isdigit():
        return word, at + 1
    if misheard and word in MISHEARD:
        return MISHEARD[word], at + 1
    number = cardinal(said, at) if word not in ("a", "half", "dozen", "couple", "pair") else None
    return (str(number.value), number.end) if number and number.value == int(number.value) else ("", at)


def digit_runs(said: Sequence[str], *, misheard: bool = False) -> list[DigitRun]:
    """Every run of digit words. ``misheard`` also takes "for" for 4 and so on: only right where digits were asked
    for."""
    runs: list[DigitRun] = []
    at = 0
    while at < len(said):
        start, collected = at, ""
        while (step := digits_of(said, at, misheard=misheard))[0]:
            collected, at = collected + step[0], step[1]
        if collected:
            runs.append(DigitRun(collected, start, at))
        else:
            at += 1
    return runs


def half_heard_code(said: Sequence[str], length: int) -> DigitRun | None:
    """A code of ``length`` digits of which one was heard as another word: "seven seven or three" is 7703. The words
    must follow one another, and the odd one must not come first."""
    for start in range(len(said)):
        if start and digits_of(said, start - 1, misheard=False)[0]:
            continue
        digits, at, odd = "", start, 0
        while len(digits) < length and at < len(said):
            step = digits_of(said, at, misheard=True)
            if not step[0] and digits:
                step = _half_heard(said, at)
                odd += 1
            if not step[0]:
                break
            digits, at = digits + step[0], step[1]
        more = bool(digits_of(said, at, misheard=False)[0]) if at < len(said) else False
        if len(digits) == length and odd == 1 and length > _LEAST_SURE and not more:
            return DigitRun(digits, start, at)
    return None


def _half_heard(said: Sequence[str], at: int) -> tuple[str, int]:
    times = _REPEATS.get(said[at], 1)
    end = at + 1 + (times > 1)
    return _HALF_HEARD.get(_word(said, end - 1), "") * times, end


def year(said: Sequence[str], at: int = 0) -> Reading | None:
    """ "twenty twenty six", "nineteen eighty four", "two thousand and nine", "2027"; from 1900 to 2199."""
    head = _below_hundred(said, at)
    if head and head[0] in (19, 20, 21):
        tail = _below_hundred(said, head[1] + (_word(said, head[1]) in _OH))
        if tail and tail[0] >= (1 if _word(said, head[1]) in _OH else 10):
            return Reading(head[0] * 100 + tail[0], at, tail[1])
    whole = cardinal(said, at)
    return whole if whole and 1900 <= whole.value < 2200 else None
