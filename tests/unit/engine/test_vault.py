"""What may be seen of private digits."""

from __future__ import annotations

import msgspec
import pytest

from vivavoce.core.session import Session
from vivavoce.engine.vault import Vault
from vivavoce.events import (
    COLLECT_DIGITS,
    CallerConnected,
    CallerPressed,
    CallPlan,
    CallStarted,
    ConnectionId,
    DigitsHeard,
    Instant,
    ModelReady,
    ToolCallId,
    ToolRequested,
)

T1 = ToolCallId("t1")
REFERENCE = "{digits:t1}"


def collecting(arguments: str) -> Session:
    session = Session()
    ask = ToolRequested(ConnectionId(1), T1, COLLECT_DIGITS, arguments)
    connected = CallerConnected("test", 8000)
    for event in (CallStarted(CallPlan(agent="a", models=("m",))), connected, ModelReady(ConnectionId(1)), ask):
        session.receive(event, Instant(0))
    return session


def press(vault: Vault, session: Session, *keys: str) -> list[str]:
    """As the call does; returns what may be seen."""
    seen = []
    for digits in keys:
        event = vault.keep(CallerPressed(digits), session.digits)
        session.receive(event, Instant(0))
        seen.append(event.digits)
    return seen


def holding(digits: str) -> Vault:
    vault = Vault()
    press(vault, collecting('{"private": true}'), digits, "#")
    return vault


def test_a_row_is_kept_for_its_tool_and_what_comes_behind_it_is_not_seen_either() -> None:
    vault, session = Vault(), collecting('{"count": 4, "private": true}')
    assert press(vault, session, "41", "119", "7", "#") == ["xx", "xxx", "x", "#"]
    assert vault.keep(DigitsHeard("42"), session.digits) == DigitsHeard("xx")
    assert vault.fill(REFERENCE) == "4111"


def test_what_is_not_private_is_seen() -> None:
    vault, session = Vault(), collecting('{"count": 2}')
    assert press(vault, session, "41", "9") == ["41", "9"]
    assert vault.fill(REFERENCE) == REFERENCE


@pytest.mark.parametrize(
    ("result", "hidden"),
    [
        ({"card": "41114222"}, {"card": REFERENCE}),
        ({"card": 41114222}, {"card": REFERENCE}),
        ({"id": 9411142229, "ok": True}, {"id": f"9{REFERENCE}9", "ok": True}),
        (
            {"cents": 4111.4222, "all": [None, "no. 41114222."]},
            {"cents": 4111.4222, "all": [None, f"no. {REFERENCE}."]},
        ),
        ({"41114222": 1}, {REFERENCE: 1}),
    ],
)
def test_a_result_that_has_them_stays_json(result: object, hidden: object) -> None:
    text = holding("41114222").hide(msgspec.json.encode(result).decode())
    assert msgspec.json.decode(text) == hidden


def test_what_is_no_json_is_hidden_all_the_same() -> None:
    assert holding("41114222").hide("card 41114222 refused") == f"card {REFERENCE} refused"


def test_a_result_without_them_is_left_as_it_is() -> None:
    assert holding("41114222").hide('{ "price": 100 }') == '{ "price": 100 }'
    assert holding("10").hide('{"price": 100}') == '{"price": 100}', "two digits stand anywhere"
