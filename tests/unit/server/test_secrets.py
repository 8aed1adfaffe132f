"""A secret says what it was given until it expires, and nothing else is one."""

from __future__ import annotations

import string
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.errors import Refused
from vivavoce.server.secrets import MAX_CHARACTERS, Sealer, Ticket

KEY = bytes(range(32))
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))
TICKETS = st.builds(
    Ticket, st.text(max_size=20), st.text(max_size=20), st.dictionaries(st.text(), JSON, max_size=3), st.integers(101)
)


def sealer(now_s: float = 100, key: bytes = KEY) -> Sealer:
    return Sealer(key, lambda: now_s)


@given(TICKETS)
def test_what_was_sealed_comes_out(ticket: Ticket) -> None:
    value = sealer().seal(ticket)
    assert value.startswith("ek_")
    assert set(value) <= set(string.ascii_letters + string.digits + "-_"), "it must fit into a subprotocol's name"
    assert sealer().open(value) == ticket


@given(TICKETS, st.floats(0, 1), st.sampled_from(["AB", "?!", "é ", "=="]))
def test_a_changed_secret_is_none(ticket: Ticket, where: float, others: str) -> None:
    value = sealer().seal(ticket)
    at = 3 + int(where * (len(value) - 5))  # the last character has bits that mean nothing
    other = others[value[at] == others[0]]
    assert code_of(sealer(), value[:at] + other + value[at + 1 :]) == "invalid_api_key"


@given(st.text(max_size=60))
def test_whatever_is_sent_in_place_of_one_is_refused(text: str) -> None:
    assert code_of(sealer(), "ek_" + text) == "invalid_api_key"


def test_one_of_another_server_or_of_yesterday() -> None:
    value = sealer().seal(Ticket("shop", "desk", {}, 160))
    assert sealer(159.9).open(value).agent == "desk"
    assert code_of(sealer(160), value) == "secret_expired"
    assert code_of(sealer(key=KEY[::-1]), value) == "invalid_api_key"
    assert code_of(sealer(), "ek_" + "A" * MAX_CHARACTERS) == "invalid_api_key"


def test_two_secrets_of_the_same_differ() -> None:
    ticket = Ticket("shop", "desk", {}, 160)
    assert sealer().seal(ticket) != sealer().seal(ticket)


def test_a_session_that_fits_into_no_header() -> None:
    long = Random(1).randbytes(5000).hex()
    with pytest.raises(Refused, match="a header takes") as caught:
        sealer().seal(Ticket("shop", "desk", {"instructions": long}, 160))
    assert (caught.value.status, caught.value.code) == (400, "session_too_large")
    assert sealer().open(sealer().seal(Ticket("", "", {"instructions": "Be kind. " * 900}, 160)))


def code_of(sealer: Sealer, value: str) -> str:
    with pytest.raises(Refused) as caught:
        sealer.open(value)
    assert caught.value.status == 401
    return caught.value.code
