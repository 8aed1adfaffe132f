"""A tool's parameters as the service takes them: JSON Schema without the constructs that it rejects.

What means the same in a plainer form is rewritten: ``anyOf`` with null, references, ``const``, ``allOf`` of one. What
says more than the service can be told (``format``, bounds, defaults) goes into the description, where the model
reads it; the tool's own checks stay as they are. What cannot be said at all is refused, by name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from vivavoce.agent.declaration import Tool
from vivavoce.errors import SetupFault
from vivavoce.wire.nova_input import ToolSpec

_KINDS = ("string", "number", "integer", "boolean", "array", "object")
_FORMATS = {
    "date": "YYYY-MM-DD",
    "time": "HH:MM",
    "date-time": "YYYY-MM-DDTHH:MM",
}
_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} of them",
    "maxItems": "at most {} of them",
    "pattern": "matching {}",
    "default": "{} if it is left out",
}
_DEEPEST = 12
_SHAPES: Mapping[str, type | tuple[type, ...]] = {
    "type": (str, list, tuple),
    "description": str,
    "format": str,
    "$ref": str,
    "properties": Mapping,
    **dict.fromkeys(("required", "enum", "anyOf", "oneOf", "allOf"), (list, tuple)),
}
"""What the keywords that are read here hold."""


def tool_spec(tool: Tool) -> ToolSpec:
    """Raises :class:`SetupFault`, one line that names the tool, the parameter and how to mend it."""
    reader = _Reader(tool.name, tool.parameters)
    return ToolSpec(
        name=tool.name,
        description=tool.description or tool.name,
        input_schema=json.dumps(reader.top(), separators=(",", ":"), ensure_ascii=False),
    )


class _Reader:
    """Rewrites the schema of one tool."""

    def __init__(self, tool: str, schema: Mapping[str, Any]) -> None:
        self._tool = tool
        self._schema = schema

    def top(self) -> dict[str, Any]:
        schema = self._plain(self._schema, ())
        if schema.get("type", "object") != "object":
            raise self._refusal((), "is no object", "give the tool named parameters")
        written = self._object(schema, ())
        return {"type": "object", "properties": {}, **written}

    def _node(self, node: Any, path: tuple[str, ...]) -> dict[str, Any]:
        """One schema, plainly. ``path`` is the names of the parameters that lead to it."""
        node = self._plain(node, path)
        if len(path) > _DEEPEST:
            raise self._refusal(path, "is nested too deeply or refers to itself", "take simpler parameters")
        kind = self._kind(node, path)
        written: dict[str, Any] = {"type": kind}
        if description := _description(node):
            written["description"] = description
        if values := _values(node):
            written["enum"] = values
        if kind == "array":
            items = node.get("items", {"type": "string"})
            written["items"] = self._node(items, (*path, "items"))
        if kind == "object":
            written |= self._object(node, path)
        return written

    def _object(self, node: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
        properties = node.get("properties") or {}
        written: dict[str, Any] = {
            "properties": {name: self._node(inner, (*path, name)) for name, inner in properties.items()}
        }
        if required := [name for name in node.get("required") or () if isinstance(name, str) and name in properties]:
            written["required"] = required
        return written

    def _plain(self, node: Any, path: tuple[str, ...], depth: int = 0) -> Mapping[str, Any]:
        """References followed, and what has one alternative besides null as that one."""
        schema = self._well_formed(node, path)
        if depth > _DEEPEST:
            raise self._refusal(path, "refers to itself", "take simpler parameters")
        for keyword in ("anyOf", "oneOf", "allOf"):
            if schema.get(keyword) is not None:
                inner = self._plain(self._only(schema[keyword], keyword, path), path, depth + 1)
                return {**inner, **_without(schema, keyword)}
        if schema.get("$ref") is not None:
            inner = self._plain(self._referred(schema["$ref"], path), path, depth + 1)
            return {**inner, **_without(schema, "$ref")}
        return schema

    def _well_formed(self, node: Any, path: tuple[str, ...]) -> Mapping[str, Any]:
        if not isinstance(node, Mapping):
            raise self._refusal(path, "has no schema", "describe its type")
        for keyword, shape in _SHAPES.items():
            if node.get(keyword) is not None and not isinstance(node[keyword], shape):
                raise self._refusal(path, f"has a {keyword!r} that JSON Schema does not know", "write it as that does")
        return node

    def _only(self, alternatives: Any, keyword: str, path: tuple[str, ...]) -> Any:
        kept = [one for one in alternatives if not (isinstance(one, Mapping) and one.get("type") == "null")]
        if len(kept) == 1:
            return kept[0]
        if kept and all(_values(self._well_formed(one, path)) for one in kept):  # a Literal written as choices
            kinds = {_kind_of(value) for one in kept for value in _values(one)}
            if len(kinds) == 1:
                return {"type": kinds.pop(), "enum": [value for one in kept for value in _values(one)]}
        raise self._refusal(
            path, f"may be one of several types ({keyword}), which the service rejects", "give it one type"
        )

    def _referred(self, reference: Any, path: tuple[str, ...]) -> Any:
        found: Any = self._schema
        for name in str(reference).removeprefix("#/").split("/"):
            found = found.get(name) if isinstance(found, Mapping) else None
        if not str(reference).startswith("#/") or found is None:
            raise self._refusal(path, f"refers to {reference!r}, which is not in its schema", "define it under $defs")
        return found

    def _kind(self, node: Mapping[str, Any], path: tuple[str, ...]) -> str:
        kind = node.get("type")
        if isinstance(kind, Sequence) and not isinstance(kind, str):
            kinds = [one for one in kind if one != "null"]
            kind = kinds[0] if len(kinds) == 1 else None
        if kind is None and (values := _values(node)):
            kind = _kind_of(values[0])
        if kind is None and node.get("properties") is not None:
            kind = "object"
        if kind not in _KINDS:
            raise self._refusal(path, "has no type of its own, which the service needs", f"make it {_choice(_KINDS)}")
        return str(kind)

    def _refusal(self, path: tuple[str, ...], what: str, mend: str) -> SetupFault:
        where = f"the parameter {'.'.join(path)!r}" if path else "its schema"
        return SetupFault(f"the tool {self._tool!r} cannot be declared to Nova Sonic: {where} {what}", hint=mend)


def _values(node: Mapping[str, Any]) -> list[Any]:
    if "const" in node:
        return [node["const"]]
    return [value for value in node.get("enum") or () if value is not None]


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "number" if isinstance(value, float) else "string"


def _description(node: Mapping[str, Any]) -> str:
    """What the schema says of it, and what the service cannot be told otherwise."""
    told = [str(node["description"]).strip()] if node.get("description") else []
    if (form := node.get("format")) is not None:
        told.append(f"Written {_FORMATS[form]}." if form in _FORMATS else f"Format: {form}.")
    bounds = [words.format(node[name]) for name, words in _BOUNDS.items() if node.get(name) is not None]
    if bounds:
        told.append(f"{bounds[0][:1].upper()}{', '.join(bounds)[1:]}.")
    return " ".join(told)


def _without(node: Mapping[str, Any], keyword: str) -> dict[str, Any]:
    """What stands beside an alternative or a reference: only what describes it."""
    return {name: value for name, value in node.items() if name != keyword and name in ("description", "default")}


def _choice(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
