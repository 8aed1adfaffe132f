"""Holds a file's values against the shape, and says in plain words, with the line, what does not fit."""

from __future__ import annotations

import json
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from vivavoce.agent.problems import Problem, did_you_mean
from vivavoce.agent.shape import AgentTable
from vivavoce.agent.shape_base import TABLE, TEXT, VALUE
from vivavoce.agent.source import Source
from vivavoce.agent.toml_lines import KeyPath

_WANTED = {
    "string_type": "text in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list in [ ]",
    "dict_type": "a table",
    "model_type": "a table",
}
_BOUNDS = {
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "greater_than": "more than {gt}",
    "less_than": "less than {lt}",
}
_PATTERNS = {
    "language": 'a language tag such as "en-US"',
    "languages": 'a language tag such as "en-US"',
    "most": 'an amount such as "0.50"',
    "price": 'an amount such as "0.002"',
    "function": '"module:function", such as "tools:find_cars"',
    "url": "an address such as https://example.com/path, without a user, and with {parameters} only behind the host",
}


def shape_of(source: Source) -> tuple[AgentTable | None, list[Problem]]:
    """The file's tables, or everything that is wrong with them in the order of the file."""
    try:
        return AgentTable.model_validate(dict(source.data)), []
    except ValidationError as error:
        problems = [_problem(source, detail) for detail in error.errors(include_url=False)]
        return None, sorted(problems, key=lambda problem: int(problem.where.rpartition(":")[2]))


def _problem(source: Source, detail: ErrorDetails) -> Problem:
    key = tuple(part for part in detail["loc"] if part not in (TEXT, TABLE, VALUE, "[key]"))
    message, hint = _words(detail, key)
    return Problem(source.where(*key), message, hint)


def _words(detail: ErrorDetails, key: KeyPath) -> tuple[str, str]:
    """What is wrong, and what to do about it."""
    kind, context = detail["type"], detail.get("ctx", {})
    name = _dotted(key)
    if kind == "extra_forbidden":
        return f'unknown key "{key[-1]}"{_inside(key)}', did_you_mean(str(key[-1]), _known_keys(key[:-1]))
    if kind == "missing":
        return f'"{key[-1]}" is missing{_inside(key)}', _missing_hint(key)
    if kind == "agent_file":
        return f"{name} {context['reason']}", ""
    shown = _shown(detail["input"])
    if kind == "literal_error":
        words = [word for word in _literal_words(key) if isinstance(word, str)]
        hint = did_you_mean(detail["input"], words) if isinstance(detail["input"], str) else ""
        return f"{name} must be {context['expected']}, not {shown}", hint if "mean" in hint else ""
    return f"{name} must be {_wanted(detail, key)}, not {shown}", ""


def _wanted(detail: ErrorDetails, key: KeyPath) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _WANTED:
        either = "text or " if TABLE in detail["loc"] else ""
        return either + _WANTED[kind]
    if kind in _BOUNDS:
        return _BOUNDS[kind].format(**context)
    if kind in ("string_too_short", "too_short"):
        return "something"
    if kind == "string_pattern_mismatch":
        in_list = isinstance(key[-1], int)
        return _PATTERNS.get(str(key[-2] if in_list else key[-1]), "a name of letters, digits and _")
    return f"valid: {detail['msg']}"


def _dotted(key: KeyPath) -> str:
    """As it would be written in a sentence: ``tools[0].questions.date``."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "the file"


def _inside(key: KeyPath) -> str:
    return f" in {_dotted(key[:-1])}" if len(key) > 1 else ""


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _missing_hint(key: KeyPath) -> str:
    field = _table_at(key[:-1]).model_fields.get(str(key[-1]))
    return field.description or "" if field else ""


def _known_keys(table: KeyPath) -> list[str]:
    return list(_table_at(table).model_fields)


def _literal_words(key: KeyPath) -> tuple[Any, ...]:
    return get_args(_table_at(key[:-1]).model_fields[str(key[-1])].annotation)


def _table_at(key: KeyPath) -> type[BaseModel]:
    """The table that the shape has at a place in the file."""
    place: Any = AgentTable
    for part in key:
        place = _table_in(place)
        if isinstance(place, type) and issubclass(place, BaseModel):
            place = place.model_fields[str(part)].annotation
        else:
            place = get_args(place)[-1]  # of a list, its element; of a table with free keys, its value
    found = _table_in(place)
    assert isinstance(found, type), "only tables have keys"
    assert issubclass(found, BaseModel), "only tables have keys"
    return found


def _table_in(annotation: Any) -> Any:
    """Of the ways in which a key may be written, the one that has keys or elements."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _table_in(get_args(annotation)[0])
    if origin is Union or type(annotation).__name__ == "UnionType":
        return next(
            found
            for found in map(_table_in, get_args(annotation))
            if get_origin(found) in (list, dict) or (isinstance(found, type) and issubclass(found, BaseModel))
        )
    return annotation
