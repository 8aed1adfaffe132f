from __future__ import annotations

import pytest

from tests.unit.model.local.dialogue.agents import NOW, understander
from vivavoce.model.local.dialogue.port import Heard


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("have you got a folding bike", "find_bikes"),
        ("how much would the falcon be", "find_bikes"),
        ("could i arrange a test ride for tomorrow please", "book_test_ride"),
        ("can i borrow three helmets", "borrow_helmets"),
        ("it says my account is locked", "unlock_account"),
        ("when do you open on saturdays", "knowledge"),
        ("can i park anywhere near you", "knowledge"),
        ("could you transfer me to a colleague", "person"),
        ("that's everything thanks bye", "goodbye"),
        ("sorry could you repeat that", "repeat"),
        ("oh never mind", "cancel"),
        ("what can you do", "help"),
        ("good morning", "greeting"),
        ("yes that's correct", "yes"),
        ("no thanks", "no"),
        ("tell me about the roman empire", "none"),
        ("can you help me with my homework", "none"),
        ("", "none"),
    ],
)
def test_intents(said: str, intent: str) -> None:
    assert understander().understand(Heard(said), NOW).intent == intent


def test_a_tool_comes_with_its_slots_and_knowledge_with_its_answer() -> None:
    found = understander().understand(Heard("can i try the beacon on friday"), NOW)
    assert found.slots == {"model": "Beacon", "date": "2026-03-13"}
    answer = understander().understand(Heard("where can i park"), NOW).answer
    assert answer is not None
    assert "Mill Street" in answer.text


def test_alternatives_fill_what_was_asked_for() -> None:
    read = understander().read("book_test_ride", Heard("the beckoning", ("the falcon",)), NOW, "model")
    assert read.values == {"model": "Falcon"}


def test_alternatives_help_the_intent() -> None:
    alone = understander().understand(Heard("can i rye the bee"), NOW)
    helped = understander().understand(Heard("can i rye the bee", ("can i try the beacon",) * 3), NOW)
    assert helped.intent == "book_test_ride"
    assert alone.intent != "book_test_ride" or helped.confidence > alone.confidence
