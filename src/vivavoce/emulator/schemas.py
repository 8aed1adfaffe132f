"""Which tool schemas the service takes."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

_MAX_DEPTH = 64


class Problem(NamedTuple):
    """``why`` is empty if there is none. ``fatal``: no server could use it; else the service was seen to refuse it."""

    why: str = ""
    fatal: bool = False


def schema_problem(text: str) -> Problem:
    """What is wrong with the JSON Schema in this text."""
    try:
        schema = msgspec.json.decode(text or "null")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return Problem("is no JSON", fatal=True)
    if not isinstance(schema, dict):
        return Problem("is no object", fatal=True)
    if schema.get("type", "object") != "object":
        return Problem("describes no object", fatal=True)
    return Problem("lets a value be null, which the service was seen to refuse" if _may_be_null(schema, 0) else "")


def _may_be_null(schema: Any, depth: int) -> bool:
    """``anyOf`` with null, as data-class libraries write an optional member."""
    if depth > _MAX_DEPTH:
        return False
    if isinstance(schema, list):
        return any(_may_be_null(one, depth + 1) for one in schema)
    if not isinstance(schema, dict):
        return False
    for name in ("anyOf", "oneOf"):
        options = schema.get(name)
        if isinstance(options, list) and any(isinstance(one, dict) and one.get("type") == "null" for one in options):
            return True
    return any(_may_be_null(value, depth + 1) for value in schema.values())
