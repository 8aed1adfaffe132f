"""A model's arguments for a tool, held against the tool's schema and turned into Python values.

A model makes mistakes that it can mend when it is told about them, so every fault is a sentence that names the
argument.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from vivavoce.agent.problems import did_you_mean

MAX_ARGUMENT_BYTES = 65_536
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
}
_TOP = {"type", "properties", "required", "additionalProperties", "title", "description"}
_KNOWN = {"type", "items", "enum", "minLength", "maxLength", "format", "x-spoken", "description", "default", "title"}
_NAMES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
}


def read_arguments(text: str, schema: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The values to call the tool with, and what is wrong with them. No text at all is no arguments; a null stands for
    an argument that was left out."""
    given, fault = decoded(text)
    if fault:
        return {}, [fault]
    properties: Mapping[str, Mapping[str, Any]] = schema["properties"]
    faults = [there_is_no("argument", name, properties) for name in given if name not in properties]
    values: dict[str, Any] = {}
    for name, expected in properties.items():
        if given.get(name) is None:
            if name in schema.get("required", ()):
                faults.append(f'The argument "{name}" is missing.')
            continue
        value, reason = _converted(given[name], expected)
        if reason:
            faults.append(f'The argument "{name}" must be {reason}.')
        values[name] = value
    return values, faults


def is_plain(schema: Mapping[str, Any]) -> bool:
    """Whether :func:`read_arguments` knows all that the schema says."""
    if set(schema) - _TOP:
        return False
    return all(_is_plain_property(one) for one in schema["properties"].values())


def _is_plain_property(expected: Any) -> bool:
    if not isinstance(expected, Mapping) or set(expected) - _KNOWN:
        return False
    kind = expected.get("type")
    if kind == "array":
        return isinstance(expected.get("items"), Mapping) and _is_plain_property(expected["items"])
    return isinstance(kind, str) and kind in _KINDS


def there_is_no(kind: str, name: str, known: Iterable[str]) -> str:
    """Says so, and what there is instead."""
    hint = did_you_mean(name, known)
    end = "" if not hint or hint.endswith("?") else "."
    return f'There is no {kind} "{name}". {hint[:1].upper()}{hint[1:]}{end}'.rstrip()


def decoded(text: str) -> tuple[dict[str, Any], str]:
    """The JSON object, and what is wrong with it."""
    if len(text) > MAX_ARGUMENT_BYTES:
        return {}, f"The arguments are longer than {MAX_ARGUMENT_BYTES} bytes."
    try:
        given = msgspec.json.decode(text) if text.strip() else {}
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return {}, "The arguments are not valid JSON."
    if not isinstance(given, dict):
        return {}, "The arguments must be a JSON object."
    return given, ""


def _converted(value: Any, expected: Mapping[str, Any]) -> tuple[Any, str]:
    """The Python value, or what it should have been."""
    kind: str = expected["type"]
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        value = int(value)  # to JSON Schema, 2.0 is a whole number
    if type(value) not in _KINDS[kind]:
        return None, _NAMES[kind]
    if "enum" in expected and value not in expected["enum"]:
        return None, f"one of {', '.join(map(str, expected['enum']))}"
    if kind == "array":
        return _converted_list(value, expected["items"])
    if kind == "string":
        return _converted_text(value, expected)
    return value, ""


def _converted_list(values: list[Any], expected: Mapping[str, Any]) -> tuple[Any, str]:
    converted = [_converted(value, expected) for value in values]
    reason = next((reason for _, reason in converted if reason), "")
    return [value for value, _ in converted], f"a list, each of it {reason}" if reason else ""


def _converted_text(value: str, expected: Mapping[str, Any]) -> tuple[Any, str]:
    length = len(value)
    shortest, longest = expected.get("minLength", 0), expected.get("maxLength", length)
    if not shortest <= length <= longest:
        return (
            None,
            f"{shortest} characters long" if shortest == longest else f"{shortest} to {longest} characters long",
        )
    if expected.get("x-spoken") == "digits" and not (value.isascii() and value.isdigit()):
        return None, "digits only"
    try:
        match expected.get("format"):
            case "date":
                return dt.date.fromisoformat(value), ""
            case "time":
                return _local_time(value), ""
            case "date-time":
                return dt.datetime.fromisoformat(value), ""
            case _:
                return value, ""
    except ValueError:
        examples = {"date": "2026-09-16", "time": "14:30", "date-time": "2026-09-16T14:30"}
        return None, f"a {expected['format']} such as {examples[expected['format']]}"


def _local_time(value: str) -> dt.time:
    time = dt.time.fromisoformat(value)
    if time.tzinfo is not None:
        raise ValueError("a time of day that a caller says has no zone")
    return time
