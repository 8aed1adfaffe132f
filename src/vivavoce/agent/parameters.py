"""The parameters of a tool as JSON Schema: made from an agent file's own short form, or taken over and looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vivavoce.agent.problems import did_you_mean
from vivavoce.agent.tool_shape import Parameter, ParameterTable

EXTRA = "pip install 'vivavoce[tools]'"

_KINDS = ("string", "integer", "number", "boolean", "array", "object", "null")


def schema_of(parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """The JSON Schema that the short form stands for."""
    tables = {
        name: ParameterTable(description=one) if isinstance(one, str) else one for name, one in parameters.items()
    }
    return {
        "type": "object",
        "properties": {name: _property(table) for name, table in tables.items()},
        "required": [name for name, table in tables.items() if table.required and table.default is None],
        "additionalProperties": False,
    }


def _property(table: ParameterTable) -> dict[str, Any]:
    described = {"description": table.description} if table.description else {}
    default = {} if table.default is None else {"default": table.default}
    one: dict[str, Any] = {"type": table.type}
    if table.enum is not None:
        one["enum"] = list(table.enum)
    if table.format is not None:
        one["format"] = table.format
    if table.spoken is not None:
        one["x-spoken"] = table.spoken
    if table.length is not None:
        one |= {"minLength": table.length, "maxLength": table.length}
    return {"type": "array", "items": one, **described, **default} if table.many else {**one, **described, **default}


def schema_faults(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with a schema that came from elsewhere, as message and hint. Where it refers to another document
    it is refused: nobody is to be asked for that in the middle of a call."""
    if schema.get("type", "object") != "object" or not isinstance(schema.get("properties", {}), Mapping):
        yield "the schema is none of an object", 'write type = "object" and properties'
        return
    for node in _nodes(schema):
        reference = node.get("$ref", node.get("$dynamicRef", "#"))
        if not isinstance(reference, str) or not reference.startswith("#"):
            yield "the schema refers to another document", "define it under $defs"
        kind = node.get("type", "object")
        for one in kind if isinstance(kind, list) else [kind]:
            if one not in _KINDS:
                yield f'the schema has a type "{one}"', did_you_mean(str(one), _KINDS)
                return
    yield from _flaws(schema)


def _flaws(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    try:
        from jsonschema import SchemaError
        from jsonschema.validators import Draft202012Validator, validator_for
    except ImportError:
        yield "JSON Schemas need the package jsonschema, which is not here", EXTRA
        return
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        place = ".".join(str(part) for part in error.absolute_path)
        yield f"the schema is no JSON Schema at {place or 'its top'}: {error.message[:200]}", ""


def _nodes(schema: Any) -> Iterator[Mapping[str, Any]]:
    """The schema and all schemas in it."""
    if not isinstance(schema, Mapping):
        return
    yield schema
    for keyword in ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"):
        inner = schema.get(keyword)
        for one in inner.values() if isinstance(inner, Mapping) else ():
            yield from _nodes(one)
    for keyword in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for one in schema.get(keyword) or ():
            yield from _nodes(one)
    for keyword in ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"):
        yield from _nodes(schema.get(keyword))
