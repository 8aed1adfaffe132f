"""A model's arguments held against any JSON Schema, such as an MCP server has it. They stay JSON: what a format means
is the server's affair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vivavoce.tools.arguments import decoded, there_is_no

MAX_FAULTS = 5
_KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "at least {} characters long",
    "maxLength": "at most {} characters long",
    "minItems": "at least {} of them",
    "maxItems": "at most {} of them",
    "multipleOf": "a multiple of {}",
    "pattern": "text that matches {}",
    "const": "{}",
}


class ForeignSchema:
    """A schema that was looked at (:func:`vivavoce.agent.parameters.schema_faults`), made ready once for all calls."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        from jsonschema.validators import Draft202012Validator, validator_for
        from referencing import Registry

        # The registry is empty: a reference leads to nothing outside the schema.
        self._validator: Any = validator_for(schema, default=Draft202012Validator)(schema, registry=Registry())
        self._properties: Mapping[str, Any] = schema["properties"]

    def read(self, text: str) -> tuple[dict[str, Any], list[str]]:
        """As :func:`vivavoce.tools.arguments.read_arguments`."""
        given, fault = decoded(text)
        if fault:
            return {}, [fault]
        values = {name: value for name, value in given.items() if value is not None or self._takes_null(name)}
        errors = sorted(self._validator.iter_errors(values), key=lambda error: [str(part) for part in error.path])
        sentences = dict.fromkeys(sentence for error in errors for sentence in self._sentences(error))
        return values, [*sentences][:MAX_FAULTS]

    def _takes_null(self, name: str) -> bool:
        schema = self._properties.get(name)
        return schema is None or bool(self._validator.evolve(schema=schema).is_valid(None))

    def _sentences(self, error: Any) -> list[str]:
        """No value is part of them: the model knows what it gave."""
        place = ".".join(str(part) for part in error.absolute_path)
        within = f"{place}." if place else ""
        rule, wanted = error.validator, error.validator_value
        if rule == "required":
            return [f'The argument "{within}{name}" is missing.' for name in wanted if name not in error.instance]
        if rule == "additionalProperties" and wanted is False:
            known = error.schema.get("properties", {})
            unknown = [name for name in error.instance if name not in known]
            return [there_is_no("argument", name, known) for name in unknown]
        return [f'The argument "{place}" must be {_wanted(rule, wanted)}.' if place else "The arguments do not fit."]


def _wanted(rule: str, wanted: Any) -> str:
    if rule == "type":
        kinds = wanted if isinstance(wanted, list) else [wanted]
        return " or ".join(_KINDS[kind] for kind in kinds)
    if rule == "enum":
        return f"one of {', '.join(map(str, wanted))}"
    if rule in _BOUNDS:
        return _BOUNDS[rule].format(wanted)
    return "of one of the forms that its schema has"
