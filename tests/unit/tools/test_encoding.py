from __future__ import annotations

import datetime as dt
import decimal
import enum
import itertools
import json
import pathlib
import tracemalloc
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.errors import ToolFault
from vivavoce.tools.encoding import encode_result


class Size(enum.Enum):
    SMALL = "s"


class Level(enum.IntEnum):
    ONE = 1


@dataclass
class Car:
    model: str
    since: dt.date


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=40)
@given(JSON)
def test_json_comes_back_as_it_was_and_just_fits_its_own_size(value: Any) -> None:
    text = encode_result(value, 1_000_000)
    assert json.loads(text) == value
    size = len(text.encode())
    assert encode_result(value, size) == text
    with pytest.raises(ToolFault, match=f"larger than the {size - 1} bytes"):
        encode_result(value, size - 1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Size.SMALL, '"s"'),
        (Level.ONE, "1"),
        (dt.date(2026, 1, 2), '"2026-01-02"'),
        (dt.datetime(2026, 1, 2, 3, 4), '"2026-01-02T03:04:00"'),  # noqa: DTZ001
        (dt.time(3, 4), '"03:04:00"'),
        (decimal.Decimal("9.50"), "9.5"),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (pathlib.PurePosixPath("a/b"), '"a/b"'),
        (Car("Aurora", dt.date(2026, 1, 2)), '{"model":"Aurora","since":"2026-01-02"}'),
        ((1, [2], {3: Size.SMALL}), '[1,[2],{"3":"s"}]'),
        ("ä\ud800", '"ä?"'),
        (None, "null"),
    ],
)
def test_what_stands_for_other_values(value: Any, text: str) -> None:
    assert encode_result(value, 1000) == text


class Endless(Mapping[str, int]):
    def __getitem__(self, key: str) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        return map(str, itertools.count())

    def __len__(self) -> int:
        return 1


def holds_itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "The result holds nan, which is no JSON number."),
        ([float("inf")], "The result holds inf, which is no JSON number."),
        (decimal.Decimal("NaN"), "no JSON number"),
        (10**200, "a whole number that is too large"),
        (object(), "The result holds a object, which cannot be written as JSON."),
        ({"a": {1, 2}}, "The result holds a set, which"),
        (b"bytes", "The result holds a bytes, which"),
        ((n for n in (1, 2)), "The result holds a generator, which"),
        ({(1, 2): 3}, "The result has a key that is a tuple; keys are text."),
        ({None: 3}, "a key that is a NoneType"),
        (holds_itself(), "nested deeper than 32, or holds itself"),
        (Endless(), "larger than the 1000 bytes"),
        (Car, "The result holds a type, which"),
    ],
)
def test_what_cannot_be_written_is_said(value: Any, message: str) -> None:
    with pytest.raises(ToolFault, match=message):
        encode_result(value, 1000)


@pytest.mark.parametrize(
    "make",
    [lambda: "x" * 50_000_000, lambda: ["x" * 1000] * 1_000_000, lambda: [0] * 5_000_000],
    ids=["text", "texts", "zeros"],
)
def test_a_huge_result_is_refused_before_it_is_written(make: Callable[[], Any]) -> None:
    value = make()
    tracemalloc.start()
    with pytest.raises(ToolFault, match="larger than the 16384 bytes that are allowed"):
        encode_result(value, 16_384)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 1_000_000
