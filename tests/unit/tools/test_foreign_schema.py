from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.agent.parameters import schema_faults
from vivavoce.tools.arguments import is_plain, read_arguments
from vivavoce.tools.foreign_schema import ForeignSchema

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "who": {"$ref": "#/$defs/Person"},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}}},
        "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "size": {"enum": ["s", "l"]},
    },
    "required": ["who", "size"],
    "additionalProperties": False,
    "$defs": {"Person": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
}
GOOD = '{"who": {"name": "Ann"}, "size": "s", '


def test_values_stay_json() -> None:
    text = GOOD + '"lines": [{"n": 3}], "either": null}'
    values, faults = ForeignSchema(SCHEMA).read(text)
    assert faults == []
    assert values == {"who": {"name": "Ann"}, "size": "s", "lines": [{"n": 3}], "either": None}


def test_a_null_where_none_may_be_stands_for_what_was_left_out() -> None:
    values, faults = ForeignSchema(SCHEMA).read(GOOD + '"lines": null}')
    assert (values, faults) == ({"who": {"name": "Ann"}, "size": "s"}, [])


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("{", ["The arguments are not valid JSON."]),
        ('{"size": "s"}', ['The argument "who" is missing.']),
        ("{}", ['The argument "who" is missing.', 'The argument "size" is missing.']),
        ('{"who": {}, "size": "s"}', ['The argument "who.name" is missing.']),
        ('{"who": "Ann", "size": "s"}', ['The argument "who" must be an object.']),
        (GOOD + '"lines": [{"n": 3}, {"n": 12}]}', ['The argument "lines.1.n" must be at most 9.']),
        (GOOD + '"either": 3}', ['The argument "either" must be of one of the forms that its schema has.']),
        (GOOD + '"liens": []}', ['There is no argument "liens". Did you mean lines?']),
        ('{"who": {"name": "Ann"}, "size": "secret words"}', ['The argument "size" must be one of s, l.']),
    ],
)
def test_a_fault_is_a_sentence_without_the_value(text: str, faults: list[str]) -> None:
    assert ForeignSchema(SCHEMA).read(text)[1] == faults


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({"type": "string"}, "none of an object"),
        ({"properties": []}, "none of an object"),
        ({"properties": {"a": {"$ref": "http://192.0.2.1/x.json"}}}, "refers to another document"),
        ({"properties": {"a": {"items": {"$ref": "file:///etc/passwd"}}}}, "refers to another document"),
        ({"properties": {"a": {"type": "text"}}}, 'has a type "text"'),
        ({"properties": {"a": {"type": "string", "minLength": "x"}}}, "is no JSON Schema at properties.a.minLength"),
    ],
)
def test_a_schema_is_looked_at_before_it_is_used(schema: dict[str, Any], fault: str) -> None:
    ((message, _),) = schema_faults(schema)
    assert fault in message
    assert list(schema_faults(SCHEMA)) == []


def test_what_is_plain_is_read_by_our_own_rules() -> None:
    assert not is_plain(SCHEMA)
    assert is_plain({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}}}})
    assert not is_plain({"type": "object", "properties": {"a": {"type": "integer", "minimum": 3}}})
    assert not is_plain({"type": "object", "properties": {"a": {"type": "object"}}})


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.none() | st.integers() | st.booleans() | st.text()))
def test_both_ways_of_reading_a_plain_schema_agree(given_values: dict[str, Any]) -> None:
    import json

    properties = {"a": {"type": "integer"}, "b": {"type": "string"}}
    schema = {"type": "object", "properties": properties, "required": ["a"], "additionalProperties": False}
    text = json.dumps(given_values)
    ours, theirs = read_arguments(text, schema), ForeignSchema(schema).read(text)
    given_values.pop("c", None)
    assert bool(ours[1]) == bool(theirs[1])
    if not ours[1]:
        assert ours[0] == {name: value for name, value in theirs[0].items() if value is not None}
