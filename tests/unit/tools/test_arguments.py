from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from vivavoce.tools.arguments import read_arguments

PROPERTIES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "count": {"type": "integer"},
    "share": {"type": "number"},
    "sure": {"type": "boolean"},
    "day": {"type": "string", "format": "date"},
    "at": {"type": "string", "format": "time"},
    "moment": {"type": "string", "format": "date-time"},
    "size": {"type": "string", "enum": ["small", "large"]},
    "code": {"type": "string", "x-spoken": "digits", "minLength": 4, "maxLength": 4},
    "several": {"type": "array", "items": {"type": "string", "format": "date"}},
}
SCHEMA = {"type": "object", "properties": PROPERTIES, "required": [], "additionalProperties": False}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("  ", {}),
        ("{}", {}),
        ('{"text": "a", "count": 2, "share": 1, "sure": true}', {"text": "a", "count": 2, "share": 1, "sure": True}),
        ('{"count": 2.0, "share": 1.5}', {"count": 2, "share": 1.5}),
        ('{"day": "2026-09-16", "at": "14:30"}', {"day": dt.date(2026, 9, 16), "at": dt.time(14, 30)}),
        ('{"at": "T09:00:30"}', {"at": dt.time(9, 0, 30)}),
        ('{"moment": "2026-09-16T14:30"}', {"moment": dt.datetime(2026, 9, 16, 14, 30)}),  # noqa: DTZ001
        ('{"size": "large", "code": "0042"}', {"size": "large", "code": "0042"}),
        ('{"several": ["2026-01-02", "2026-01-03"]}', {"several": [dt.date(2026, 1, 2), dt.date(2026, 1, 3)]}),
        ('{"several": []}', {"several": []}),
        ('{"text": null}', {}),
    ],
)
def test_values_arrive_as_python_values(text: str, values: dict[str, Any]) -> None:
    read, faults = read_arguments(text, SCHEMA)
    assert faults == []
    assert read == values
    assert {name: type(value) for name, value in read.items()} == {name: type(value) for name, value in values.items()}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "The arguments are not valid JSON."),
        ('{"share": NaN}', "The arguments are not valid JSON."),
        ("[" * 100_000, "The arguments are longer than 65536 bytes."),
        ("[" * 60_000, "The arguments are not valid JSON."),
        ("[1]", "The arguments must be a JSON object."),
        ('{"txt": "a"}', 'There is no argument "txt". Did you mean text?'),
        ('{"zzz": "a"}', 'There is no argument "zzz". Known here: at, code, count, day, moment, several, share, size'),
        ('{"text": 1}', 'The argument "text" must be text.'),
        ('{"count": "2"}', 'The argument "count" must be a whole number.'),
        ('{"count": 2.5}', 'The argument "count" must be a whole number.'),
        ('{"count": true}', 'The argument "count" must be a whole number.'),
        ('{"share": false}', 'The argument "share" must be a number.'),
        ('{"sure": 1}', 'The argument "sure" must be true or false.'),
        ('{"day": "tomorrow"}', 'The argument "day" must be a date such as 2026-09-16.'),
        ('{"day": "2026-02-30"}', 'The argument "day" must be a date such as 2026-09-16.'),
        ('{"at": "25:00"}', 'The argument "at" must be a time such as 14:30.'),
        ('{"at": "14:30Z"}', 'The argument "at" must be a time such as 14:30.'),
        ('{"moment": "now"}', 'The argument "moment" must be a date-time such as 2026-09-16T14:30.'),
        ('{"size": "huge"}', 'The argument "size" must be one of small, large.'),
        ('{"code": "123"}', 'The argument "code" must be 4 characters long.'),
        ('{"code": "12a4"}', 'The argument "code" must be digits only.'),
        ('{"several": "2026-01-02"}', 'The argument "several" must be a list.'),
        (
            '{"several": ["2026-01-02", "x"]}',
            'The argument "several" must be a list, each of it a date such as 2026-09-16.',
        ),
    ],
)
def test_a_fault_is_a_sentence_that_a_model_can_act_on(text: str, fault: str) -> None:
    _, faults = read_arguments(text, SCHEMA)
    assert len(faults) == 1
    assert faults[0].startswith(fault)


def test_what_is_required_must_be_there() -> None:
    _, faults = read_arguments('{"count": null, "sure": 1}', {**SCHEMA, "required": ["text", "count"]})
    assert faults == [
        'The argument "text" is missing.',
        'The argument "count" is missing.',
        'The argument "sure" must be true or false.',
    ]
