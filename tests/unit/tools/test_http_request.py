"""What a model's arguments make of an endpoint, and what they cannot make of it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.agent.outside import HttpEndpoint, Slot
from vivavoce.errors import ToolFault
from vivavoce.tools.http_request import request_of

ORIGIN = "https://api.example.com"


def get(**more: Any) -> HttpEndpoint:
    return HttpEndpoint("GET", ORIGIN, ("/orders/", Slot("number"), "/lines"), **more)


def post(body: Any) -> HttpEndpoint:
    return HttpEndpoint("POST", ORIGIN, ("/orders",), body=body)


def body_of(body: Any, **arguments: Any) -> Any:
    content = request_of(post(body), arguments, "").content
    assert content is not None
    return json.loads(content)


@given(st.text(min_size=1), st.text())
def test_an_argument_stays_in_its_place(number: str, word: str) -> None:
    endpoint = get(query=(("fixed", ("yes",)), ("word", (Slot("word"),))))
    try:
        url = urlsplit(request_of(endpoint, {"number": number, "word": word}, "").url)
    except ToolFault:
        assert ".." in number or "." in number
        return
    assert f"{url.scheme}://{url.netloc}" == ORIGIN
    assert url.fragment == ""
    first, orders, given_number, lines = url.path.split("/")
    assert (first, orders, lines) == ("", "orders", "lines")
    assert unquote(given_number) == number.encode("utf-8", "replace").decode()
    assert parse_qsl(url.query, keep_blank_values=True)[0] == ("fixed", "yes")
    assert [name for name, _ in parse_qsl(url.query, keep_blank_values=True)] == ["fixed", "word"]


@pytest.mark.parametrize("number", ["..", ".", "../..", "a/../../b", "..\\x", "%2e%2e/../x"])
def test_no_argument_climbs_out_of_the_path(number: str) -> None:
    with pytest.raises(ToolFault, match="a path of its own"):
        request_of(get(), {"number": number}, "")


@pytest.mark.parametrize("arguments", [{}, {"number": ""}])
def test_a_part_of_the_path_is_never_nothing(arguments: dict[str, str]) -> None:
    with pytest.raises(ToolFault, match='"number" is empty'):
        request_of(get(), arguments, "")


def test_a_list_is_as_many_pairs_and_what_was_left_out_is_none() -> None:
    query = (("tag", (Slot("tags"),)), ("gone", (Slot("gone"),)), ("at", ("t", Slot("at"))), ("sure", (Slot("sure"),)))
    arguments = {"number": 7, "tags": ["a b", "c&d"], "at": dt.time(9, 30), "sure": True}
    url = request_of(get(query=query), arguments, "").url
    assert url == f"{ORIGIN}/orders/7/lines?tag=a%20b&tag=c%26d&at=t09%3A30%3A00&sure=true"


def test_what_stands_alone_in_a_text_of_the_body_is_the_value_itself() -> None:
    body = {
        "day": (Slot("day"),),
        "lines": [{"count": (Slot("count"),), "note": ("for ", Slot("name"), "!")}],
        "gone": (Slot("gone"),),
        "list": [(Slot("gone"),), 3, True],
    }
    assert body_of(body, day=dt.date(2026, 9, 16), count=2, name='A"nn') == {
        "day": "2026-09-16",
        "lines": [{"count": 2, "note": 'for A"nn!'}],
        "list": [3, True],
    }


def test_a_default_stands_in_for_what_was_left_out() -> None:
    endpoint = HttpEndpoint("POST", ORIGIN, ("/x",), body={"count": (Slot("count"),)}, defaults={"count": 1})
    assert request_of(endpoint, {}, "").content == b'{"count":1}'
    assert request_of(endpoint, {"count": 3}, "").content == b'{"count":3}'


def test_only_what_changes_something_carries_a_key() -> None:
    assert ("Idempotency-Key", "c:t") in request_of(post({}), {}, "c:t").headers
    assert "Idempotency-Key" not in dict(request_of(post({}), {}, "").headers)
    assert "Idempotency-Key" not in dict(request_of(get(), {"number": 1}, "c:t").headers)
    assert ("Content-Type", "application/json") in request_of(post({}), {}, "").headers


def test_what_is_sent_is_not_shown() -> None:
    endpoint = HttpEndpoint("POST", ORIGIN, ("/x",), (("k", ("s3cret",)),), {"a": "s3cret"}, (("X", "s3cret"),))
    assert "s3cret" not in repr(endpoint)
    assert "s3cret" not in repr(request_of(endpoint, {}, ""))
