"""Tool schemas as Nova takes them, and what it cannot be told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from vivavoce.agent.declaration import Tool
from vivavoce.errors import SetupFault
from vivavoce.model.nova.schema import tool_spec


def declared(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as it is sent: a text."""
    spec = tool_spec(Tool("look_up", "Looks it up.", parameters, print))
    assert (spec.name, spec.description, spec.as_object) == ("look_up", "Looks it up.", False)
    schema: dict[str, Any] = json.loads(spec.input_schema)
    return schema


def of(parameter: Mapping[str, Any], **beside: Any) -> Any:
    """What becomes of one parameter."""
    return declared({"type": "object", "properties": {"one": parameter}, **beside})["properties"]["one"]


def test_a_plain_schema_stays_as_it_is() -> None:
    plain = {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Where."},
            "days": {"type": "array", "items": {"type": "integer"}},
            "place": {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]},
        },
        "required": ["city"],
    }
    assert declared(plain) == plain


def test_no_parameters_are_an_empty_object() -> None:
    assert declared({}) == {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}, {"type": "string"}),
        ({"oneOf": [{"type": "null"}, {"type": "integer"}]}, {"type": "integer"}),
        ({"allOf": [{"type": "boolean"}], "description": "Yes?"}, {"type": "boolean", "description": "Yes?"}),
        ({"type": ["string", "null"]}, {"type": "string"}),
        ({"const": "a"}, {"type": "string", "enum": ["a"]}),
        ({"enum": [1, 2, None]}, {"type": "integer", "enum": [1, 2]}),
        ({"anyOf": [{"const": "a"}, {"enum": ["b"]}]}, {"type": "string", "enum": ["a", "b"]}),
        ({"properties": {}}, {"type": "object", "properties": {}}),
        ({"type": "array"}, {"type": "array", "items": {"type": "string"}}),
        ({"type": "string", "format": "date"}, {"type": "string", "description": "Written YYYY-MM-DD."}),
        (
            {"type": "string", "format": "uuid", "description": "Which."},
            {"type": "string", "description": "Which. Format: uuid."},
        ),
        (
            {"type": "integer", "minimum": 1, "maximum": 9},
            {"type": "integer", "description": "At least 1, at most 9."},
        ),
        ({"type": "string", "pattern": "^A"}, {"type": "string", "description": "Matching ^A."}),
        ({"type": "string", "title": "One", "x-spoken": "name"}, {"type": "string"}),
    ],
)
def test_what_the_service_rejects_is_said_in_a_plainer_way(given: dict[str, Any], sent: dict[str, Any]) -> None:
    assert of(given) == sent


def test_references_are_followed() -> None:
    defs = {
        "$defs": {"Car": {"type": "object", "properties": {"id": {"$ref": "#/$defs/Id"}}}, "Id": {"type": "string"}}
    }
    car = of({"$ref": "#/$defs/Car", "description": "Which car."}, **defs)
    assert car == {"type": "object", "description": "Which car.", "properties": {"id": {"type": "string"}}}


def test_what_pydantic_makes_can_be_declared() -> None:
    class Place(BaseModel):
        city: str
        zone: Literal["a", "b"] | None = None

    class Query(BaseModel):
        where: Place | None = None
        limit: int = Field(default=3, ge=1)
        words: list[str] = []

    sent = json.dumps(declared(Query.model_json_schema()))
    assert not any(word in sent for word in ("anyOf", "$ref", "$defs", "null", "title", "minimum"))
    assert json.loads(sent)["properties"]["where"]["properties"]["zone"] == {"type": "string", "enum": ["a", "b"]}


@pytest.mark.parametrize(
    ("parameter", "what", "mend"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "several types (anyOf)", "give it one type"),
        ({"type": ["string", "integer"]}, "no type of its own", "make it string,"),
        ({"description": "anything"}, "no type of its own", "make it string,"),
        ({"$ref": "#/$defs/Nothing"}, "'#/$defs/Nothing'", "define it under $defs"),
        ({"$ref": "http://example.com/x"}, "'http://example.com/x'", "define it under $defs"),
        (True, "has no schema", "describe its type"),
        ({"type": "object", "properties": ["a"]}, "has a 'properties' that", "write it as that does"),
        ({"type": "object", "required": True}, "has a 'required' that", "write it as that does"),
        ({"enum": "abc"}, "has a 'enum' that", "write it as that does"),
        ({"anyOf": [{"enum": 1}, {"enum": 2}]}, "has a 'enum' that", "write it as that does"),
        ({"anyOf": [True, False]}, "has no schema", "describe its type"),
        ({"type": "string", "format": {}}, "has a 'format' that", "write it as that does"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(parameter: Any, what: str, mend: str) -> None:
    with pytest.raises(SetupFault) as raised:
        of(parameter)
    told = str(raised.value)
    assert "'look_up'" in told
    assert "'one'" in told
    assert what in told
    assert mend in told
    assert "\n" not in told


def test_the_whole_may_be_a_reference() -> None:
    whole = {"$ref": "#/$defs/Query", "$defs": {"Query": {"type": "object", "properties": {"a": {"type": "string"}}}}}
    assert declared(whole) == {"type": "object", "properties": {"a": {"type": "string"}}}


def test_nothing_where_a_keyword_would_be_is_as_if_it_were_not_there() -> None:
    empty = {"type": "string", "enum": None, "anyOf": None, "properties": None, "required": None, "$ref": None}
    assert of(empty) == {"type": "string"}


def test_a_schema_that_refers_to_itself_is_refused() -> None:
    tree = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Tree"}}}
    with pytest.raises(SetupFault, match="itself"):
        of({"$ref": "#/$defs/Tree"}, **{"$defs": {"Tree": tree}})
    with pytest.raises(SetupFault, match="itself"):
        of({"$ref": "#/$defs/A"}, **{"$defs": {"A": {"$ref": "#/$defs/A"}}})


def test_a_tool_without_named_parameters_is_refused() -> None:
    with pytest.raises(SetupFault, match="its schema is no object"):
        declared({"type": "array"})
