from __future__ import annotations

import asyncio
import datetime as dt
import enum
from collections.abc import Callable
from typing import Annotated, Any, Literal, Optional

import pytest

from vivavoce.agent import Spoken
from vivavoce.agent.functions import tool_from_function
from vivavoce.errors import AgentFileError


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


def every_type(
    text: str,
    count: int,
    share: float,
    sure: bool,
    day: dt.date,
    at: dt.time,
    moment: dt.datetime,
    choice: Literal["a", "b"],
    number: Literal[1, 2],
    size: Size,
    several: list[Literal["x", "y"]],
    code: Annotated[str, Spoken("digits", length=4), "The code."],
    maybe: int | None,
    old_maybe: Optional[Annotated[str, "Old."]] = None,  # noqa: UP045 (both ways of writing it are read)
    default: Literal["low", "high"] = "low",
    default_size: Size = Size.LARGE,
    default_day: dt.date = dt.date(2026, 1, 2),
) -> None:
    """Every type."""


def test_every_type_has_its_schema() -> None:
    tool = tool_from_function(every_type)
    assert tool.parameters["properties"] == {
        "text": {"type": "string"},
        "count": {"type": "integer"},
        "share": {"type": "number"},
        "sure": {"type": "boolean"},
        "day": {"type": "string", "format": "date"},
        "at": {"type": "string", "format": "time"},
        "moment": {"type": "string", "format": "date-time"},
        "choice": {"type": "string", "enum": ["a", "b"]},
        "number": {"type": "integer", "enum": [1, 2]},
        "size": {"type": "string", "enum": ["s", "l"]},
        "several": {"type": "array", "items": {"type": "string", "enum": ["x", "y"]}},
        "code": {"type": "string", "x-spoken": "digits", "minLength": 4, "maxLength": 4, "description": "The code."},
        "maybe": {"type": "integer"},
        "old_maybe": {"type": "string", "description": "Old."},
        "default": {"type": "string", "enum": ["low", "high"], "default": "low"},
        "default_size": {"type": "string", "enum": ["s", "l"], "default": "l"},
        "default_day": {"type": "string", "format": "date", "default": "2026-01-02"},
    }
    assert tool.parameters["type"] == "object"
    assert tool.parameters["additionalProperties"] is False
    assert tool.parameters["required"] == [
        "text", "count", "share", "sure", "day", "at", "moment", "choice", "number", "size", "several", "code",
    ]  # fmt: skip
    assert (tool.name, tool.description) == ("every_type", "Every type.")


def sized(size: Size, sizes: list[Size], other: Size | None, last: Size = Size.SMALL) -> list[object]:
    """Enums."""
    return [size, sizes, other, last]


async def sized_async(size: Size) -> Size:
    """Enums."""
    return size


def test_enums_arrive_as_members_and_what_was_left_out_as_none() -> None:
    call = tool_from_function(sized).function
    assert callable(call)
    assert call(size="s", sizes=["s", "l"]) == [Size.SMALL, [Size.SMALL, Size.LARGE], None, Size.SMALL]
    assert call(size="l", sizes=[], other="l", last="l") == [Size.LARGE, [], Size.LARGE, Size.LARGE]
    call_async = tool_from_function(sized_async).function
    assert callable(call_async)
    assert asyncio.run(call_async(size="l")) is Size.LARGE


def test_a_function_that_takes_json_as_it_is_is_not_wrapped() -> None:
    assert tool_from_function(every_type_but_enum).function is every_type_but_enum


def every_type_but_enum(text: str, day: dt.date, maybe: int | None = None) -> None:
    """No enum."""


def union(x: int | str) -> None:
    """A union."""


def mapping(x: dict[str, int]) -> None:
    """A mapping."""


def bare_list(x: list) -> None:  # type: ignore[type-arg]
    """A list of what?"""


def nested(x: list[list[int]]) -> None:
    """Nested."""


def mixed(x: Literal["a", 1]) -> None:
    """Mixed."""


def spoken_number(x: Annotated[int, Spoken("digits")]) -> None:
    """Spoken number."""


def starred(*values: int) -> None:
    """Starred."""


def positional(x: int, /) -> None:
    """Positional."""


def odd_default(x: str = object()) -> None:  # type: ignore[assignment]
    """Odd default."""


def untyped(x) -> None:  # type: ignore[no-untyped-def]
    """Untyped."""


def unknown(x: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821
    """Unknown."""


def silent(x: int) -> None: ...


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (union, r'"x" of the type int \| str: choose one of its types'),
        (mapping, r'"x" of the type dict\[str, int\], which a model cannot give; use str, int'),
        (bare_list, '"x" of the type list, which'),
        (nested, r'"x" of the type list\[list\[int\]\], which'),
        (mixed, r"\"x\" of the type Literal\['a', 1\]: its values must all be text"),
        (spoken_number, '"x" of the type int with Spoken, which is for str'),
        (starred, r'"values" without a name of its own: \* and / have no place'),
        (positional, '"x" without a name of its own'),
        (odd_default, '"x" whose default <object object at .*> cannot be written as JSON'),
        (untyped, '"x" without a type: write x: str, or what it is'),
        (unknown, "unknown has types that cannot be read: name 'Nowhere' is not defined"),
        (silent, r"silent has no docstring \(say in one what it does"),
    ],
)
def test_what_a_model_cannot_use_is_an_error_that_names_the_line(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(AgentFileError, match=message) as caught:
        tool_from_function(function)
    assert caught.value.where == f"test_functions.py:{function.__code__.co_firstlineno}"


def test_a_class_is_no_tool() -> None:
    with pytest.raises(AgentFileError, match="is not a function"):
        tool_from_function(Size)


def test_a_function_that_is_written_in_c_is_no_tool() -> None:
    with pytest.raises(AgentFileError, match="iter has types that cannot be read: no signature found"):
        tool_from_function(iter)
