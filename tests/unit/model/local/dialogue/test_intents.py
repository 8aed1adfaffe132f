from __future__ import annotations

from vivavoce.model.local.dialogue.intents import IntentClassifier, features, masked, uncontracted

TAUGHT = {
    "taxi": ["i need a taxi", "order a taxi to the airport", "can you get me a cab", "a taxi at #n please"],
    "table": ["book a table", "a table for two", "i want to reserve a table for dinner", "can we have dinner"],
    "none": ["tell me a joke", "what is the weather", "who won the game"],
}


def test_it_learns_what_it_was_taught() -> None:
    classifier = IntentClassifier(TAUGHT)
    for intent, sentences in TAUGHT.items():
        assert {classifier.rank(text)[0].name for text in sentences} == {intent}


def test_it_survives_what_sounds_alike() -> None:
    classifier = IntentClassifier(TAUGHT)
    assert classifier.rank("i need a taxes")[0].name == "taxi"
    assert classifier.rank("look a tables for too")[0].name == "table"


def test_probabilities_are_a_distribution_and_the_same_every_time() -> None:
    one, two = IntentClassifier(TAUGHT).rank("a cab please"), IntentClassifier(TAUGHT).rank("a cab please")
    assert one == two
    assert abs(sum(ranked.probability for ranked in one) - 1) < 1e-5


def test_foreign_words_make_it_less_sure() -> None:
    classifier = IntentClassifier(TAUGHT)
    assert (
        classifier.rank("i need a taxi")[0].probability
        > classifier.rank("i need xylophone vortex quince")[0].probability
    )


def test_alternatives_entities_and_evidence_count() -> None:
    classifier = IntentClassifier(TAUGHT, lambda text: ["place"] if "airport" in text else [])
    plain = {ranked.name: ranked.probability for ranked in classifier.rank("to the place")}
    for helped in (
        classifier.rank("to the place", ["i need a taxi"]),
        classifier.rank("to the place", entities=["place"]),
        classifier.rank("to the place", evidence={"taxi": 1.0}),
    ):
        assert {ranked.name: ranked.probability for ranked in helped}["taxi"] > plain["taxi"]


def test_nothing_said_is_nothing_known() -> None:
    assert len({round(ranked.probability, 5) for ranked in IntentClassifier(TAUGHT).rank("")}) <= 3


def test_numbers_and_days_are_masked_and_contractions_opened() -> None:
    assert masked("a table for twenty two on friday the sixteenth".split()) == (
        "a", "table", "for", "#n", "on", "#d", "the", "#n",
    )  # fmt: skip
    assert uncontracted(["what's", "won't", "i'd"]) == ("what", "is", "wo", "not", "i", "would")
    assert features("room two")["w #n"] == 1
