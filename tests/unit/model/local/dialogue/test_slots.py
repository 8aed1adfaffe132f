from __future__ import annotations

import pytest

from tests.unit.model.local.dialogue.agents import BIKES, FIND, LOAN, RIDE, SHOP, UNLOCK, choice, tool
from vivavoce.errors import AgentFileError
from vivavoce.model.local.dialogue.moments import Leaning
from vivavoce.model.local.dialogue.slots import Kind, leaning_of, slots_of


def test_each_property_becomes_a_slot_of_its_kind() -> None:
    assert [(slot.name, slot.kind, slot.required) for slot in slots_of(RIDE, {})] == [
        ("model", Kind.CHOICE, True),
        ("date", Kind.DATE, True),
        ("time", Kind.TIME, True),
        ("name", Kind.NAME, True),
    ]
    assert [(slot.kind, slot.required) for slot in slots_of(FIND, {})] == [
        (Kind.CHOICE, False),
        (Kind.CHOICE, False),
        (Kind.INTEGER, False),
    ]
    assert [slot.length for slot in slots_of(UNLOCK, {})] == [5, 4]


def test_choices_carry_what_callers_say_for_them() -> None:
    style = slots_of(FIND, SHOP.vocabulary)[0]
    assert [choice.spoken for choice in style.choices] == [("tandem", "two seater"), ("folding",)]


def test_words_around_a_placeholder_are_learnt() -> None:
    locker, quantity = slots_of(LOAN, {})
    assert "locker" in locker.before
    assert "helmets" in quantity.after
    assert slots_of(FIND, {})[2].before >= {"under", "than"}


def test_references_and_constants_are_followed() -> None:
    made = tool("x", {"model": {"$ref": "#/$defs/Model"}, "kind": {"const": "only_one"}}, "model kind")
    made.parameters["$defs"] = {"Model": BIKES}  # type: ignore[index]
    model, kind = slots_of(made, {})
    assert [choice.value for choice in model.choices] == ["Falcon", "Aurora", "Beacon"]
    assert kind.choices[0].spoken == ("only one",)


def test_what_cannot_be_asked_for_is_refused_unless_it_may_be_left_out() -> None:
    array = {"type": "array", "items": choice("a", "b")}
    assert slots_of(tool("x", {"many": array}), {}) == ()
    with pytest.raises(AgentFileError, match="tool x: the embedded dialogue cannot ask for 'many'"):
        slots_of(tool("x", {"many": array}, "many"), {})


def test_the_tool_tells_its_half_of_the_day() -> None:
    assert leaning_of(tool("wake_up_call", {})) is Leaning.MORNING
    assert leaning_of(tool("book", {}, description="A table for dinner.")) is Leaning.EVENING
    assert leaning_of(RIDE) is Leaning.DAY
