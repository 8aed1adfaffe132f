"""Whatever number is said, in whatever of the usual ways, is the number that is read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.model.local.dialogue.numbers import cardinal, digit_runs, integers, ordinal, year
from vivavoce.model.local.dialogue.text import words

# A speller of its own, so that a mistake in the package's speller cannot hide one in its reader.
_LOW = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_PLACES = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}


def say(number: int, *, british: bool) -> str:
    if number < 20:
        return _LOW[number]
    if number < 100:
        return " ".join([_TENS[number // 10 - 2], *([_LOW[number % 10]] if number % 10 else [])])
    if number < 1000:
        head, rest = f"{_LOW[number // 100]} hundred", number % 100
        return head if not rest else f"{head}{' and' if british else ''} {say(rest, british=british)}"
    for scale, name in ((10**9, "billion"), (10**6, "million"), (1000, "thousand")):
        if number >= scale:
            head, rest = f"{say(number // scale, british=british)} {name}", number % scale
            joint = " and " if british and 0 < rest < 100 else " "
            return head if not rest else f"{head}{joint}{say(rest, british=british)}"
    raise AssertionError(number)


def place(number: int) -> str:
    *front, last = say(number, british=False).split()
    last = _PLACES.get(last, f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return " ".join([*front, last])


@given(st.integers(0, 10**10), st.booleans())
def test_a_cardinal_is_read_whole(number: int, british: bool) -> None:
    said = words(say(number, british=british))
    reading = cardinal(said)
    assert reading == (number, 0, len(said))


@given(st.integers(0, 10**9))
def test_a_numeral_is_read_with_and_without_commas(number: int) -> None:
    for text in (str(number), f"{number:,}"):
        assert [reading.value for reading in integers(words(text))] == [number]


@given(st.integers(1, 99))
def test_an_ordinal_is_read(number: int) -> None:
    for text in (place(number), f"{number}th"):
        reading = ordinal(words(text))
        assert reading is not None
        assert reading.value == number


@given(st.text("0123456789", min_size=1, max_size=12), st.sampled_from(["oh", "zero", "o", "nought"]))
def test_digits_said_one_by_one_are_a_code(code: str, zero: str) -> None:
    said = [zero if digit == "0" else _LOW[int(digit)] for digit in code]
    assert [run.digits for run in digit_runs(said)] == [code]


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["", "double ", "triple "])), min_size=1, max_size=6))
def test_doubled_and_tripled_digits(parts: list[tuple[int, str]]) -> None:
    said = " ".join(f"{times}{_LOW[digit]}" for digit, times in parts)
    wanted = "".join(str(digit) * {"": 1, "double ": 2, "triple ": 3}[times] for digit, times in parts)
    assert [run.digits for run in digit_runs(words(said))] == [wanted]


@given(st.integers(1, 9), st.integers(1, 99))
def test_a_room_is_its_floor_and_its_door(floor: int, door: int) -> None:
    said = f"room {_LOW[floor]} {'oh ' if door < 10 else ''}{say(door, british=False)}"
    assert [reading.value for reading in integers(words(said))] == [floor * 100 + door]


@given(st.integers(1910, 2099).filter(lambda value: value % 100 > 9))
def test_a_year_is_said_in_two_halves(value: int) -> None:
    reading = year(words(f"{say(value // 100, british=False)} {say(value % 100, british=False)}"))
    assert reading is not None
    assert reading.value == value


@given(
    st.lists(
        st.sampled_from(
            [*_LOW, *_TENS, "hundred", "thousand", "and", "a", "half", "k", "double", "oh", "point", "fish"]
        ),
        max_size=12,
    )
)
def test_no_sequence_of_number_words_breaks_a_reader(said: list[str]) -> None:
    for reading in [*integers(said), *filter(None, (cardinal(said, at) for at in range(len(said))))]:
        assert 0 <= reading.start < reading.end <= len(said)
    for run in digit_runs(said, misheard=True):
        assert run.digits.isdigit()
        assert run.start < run.end
