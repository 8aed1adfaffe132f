"""A Python function as a tool: its signature becomes a JSON Schema, its docstring the descriptions.

Types that a parameter may have: ``str``, ``int``, ``float``, ``bool``, ``Literal``, an ``Enum``, ``datetime.date``,
``time`` and ``datetime``, ``list`` of these, and each of them ``| None``. ``Annotated`` adds a description and
:class:`Spoken`.
"""

from __future__ import annotations

import datetime as dt
import enum
import functools
import inspect
import json
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vivavoce.agent.declaration import Tool
from vivavoce.agent.docstrings import read_docstring
from vivavoce.agent.spoken import Spoken
from vivavoce.errors import AgentFileError

_TYPES: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    dt.date: {"type": "string", "format": "date"},
    dt.time: {"type": "string", "format": "time"},
    dt.datetime: {"type": "string", "format": "date-time"},
}
_SUPPORTED = "str, int, float, bool, Literal, Enum, date, time, datetime, list[...] of these, and each | None"
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class _Parameter:
    """``members`` is the Enum that a value is looked up in, if it is one. ``absent`` has neither value nor default of
    its own: the function gets None for it."""

    schema: dict[str, Any]
    required: bool
    absent: bool
    members: type[enum.Enum] | None


def tool_from_function(function: Callable[..., Any]) -> Tool:
    """The tool that a function is, before an agent file adds its own settings to it. :class:`AgentFileError` says what
    about the function a model could not use; ``where`` is the function's ``file:line``."""
    if not inspect.isroutine(function):
        raise AgentFileError(f"{function!r} is not a function")
    try:
        hints = typing.get_type_hints(function, include_extras=True)
        signature = inspect.signature(function).parameters
    except Exception as error:
        raise _fault(function, f"has types that cannot be read: {error}") from error
    description, described = read_docstring(function, signature)
    if not description:
        raise _fault(function, "has no docstring", hint="say in one what it does: the model decides by it")
    parameters: dict[str, _Parameter] = {}
    for name, declared in signature.items():
        try:
            parameters[name] = _parameter(declared, hints.get(name), described.get(name, ""))
        except AgentFileError as reason:
            raise _fault(function, f'has a parameter "{name}" {reason.message}') from None
    schema = {
        "type": "object",
        "properties": {name: parameter.schema for name, parameter in parameters.items()},
        "required": [name for name, parameter in parameters.items() if parameter.required],
        "additionalProperties": False,
    }
    return Tool(function.__name__, description, schema, _adapted(function, parameters))


def _fault(function: Callable[..., Any], message: str, *, hint: str = "") -> AgentFileError:
    code = getattr(inspect.unwrap(function), "__code__", None)  # a function that is written in C has none
    where = f"{Path(code.co_filename).name}:{code.co_firstlineno}" if code else ""
    return AgentFileError(f"{function.__name__} {message}", where=where, hint=hint)


def _parameter(declared: inspect.Parameter, hint: Any, description: str) -> _Parameter:
    if declared.kind not in _NAMED:
        raise AgentFileError("without a name of its own: * and / have no place in a tool")
    if hint is None:
        raise AgentFileError(f"without a type: write {declared.name}: str, or what it is")
    notes, inner = _unwrapped(hint)
    inner, optional = _without_none(inner)
    more_notes, inner = _unwrapped(inner)
    schema = _schema(inner)
    for note in (*notes, *more_notes):
        if isinstance(note, Spoken):
            schema |= _spoken(note, inner)
        elif isinstance(note, str):
            description = note
    if description:
        schema["description"] = description
    has_default = declared.default is not inspect.Parameter.empty
    if has_default and declared.default is not None:
        schema["default"] = _json_default(declared.default)
    element = typing.get_args(inner)[0] if typing.get_origin(inner) is list else inner
    members = element if isinstance(element, type) and issubclass(element, enum.Enum) else None
    return _Parameter(schema, not (optional or has_default), optional and not has_default, members)


def _unwrapped(hint: Any) -> tuple[tuple[Any, ...], Any]:
    """The notes of an ``Annotated``, and what they are about."""
    if typing.get_origin(hint) is typing.Annotated:
        inner, *notes = typing.get_args(hint)
        return tuple(notes), inner
    return (), hint


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return hint, False
    others = [part for part in typing.get_args(hint) if part is not types.NoneType]
    if len(others) != 1:
        raise AgentFileError(f"of the type {_type_name(hint)}: choose one of its types, a model cannot")
    return others[0], True


def _schema(hint: Any) -> dict[str, Any]:
    if hint in _TYPES:
        return dict(_TYPES[hint])
    if typing.get_origin(hint) is typing.Literal:
        return _choice(hint, typing.get_args(hint))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _choice(hint, tuple(member.value for member in hint))
    if typing.get_origin(hint) is list and typing.get_origin(typing.get_args(hint)[0]) is not list:
        return {"type": "array", "items": _schema(typing.get_args(hint)[0])}
    raise AgentFileError(f"of the type {_type_name(hint)}, which a model cannot give; use {_SUPPORTED}")


def _choice(hint: Any, values: tuple[Any, ...]) -> dict[str, Any]:
    for kind, name in ((str, "string"), (int, "integer")):
        if values and all(type(value) is kind for value in values):
            return {"type": name, "enum": list(values)}
    raise AgentFileError(f"of the type {_type_name(hint)}: its values must all be text, or all whole numbers")


def _spoken(note: Spoken, hint: Any) -> dict[str, Any]:
    if hint is not str:
        raise AgentFileError(f"of the type {_type_name(hint)} with Spoken, which is for str")
    length = {} if note.length is None else {"minLength": note.length, "maxLength": note.length}
    return {"x-spoken": note.form, **length}


def _json_default(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        raise AgentFileError(f"whose default {value!r} cannot be written as JSON") from None
    return value


def _type_name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint).replace("typing.", "")


def _adapted(function: Callable[..., Any], parameters: dict[str, _Parameter]) -> Callable[..., Any]:
    """The function itself, or, where JSON values are not what it takes, one around it that turns them into it."""
    members = {name: parameter.members for name, parameter in parameters.items() if parameter.members}
    absent = dict.fromkeys(name for name, parameter in parameters.items() if parameter.absent)
    if not members and not absent:
        return function

    def adapt(values: dict[str, Any]) -> dict[str, Any]:
        values = absent | values
        for name, kind in members.items():
            value = values.get(name)
            if value is not None:
                values[name] = [kind(one) for one in value] if isinstance(value, list) else kind(value)
        return values

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def call_async(**values: Any) -> Any:
            return await function(**adapt(values))

        return call_async

    @functools.wraps(function)
    def call(**values: Any) -> Any:
        return function(**adapt(values))

    return call
