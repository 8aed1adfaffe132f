from __future__ import annotations

from datetime import date

import pytest

from tests.unit.model.local.dialogue.agents import LOAN, RIDE, SHOP, UNLOCK, choice, tool
from vivavoce.model.local.dialogue.slots import slots_of
from vivavoce.model.local.dialogue.wording import Replies, clauses, confirmation, listed, question, read_out

TODAY = date(2026, 3, 11)


def test_a_confirmation_borrows_its_prepositions_from_the_examples() -> None:
    values = {"model": "Aurora", "date": "2026-03-14", "time": "10:00", "name": "Alice"}
    assert confirmation(RIDE, slots_of(RIDE, {}), values, TODAY) == (
        "A test ride on the Aurora on Saturday the 14th at ten o'clock for Alice. Is that right?"
    )
    assert (
        confirmation(LOAN, slots_of(LOAN, {}), {"locker": 4}, TODAY) == "A borrow helmets for locker 4. Is that right?"
    )


def test_a_question_is_the_agents_own_or_a_plain_one() -> None:
    slots = slots_of(RIDE, SHOP.vocabulary)
    assert question(RIDE, slots[0]) == "Which model would you like to ride?"
    assert question(RIDE, slots[1]) == "For which day?"
    made = tool("x", {"size": choice("small", "large"), "pin": UNLOCK.parameters["properties"]["code"]}, "size pin")
    size, pin = slots_of(made, {})
    assert question(made, size) == "Which size: small or large?"
    assert question(made, pin) == "Please say the 4 digits of the pin."


def test_replies_come_from_the_template_with_arguments_and_defaults() -> None:
    made = tool("x", {"level": {"type": "string", "default": "normal"}}, reply="{{ result.n }} {{ level }} {{ who }}")
    assert Replies().spoken(made, {"who": "Ann"}, '{"n": 3}', TODAY) == "3 normal Ann"


@pytest.mark.parametrize(
    "template", ["{{ result.n / 0 }}", "{{ nothing.at.all }}", "{% if %}", "{{ ''.__class__.mro() }}", ""]
)
def test_a_template_that_does_not_fit_falls_back_to_the_result(template: str) -> None:
    made = tool("x", {}, reply=template)
    assert Replies().spoken(made, {}, '{"message": "It is done."}', TODAY) == "It is done."


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"status": "open", "in_stock": True, "none": None}, "Status: open. In stock: yes."),
        (["a", "b", "c"], "A, b and c."),
        ([], "There is nothing."),
        ("All good.", "All good."),
        (None, "That is done."),
        ({}, "That is done."),
        (7, "7."),
    ],
)
def test_results_are_read_out(result: object, said: str) -> None:
    assert read_out(result) == said


def test_a_result_that_is_no_json_is_read_as_it_is() -> None:
    assert Replies().spoken(tool("x", {}), {}, "plain words", TODAY) == "plain words."


def test_clauses_start_early() -> None:
    assert clauses("One. Two? Three") == ["One.", "Two?", "Three"]
    long = "We have four of those in stock today, the cheapest one is a small red one with a basket, and it is on sale."
    assert clauses(long)[0] == "We have four of those in stock today,"
    assert clauses("Short, and sweet.") == ["Short, and sweet."]
    assert clauses("  ") == []


def test_lists() -> None:
    assert [listed(items) for items in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
