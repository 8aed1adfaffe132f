from __future__ import annotations

import pytest

from tests.unit.model.local.dialogue.agents import HOURS
from vivavoce.agent.declaration import Knowledge
from vivavoce.model.local.dialogue.knowledge import Library, sections, speakable, stem


def test_markdown_becomes_speakable() -> None:
    assert speakable("**Free** [parking](http://x.y), £40–£50 & 9–5, 10% off `now`") == (
        "Free parking, 40 pounds, 50 pounds and 9 to 5, 10 percent off now"
    )


def test_sections_have_titles_topics_and_sentences() -> None:
    found = list(sections([HOURS, Knowledge("loose-notes.md", "Only a line\n\n| Mon | nine |\n|---|---|\n")]))
    assert [section.title for section in found] == [
        "Weekday hours",
        "Saturday hours",
        "Parking",
        "Repairs",
        "loose notes",
    ]
    assert {section.topic for section in found[:4]} == {"Opening hours"}
    assert found[3].sentences == (
        "A small service costs 40 pounds.",
        "A full service costs 95 pounds and takes two days.",
    )
    assert found[4].sentences == ("Only a line.", "Mon: nine.")


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("when are you open on saturday", "10 to 4"),
        ("where can i park", "behind the shop"),
        ("how much is a full service", "95 pounds"),
        ("is there barking at the shop", "Mill Street"),
    ],
)
def test_the_best_section_answers(asked: str, answer: str) -> None:
    found = Library([HOURS]).answer(asked)
    assert found is not None
    assert answer in found.text


def test_nothing_known_is_no_answer() -> None:
    library = Library([HOURS])
    assert library.answer("who painted the mona lisa", floor=0.4) is None
    assert library.answer("") is None
    assert Library([]).answer("where can i park") is None


def test_long_sections_are_answered_in_part_from_the_best_sentence() -> None:
    body = " ".join(f"Line {number} is about colour number {number} and nothing more at all." for number in range(12))
    found = Library([Knowledge("x.md", f"# Colours\n{body} Wheels are green.")]).answer("what colour are the wheels")
    assert found is not None
    assert found.text.startswith("Wheels are green")


def test_stems_join_what_belongs_together() -> None:
    assert stem("opening") == stem("opens") == stem("open")
    assert stem("parties") == stem("party")
    assert stem("closes") == stem("closing") == stem("close")
