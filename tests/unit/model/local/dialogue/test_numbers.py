"""Numbers as callers say them; the ranges are in tests/property."""

from __future__ import annotations

import pytest

from vivavoce.model.local.dialogue.numbers import cardinal, digit_runs, half_heard_code, integers
from vivavoce.model.local.dialogue.text import words


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("twenty five thousand", 25_000),
        ("fifteen hundred", 1_500),
        ("a hundred and five", 105),
        ("twenty k", 20_000),
        ("under ten grand", 10_000),
        ("fifteen thousand pounds", 15_000),
        ("£15,000", 15_000),
        ("2.5k", 2_500),
        ("two and a half thousand", 2_500),
        ("half a million", 500_000),
        ("one point five million", 1_500_000),
        ("a couple of towels", 2),
        ("a dozen", 12),
        ("four twelve", 412),
        ("room three oh five please", 305),
        ("twelve oh five", 1205),
        ("two one four", 214),
    ],
)
def test_integers(said: str, number: int) -> None:
    assert [reading.value for reading in integers(words(said))] == [number]


def test_numbers_that_words_part_stay_apart() -> None:
    assert [reading.value for reading in integers(words("four people and two dogs in room 7"))] == [4, 2, 7]


@pytest.mark.parametrize("said", ["", "a", "and", "hundred", "thousand", "half", "fish"])
def test_what_is_no_number(said: str) -> None:
    assert integers(words(said)) == []
    assert cardinal(words(said)) is None


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        ("four seven two nine one", "47291"),
        ("forty seven two nine one", "47291"),
        ("double seven oh triple three", "770333"),
        ("twelve forty four", "1244"),
        ("47 291", "47291"),
        ("one thousand two hundred and four", "1204"),
    ],
)
def test_digits(said: str, digits: str) -> None:
    assert [run.digits for run in digit_runs(words(said))] == [digits]


def test_misheard_digits_only_count_where_digits_were_asked_for() -> None:
    said = words("for seven to nine won")
    assert [run.digits for run in digit_runs(said, misheard=True)] == ["47291"]
    assert [run.digits for run in digit_runs(said)] == ["7", "9"]


@pytest.mark.parametrize(
    ("said", "length", "digits"),
    [
        ("security code seven seven or three i need", 4, "7703"),
        ("ticket number one eight pick five yet", 4, "1865"),
        ("two nine four low seven", 5, "29407"),
        ("i'm employee three oh five double a", 5, "30588"),
        ("seven seven or mine", 4, ""),
        ("or seven seven three", 4, ""),
        ("seven seven or three five", 4, ""),
        ("one or two", 3, ""),
    ],
)
def test_one_digit_of_a_code_may_be_half_heard(said: str, length: int, digits: str) -> None:
    code = half_heard_code(words(said), length)
    assert (code.digits if code else "") == digits
