"""The embedded dialogue uses the built-in tools as a language model would."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.unit.model.local.dialogue.agents import NOW, SHOP, Caller
from vivavoce.agent.control_tools import control_tools
from vivavoce.agent.declaration import Agent, CallControl, Destination, OtherAgent
from vivavoce.model.local.dialogue.conversation import Conversation
from vivavoce.model.local.dialogue.understanding import Understander

WORKSHOP, OFFICE = Destination("workshop", "+15550100"), Destination("head_office", "+15550101")


@cache
def understander(transfer: tuple[Destination, ...]) -> Understander:
    return Understander(wheels(transfer), NOW)


def wheels(transfer: tuple[Destination, ...]) -> Agent:
    control = CallControl(
        transfer=transfer, collect_digits=True, hold=True, notes=True, agents=(OtherAgent("billing", Path("b.toml")),)
    )
    return replace(SHOP, tools=(*SHOP.tools, *control_tools(control, SHOP.language)))


def caller(*transfer: Destination, **results: Any) -> Caller:
    return Caller(Conversation(wheels(transfer), understander(transfer), lambda: NOW), results)


@pytest.mark.parametrize(
    ("said", "tool", "arguments"),
    [
        ("can you put me through to the workshop", "transfer_call", {"destination": "workshop"}),
        ("i want to talk to the head office", "transfer_call", {"destination": "head_office"}),
        ("let me talk to billing", "switch_agent", {"agent": "billing"}),
        ("please switch to billing", "switch_agent", {"agent": "billing"}),
        ("can you hold on for a moment please", "hold_call", {}),
        ("can i key it in please", "collect_digits", {}),
    ],
)
def test_a_wish_in_the_callers_words_is_a_call_of_the_tool(said: str, tool: str, arguments: dict[str, str]) -> None:
    one = caller(WORKSHOP, OFFICE)
    one.say(said)
    assert [(call.name, call.arguments) for call in one.calls] == [(tool, arguments)]


def test_a_person_is_asked_for_by_name_where_there_are_several() -> None:
    one = caller(WORKSHOP, OFFICE)
    assert one.say("i want to talk to a human") == "Whom may I put you through to: workshop or head office?"
    one.say("the workshop")
    assert one.calls[0].arguments == {"destination": "workshop"}


def test_a_person_is_whoever_there_is_where_there_is_one() -> None:
    one = caller(WORKSHOP)
    one.say("i want to talk to a human")
    assert one.calls[0].arguments == {"destination": "workshop"}


def test_after_a_transfer_that_failed_the_call_is_handed_over() -> None:
    one = caller(WORKSHOP, transfer_call={"error": {"message": "nobody answers"}})
    assert "did not work" in one.say("operator please")
    one.say("get me a human being")
    assert one.ended == "person"


def test_a_note_is_asked_for_and_taken_as_it_is() -> None:
    one = caller(leave_note={"kept": True})
    assert one.say("can i leave a message") == "What shall I write down?"
    assert one.say("the blue tandem squeaks").startswith("I have written that down.")
    assert one.calls[0].arguments == {"text": "the blue tandem squeaks"}


def test_what_the_agent_can_do_with_the_call_is_no_ability_to_boast_of() -> None:
    assert "caller" not in caller(WORKSHOP).say("what can you do")
