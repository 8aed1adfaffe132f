"""An HTTP tool of an agent file as a value: where it goes, and where each parameter stands in it."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from vivavoce.agent.environment_values import Values
from vivavoce.agent.outside import HttpEndpoint, Slot, Text
from vivavoce.agent.problems import Problem, did_you_mean
from vivavoce.agent.source import Source
from vivavoce.agent.tool_shape import FromEnvironment, HttpTable

_WITHOUT_BODY = ("GET", "DELETE")
_RESERVED = ("host", "content-length", "content-type", "transfer-encoding", "connection", "idempotency-key")


class BadText(ValueError):
    """The braces of a text do not match, or hold no name."""


def read_endpoint(
    source: Source, index: int, table: HttpTable, schema: Mapping[str, Any], environment: Mapping[str, str]
) -> tuple[HttpEndpoint | None, list[Problem]]:
    """The endpoint of ``[[tools]]`` number ``index``, and everything that is wrong with it."""
    reader = _Reader(source, index, schema["properties"], environment)
    origin, path, asked = _parts(table.url)
    path_text = reader.text(path, "url")
    query = [*reader.query(dict(asked), "url"), *reader.query(table.query or {}, "query")]
    body = None if table.body is None else reader.json(table.body, "body")
    used = {slot.parameter for slot in _slots((path_text, query, body))}
    rest = [name for name in schema["properties"] if name not in used]
    if table.method in _WITHOUT_BODY and table.query is None and table.body is None:
        query += [(name, (Slot(name),)) for name in rest]
    elif table.method not in _WITHOUT_BODY and table.body is None:
        body = {name: (Slot(name),) for name in rest}
    else:
        reader.unused(rest)
    headers = reader.headers(table)
    if reader.problems:
        return None, reader.problems
    defaults = {name: one["default"] for name, one in schema["properties"].items() if "default" in one}
    return HttpEndpoint(table.method, origin, path_text, tuple(query), body, headers, defaults), []


def read_text(text: str) -> Text:
    """The text with its slots; ``{{`` stands for a brace. Raises :class:`BadText`."""
    parts: list[str | Slot] = []
    try:
        for literal, name, spec, conversion in string.Formatter().parse(text):
            if literal:
                parts.append(literal)
            if name is not None:
                if not name or spec or conversion:
                    raise BadText(text)
                parts.append(Slot(name))
    except ValueError:
        raise BadText(text) from None
    return tuple(parts)


def _parts(url: str) -> tuple[str, str, list[tuple[str, str]]]:
    """Origin, path, and the query in pairs. Split before any value is put in: a value stays in its place."""
    address, _, asked = url.partition("?")
    scheme, _, rest = address.partition("://")
    host, _, path = rest.partition("/")
    pairs = [
        (unquote_plus(name), unquote_plus(value))
        for name, _, value in (pair.partition("=") for pair in asked.split("&") if pair)
    ]
    return f"{scheme}://{host.lower()}", f"/{path}", pairs


def _slots(value: Any) -> Iterator[Slot]:
    if isinstance(value, Slot):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _slots(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _slots(inner)


class _Reader:
    """Reads the texts of one tool and gathers what is wrong with them."""

    def __init__(
        self, source: Source, index: int, parameters: Mapping[str, Any], environment: Mapping[str, str]
    ) -> None:
        self._source = source
        self._key = ("tools", index, "http")
        self._parameters = parameters
        self._values = Values(source, environment)

    @property
    def problems(self) -> list[Problem]:
        return self._values.problems

    def text(self, text: str, *key: str) -> Text:
        try:
            parts = read_text(text)
        except BadText:
            self._problem("the braces do not match", "write {parameter} where a value stands, {{ for a brace", *key)
            return ()
        for part in parts:
            if isinstance(part, Slot) and part.parameter not in self._parameters:
                message = f'the tool has no parameter "{part.parameter}"'
                self._problem(message, did_you_mean(part.parameter, self._parameters), *key)
        return parts

    def json(self, value: Any, *key: str) -> Any:
        """A body, with its texts read."""
        if isinstance(value, str):
            return self.text(value, *key)
        if isinstance(value, Mapping):
            return {name: self.json(inner, *key, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.json(inner, *key) for inner in value]
        return value.isoformat() if hasattr(value, "isoformat") else value

    def query(self, table: Mapping[str, Any], key: str) -> Iterator[tuple[str, Text]]:
        for name, value in table.items():
            if isinstance(value, str) and "{" in value:
                yield name, self.text(value, key, name)
            elif isinstance(value, str | FromEnvironment):
                yield name, (self._values.read(value, *self._key, key, name),)
            else:
                yield name, (str(value).lower() if isinstance(value, bool) else str(value),)

    def headers(self, table: HttpTable) -> tuple[tuple[str, str], ...]:
        for name in table.headers:
            if name.lower() in _RESERVED:
                self._problem(f"{name} is not yours to set", "leave it out", "headers", name)
        return self._values.pairs(table.headers, *self._key, "headers", sendable=True)

    def unused(self, names: list[str]) -> None:
        for name in names:
            hint = f"write {{{name}}} in the url, the query or the body, or leave the parameter out"
            self._problem(f'the parameter "{name}" is used nowhere', hint)

    def _problem(self, message: str, hint: str, *key: str) -> None:
        self._values.problems.append(Problem(self._source.where(*self._key, *key), message, hint))
