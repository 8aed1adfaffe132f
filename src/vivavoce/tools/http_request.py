"""A model's arguments put into an HTTP endpoint: the request, without sending it. No argument can leave its place."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlencode

from vivavoce.agent.outside import HttpEndpoint, Slot, Text
from vivavoce.errors import ToolFault
from vivavoce.tools.encoding import encode_result

MAX_BODY_BYTES = 1_048_576
_LEFT_OUT: Any = object()
_SEPARATORS = re.compile(r"[/\\]")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What goes over the wire. Shown without its contents: they are a caller's words and secrets."""

    method: str
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    content: bytes | None = field(repr=False)


def request_of(endpoint: HttpEndpoint, arguments: Mapping[str, Any], key: str) -> HttpRequest:
    """``key`` is the same for all tries of one call, and for no other call; it is sent unless it is empty. Raises
    :class:`~vivavoce.errors.ToolFault` for an argument that cannot stand where it would."""
    values = {**endpoint.defaults, **arguments}
    query = urlencode([*_query(endpoint.query, values)], quote_via=quote)
    url = endpoint.origin + _path(endpoint.path, values) + (f"?{query}" if query else "")
    body = _filled(endpoint.body, values)
    content = None if body is None else encode_result(body, MAX_BODY_BYTES).encode()
    return HttpRequest(endpoint.method, url, tuple(_headers(endpoint, key, content is not None)), content)


def _headers(endpoint: HttpEndpoint, key: str, has_body: bool) -> Iterator[tuple[str, str]]:
    given = {name.lower() for name, _ in endpoint.headers}
    yield from endpoint.headers
    if "accept" not in given:
        yield "Accept", "application/json, text/*;q=0.5"
    if "accept-encoding" not in given:
        yield "Accept-Encoding", "identity"  # so that a small answer is a small one
    if has_body:
        yield "Content-Type", "application/json"
    if key and endpoint.method != "GET":
        yield "Idempotency-Key", key


def _path(path: Text, values: Mapping[str, Any]) -> str:
    written = "".join(part if isinstance(part, str) else _segment(part.parameter, values) for part in path)
    steps = [step for segment in written.split("/") for step in _SEPARATORS.split(unquote(segment))]
    if "." in steps or ".." in steps:
        raise ToolFault("An argument is a path of its own, which cannot stand in the address.")
    return written


def _segment(name: str, values: Mapping[str, Any]) -> str:
    text = _text(values.get(name, ""))
    if not text:
        raise ToolFault(f'The argument "{name}" is empty, but is a part of the address.')
    return quote(text, safe="")


def _query(query: tuple[tuple[str, Text], ...], values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A list is as many pairs; what was left out is none."""
    for name, text in query:
        value = _filled(text, values)
        if value is _LEFT_OUT:
            continue
        for one in value if isinstance(value, list) else [value]:
            yield name, _text(one)


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    """A text that is one slot becomes the value itself, whatever its type."""
    if isinstance(value, tuple):
        if len(value) == 1 and isinstance(value[0], Slot):
            return values.get(value[0].parameter, _LEFT_OUT)
        return "".join(part if isinstance(part, str) else _text(values.get(part.parameter, "")) for part in value)
    if isinstance(value, Mapping):
        filled = {name: _filled(inner, values) for name, inner in value.items()}
        return {name: inner for name, inner in filled.items() if inner is not _LEFT_OUT}
    if isinstance(value, list):
        return [inner for inner in (_filled(one, values) for one in value) if inner is not _LEFT_OUT]
    return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return json.dumps(value, default=str, ensure_ascii=False)
