from __future__ import annotations

import pytest

from vivavoce.events import PastTurn, Speaker
from vivavoce.wire.realtime import conversation
from vivavoce.wire.realtime.conversation import Conversation
from vivavoce.wire.realtime.items import Item, Part


def item(name: str, role: str = "user", text: str = "x", *, known: bool = True) -> Item:
    return Item(name, role=role, parts=[Part("input_text", text)], known=known)


def test_what_asks_for_an_answer_is_at_the_end() -> None:
    talk = Conversation()
    for each in (item("a"), item("b", known=False), item("c", "assistant", known=False), item("d", known=False)):
        talk.append(each)
    talk.append(item("e", "system", known=False))
    assert [each.id for each in talk.unanswered()] == ["d", "e"]
    assert [each.id for each in talk.unknown()] == ["b", "c", "d", "e"]


def test_turns_are_the_words_of_both_sides() -> None:
    talk = Conversation()
    last = item("d", text="Bye.")
    for each in (item("a", text="Hello."), item("b", "system"), item("c", "assistant", "Good day."), last):
        talk.append(each)
    talk.append(Item("t", "function_call", name="look"))
    talk.append(Item("u", role="user", parts=[Part("input_audio", None)]))
    assert talk.turns([last]) == (PastTurn(Speaker.CALLER, "Hello."), PastTurn(Speaker.AGENT, "Good day."))


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "ITEMS_LIMIT", 2)
    talk = Conversation()
    for name in "abc":
        talk.append(item(name))
    assert [each.id for each in talk.items] == ["b", "c"]
    assert talk.before("b") is None
    assert talk.get("a") is None


def test_so_much_text_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "BYTES_LIMIT", 10)
    talk = Conversation()
    for name in "ab":
        talk.append(Item(name, role="user", size=6))
    assert [each.id for each in talk.items] == ["b"]
    talk.remove("b")
    talk.append(Item("c", size=10))
    assert [each.id for each in talk.items] == ["c"]
