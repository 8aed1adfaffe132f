from __future__ import annotations

import re

from tests.unit.model.local.dialogue.agents import NOW, SHOP
from vivavoce.agent.declaration import Agent
from vivavoce.model.local.dialogue.phrases import intent_sentences, spelled, training_sentences


def test_they_are_words_as_a_recogniser_speaks_them() -> None:
    sentences = training_sentences(SHOP, NOW)
    assert len(sentences) == len(set(sentences)) > 1000
    assert all(re.fullmatch(r"[a-z']+( [a-z']+)*", sentence) for sentence in sentences)


def test_they_hold_requests_answers_corrections_and_questions() -> None:
    sentences = set(training_sentences(SHOP, NOW))
    for wanted in (
        "can i try the beacon", "beacon", "the sixteenth", "saturday the fourteenth", "half past nine", "it's alice",
        "what about parking", "yes that's right", "goodbye", "a small service costs forty pounds", "two helmets",
    ):  # fmt: skip
        assert wanted in sentences or any(wanted in sentence for sentence in sentences), wanted
    assert any(sentence.count(" ") == 4 and set(sentence.split()) <= set(
        "oh one two three four five six seven eight nine".split()
    ) for sentence in sentences)  # fmt: skip


def test_they_are_the_same_every_time_and_no_more_than_asked_for() -> None:
    assert training_sentences(SHOP, NOW, 200) == training_sentences(SHOP, NOW, 200)
    assert len(training_sentences(SHOP, NOW, 200)) == 200


def test_an_agent_without_tools_still_has_the_built_in_ones() -> None:
    bare = Agent("Bare", "")
    assert "goodbye" in training_sentences(bare, NOW)
    assert "knowledge" not in intent_sentences(bare, NOW)


def test_numerals_are_spelled() -> None:
    assert spelled("At 10:30, the 16th: £25 for 2!") == "at ten thirty the sixteenth twenty five for two"


def test_every_intent_has_sentences() -> None:
    taught = intent_sentences(SHOP, NOW)
    assert {"find_bikes", "book_test_ride", "knowledge", "goodbye", "none"} <= set(taught)
    assert all(taught.values())
