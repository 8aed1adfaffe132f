"""What is left of a client's configuration when the call becomes something else by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from vivavoce.agent.declaration import Agent
from vivavoce.errors import NotAvailable
from vivavoce.model.port import Model
from vivavoce.server.realtime.agents import models_for
from vivavoce.wire.realtime.configuration import ClientTool, Configuration

SERVED = Agent("Front", "Help.", voice="ann")
BILLING = Agent("Billing", "Invoices.", voice="bob")
LOOK_UP = ClientTool("look_up", "Look it up.", {"type": "object", "properties": {}})
CLIENTS = Configuration(interruption="hybrid", instructions="Sell cars.", tools=(LOOK_UP,), voice="eve")
IN_GERMAN = replace(SERVED, language="de-DE", instructions="Help.\n\nSpeak de-DE from now on.")


class House:
    """Makes no models, and keeps the agents that they were to be made for."""

    def __init__(self, *unspoken: str) -> None:
        self.made: list[Agent] = []
        self._unspoken = unspoken

    def make_models(self, agent: Agent) -> Sequence[Model]:
        if agent.voice in self._unspoken:
            raise NotAvailable("that voice does not speak the language")
        self.made.append(agent)
        return ()


def test_another_language_keeps_what_the_client_made_of_the_agent() -> None:
    house = House()
    models_for(IN_GERMAN, SERVED, CLIENTS, house.make_models)
    (made,) = house.made
    assert made.instructions == "Sell cars.\n\nSpeak de-DE from now on."
    assert [tool.name for tool in made.tools] == ["look_up"]
    assert (made.voice, made.language) == ("eve", "de-DE")


def test_a_client_that_left_the_instructions_alone_has_them_once() -> None:
    house = House()
    models_for(IN_GERMAN, SERVED, Configuration(interruption="hybrid"), house.make_models)
    assert house.made[0].instructions == IN_GERMAN.instructions


def test_a_voice_of_the_clients_that_does_not_speak_the_language_is_left() -> None:
    house = House("eve")
    models_for(IN_GERMAN, SERVED, CLIENTS, house.make_models)
    assert [made.voice for made in house.made] == ["ann"]


def test_a_language_that_nobody_speaks() -> None:
    with pytest.raises(NotAvailable):
        models_for(IN_GERMAN, SERVED, CLIENTS, House("eve", "ann").make_models)


def test_another_agent_has_its_own_instructions_and_voice_and_the_clients_tools() -> None:
    house = House()
    models_for(BILLING, SERVED, CLIENTS, house.make_models)
    (made,) = house.made
    assert (made.instructions, made.voice) == ("Invoices.", "bob")
    assert [tool.name for tool in made.tools] == ["look_up"]
