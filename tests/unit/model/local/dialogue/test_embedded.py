from __future__ import annotations

import asyncio
from dataclasses import replace

from tests.unit.model.local.dialogue.agents import NOW, SHOP, gathered, understander
from vivavoce.events import PastTurn, PendingTool, Speaker, ToolCallId
from vivavoce.model.local.dialogue.embedded import EmbeddedDialogue
from vivavoce.model.local.dialogue.port import CallTool, Dialogue, Expecting, Heard, Say


def dialogue() -> EmbeddedDialogue:
    return EmbeddedDialogue(SHOP, now=lambda: NOW, understander=understander())


def test_it_is_a_dialogue() -> None:
    async def talk() -> None:
        one: Dialogue = dialogue()
        assert await gathered(one.reply(Heard("i'd like to book a test ride"))) == [
            Say("Which model would you like to ride?")
        ]
        assert one.expecting is Expecting.CHOICE
        one.interrupted("Which")
        assert one.expecting is Expecting.CHOICE
        (call,) = await gathered(one.reply(Heard("actually what bikes do you have under five hundred dollars")))
        assert call == CallTool("call_1", "find_bikes", {"max_price": 500})
        said = await gathered(one.tool_result("call_1", '{"count": 0}', ok=True))
        assert said[0] == Say("We have none.")

    asyncio.run(talk())


def test_a_closed_iterator_leaves_a_called_tool_called() -> None:
    async def talk() -> None:
        one = dialogue()
        acts = one.reply(Heard("what bikes do you have"))
        assert isinstance(await anext(acts), CallTool)
        await acts.aclose()
        assert await gathered(one.tool_result("call_1", '{"count": 0}', ok=True))

    asyncio.run(talk())


def test_an_iterator_that_was_never_started_changes_nothing() -> None:
    one = dialogue()
    one.reply(Heard("i'd like to book a test ride"))
    assert one.expecting is Expecting.ANYTHING


def test_understanding_changes_nothing_and_takes_its_place_in_a_form() -> None:
    one = dialogue()
    assert one.understand(Heard("the sixteenth")).intent != "book_test_ride"
    answer = one.understand(Heard("sixteen"), tool="book_test_ride", asked="date", filled={"model": "Beacon"})
    assert (answer.intent, dict(answer.slots)) == ("book_test_ride", {"date": "2026-03-16"})
    confirmed = one.understand(
        Heard("no at eleven"), tool="book_test_ride", filled={"model": "Beacon", "time": "10:00"}
    )
    assert dict(confirmed.slots) == {"time": "11:00"}
    assert one.expecting is Expecting.ANYTHING


def test_the_last_understanding_is_kept() -> None:
    async def talk() -> None:
        one = dialogue()
        await gathered(one.reply(Heard("where can i park")))
        assert one.last_understanding.intent == "knowledge"

    asyncio.run(talk())


def test_the_result_of_a_tool_that_another_session_asked_for_is_told() -> None:
    async def talk() -> None:
        one = dialogue()
        asked = PendingTool(ToolCallId("another"), "find_bikes", '{"max_price": 500}')
        await one.recall([PastTurn(Speaker.CALLER, "what bikes do you have under five hundred dollars")], [asked])
        said = await gathered(one.tool_result("another", '{"count": 0}', ok=True))
        assert said[0] == Say("We have none.")

    asyncio.run(talk())


def test_what_another_model_wrote_need_not_be_readable() -> None:
    async def talk() -> None:
        one = dialogue()
        tools = [PendingTool(ToolCallId(name), name, "[1") for name in ("find_bikes", "unheard_of")]
        await one.recall([], tools)
        assert await gathered(one.tool_result("find_bikes", '{"count": 0}', ok=True))
        assert await gathered(one.tool_result("unheard_of", "1", ok=True)) == []

    asyncio.run(talk())


def test_unasked_it_says_what_it_said_last_or_what_it_can_do() -> None:
    async def talk() -> None:
        one = dialogue()
        assert await gathered(one.prompted("Sing.")) == [Say("Wheels, hello.")]
        mute = EmbeddedDialogue(replace(SHOP, greeting=""), now=lambda: NOW, understander=understander())
        assert await gathered(mute.prompted("")) == await gathered(mute.reply(Heard("what can you do")))
        await one.recall([PastTurn(Speaker.CALLER, "i'd like to book a test ride")])
        assert await gathered(one.prompted("")) == [Say("Which model would you like to ride?")]

    asyncio.run(talk())


def test_an_answer_that_was_broken_off_is_said_again() -> None:
    async def talk() -> None:
        one = dialogue()
        await one.recall([PastTurn(Speaker.CALLER, "i'd like to book a test ride"), PastTurn(Speaker.AGENT, "Which")])
        assert await gathered(one.carry_on()) == [Say("Which model would you like to ride?")]

    asyncio.run(talk())
