"""What a tool returned, as JSON of a bounded size.

The size is watched while the text grows: a result of a gigabyte is refused after the first kilobytes, and a text that
alone is too long is refused before any of it is written. Python's own encoder gives no such bound: it writes each
string whole.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import json
import math
import uuid
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from vivavoce.errors import ToolFault

MAX_DEPTH = 32
_MAX_NUMBER_BITS = 256


def encode_result(value: Any, limit_bytes: int) -> str:
    """The JSON text. Beside JSON's own types: dates, times, ``Decimal``, ``UUID``, paths, enums, tuples, mappings,
    dataclasses. :class:`ToolFault` says what cannot be written, or that it is too much."""
    writer = _Writer(limit_bytes)
    writer.value(value, 0)
    return writer.text()


class _Writer:
    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._left = limit_bytes
        self._parts: list[str] = []

    def text(self) -> str:
        return "".join(self._parts)

    def value(self, value: Any, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise ToolFault(f"The result is nested deeper than {MAX_DEPTH}, or holds itself.")
        plain = _plain(value)
        if isinstance(plain, str):
            self._string(plain)
        elif plain is None or isinstance(plain, bool):
            self._put(json.dumps(plain))
        elif isinstance(plain, int | float):
            self._number(plain)
        elif isinstance(plain, Mapping):
            self._mapping(plain, depth)
        elif isinstance(plain, list | tuple):
            self._list(plain, depth)
        else:
            raise ToolFault(f"The result holds a {type(plain).__name__}, which cannot be written as JSON.")

    def _put(self, text: str) -> None:
        self._left -= len(text.encode())
        if self._left < 0:
            raise ToolFault(f"The result is larger than the {self._limit} bytes that are allowed.")
        self._parts.append(text)

    def _string(self, text: str) -> None:
        if len(text) > self._left:
            self._left = 0
            self._put("too much")
        # Half of a surrogate pair is no text that any wire could carry.
        self._put(json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False))

    def _number(self, number: float) -> None:
        if isinstance(number, float) and not math.isfinite(number):
            raise ToolFault(f"The result holds {number}, which is no JSON number.")
        if isinstance(number, int) and number.bit_length() > _MAX_NUMBER_BITS:
            raise ToolFault("The result holds a whole number that is too large.")
        self._put(json.dumps(number))

    def _mapping(self, mapping: Mapping[Any, Any], depth: int) -> None:
        self._put("{")
        for index, (key, value) in enumerate(mapping.items()):
            name = _plain(key)
            if not isinstance(name, str | int) or isinstance(name, bool):
                raise ToolFault(f"The result has a key that is a {type(key).__name__}; keys are text.")
            self._put("," if index else "")
            self._string(str(name))
            self._put(":")
            self.value(value, depth + 1)
        self._put("}")

    def _list(self, values: list[Any] | tuple[Any, ...], depth: int) -> None:
        self._put("[")
        for index, value in enumerate(values):
            self._put("," if index else "")
            self.value(value, depth + 1)
        self._put("]")


def _plain(value: Any) -> Any:
    """What stands for a value in JSON; the value itself if it needs nothing to stand for it."""
    match value:
        case enum.Enum():
            return value.value
        case dt.date() | dt.time():
            return value.isoformat()
        case decimal.Decimal():
            return float(value)
        case uuid.UUID() | PurePath():
            return str(value)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        case _:
            return value
