"""A language model as the dialogue, over a wire that plays back prepared answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

import pytest

from tests.unit.model.local.dialogue.agents import NOW, SHOP, gathered
from vivavoce.agent.declaration import Knowledge
from vivavoce.errors import ModelFault
from vivavoce.events import PastTurn, PendingTool, Speaker, ToolCallId
from vivavoce.model.local.dialogue.port import CallTool, EndCall, Expecting, Heard, Say
from vivavoce.model.local.dialogue.textmodel import (
    AgentSaid,
    Message,
    Piece,
    TextModelDialogue,
    ToolGave,
    ToolWish,
    UserSaid,
    instructions_of,
)


class Tape:
    """A wire whose answers are given; keeps the histories it was shown."""

    def __init__(self, *answers: Sequence[Piece | ModelFault]) -> None:
        self.answers = list(answers)
        self.shown: list[list[Message]] = []
        self.closed = 0

    async def stream(self, instructions: str, history: Sequence[Message]) -> AsyncGenerator[Piece, None]:
        self.shown.append(list(history))
        try:
            for piece in self.answers.pop(0):
                if isinstance(piece, ModelFault):
                    raise piece
                yield piece
        finally:
            self.closed += 1


def call(name: str, arguments: str, index: int = 0) -> list[Piece]:
    """A tool wish in two pieces, as they stream."""
    half = len(arguments) // 2
    return [Piece("", index, f"id{index}", name, arguments[:half]), Piece("", index, "", "", arguments[half:])]


def dialogue(*answers: Sequence[Piece | ModelFault]) -> tuple[TextModelDialogue, Tape]:
    tape = Tape(*answers)
    return TextModelDialogue(SHOP, tape, now=lambda: NOW), tape


def test_it_says_sentences_as_they_come() -> None:
    async def talk() -> None:
        one, _ = dialogue([Piece(text) for text in ("Hel", "lo. How ", "are you", "? Fine")])
        assert await gathered(one.reply(Heard("hi"))) == [Say("Hello."), Say("How are you?"), Say("Fine")]
        assert one.history == (UserSaid("hi"), AgentSaid("Hello. How are you? Fine"))

    asyncio.run(talk())


def test_tools_are_called_in_parallel_and_answered_once_all_are_in() -> None:
    async def talk() -> None:
        one, tape = dialogue(
            [Piece("One moment. "), *call("find_bikes", '{"max_price": 5}'), *call("borrow_helmets", "", 1)],
            [Piece("All done.")],
        )
        acts = await gathered(one.reply(Heard("both")))
        assert acts == [
            Say("One moment."), CallTool("id0", "find_bikes", {"max_price": 5}), CallTool("id1", "borrow_helmets", {}),
        ]  # fmt: skip
        assert await gathered(one.tool_result("id1", "1", ok=True)) == []
        assert await gathered(one.tool_result("id0", "0", ok=True)) == [Say("All done.")]
        assert [type(message) for message in tape.shown[1]] == [UserSaid, AgentSaid, ToolGave, ToolGave]

    asyncio.run(talk())


def test_the_result_of_a_tool_that_another_session_asked_for_is_told() -> None:
    async def talk() -> None:
        one, tape = dialogue([Piece("There are two.")], [Piece("Red ones.")])
        asked = PendingTool(ToolCallId("another"), "find_bikes", "{}")
        await one.recall([PastTurn(Speaker.CALLER, "bikes")], [asked])
        assert await gathered(one.tool_result("another", "2", ok=True)) == [Say("There are two.")]
        assert tape.shown[0] == [
            UserSaid("bikes"),
            AgentSaid("", (ToolWish("another", "find_bikes", "{}"),)),
            ToolGave("another", "2"),
        ]
        assert await gathered(one.carry_on()) == [Say("Red ones.")]
        assert tape.shown[1][-1] != UserSaid("bikes")

    asyncio.run(talk())


def test_it_speaks_unasked_and_is_told_that_nobody_asked() -> None:
    async def talk() -> None:
        one, tape = dialogue([Piece("Are you still there?")], [Piece("Hello.")])
        assert await gathered(one.prompted("Ask whether they are there.")) == [Say("Are you still there?")]
        asked = tape.shown[0][-1]
        assert isinstance(asked, UserSaid)
        assert "Not the caller" in asked.text
        assert "Ask whether they are there." in asked.text
        assert await gathered(one.prompted("")) == [Say("Hello.")]

    asyncio.run(talk())


def test_the_caller_speaks_before_a_result_is_in() -> None:
    async def talk() -> None:
        one, tape = dialogue(call("find_bikes", "{}"), [Piece("Yes?")], [Piece("There are two.")])
        await gathered(one.reply(Heard("bikes")))
        await gathered(one.reply(Heard("hello")))
        assert [type(message) for message in tape.shown[1]] == [UserSaid, AgentSaid, ToolGave, UserSaid]
        assert await gathered(one.tool_result("id0", "2", ok=True)) == [Say("There are two.")]

    asyncio.run(talk())


def test_ending_the_call_is_a_tool_of_ours() -> None:
    async def talk() -> None:
        one, _ = dialogue([Piece("Goodbye."), *call("end_call", '{"reason": "person"}')])
        assert await gathered(one.reply(Heard("a person"))) == [Say("Goodbye."), EndCall("person")]

    asyncio.run(talk())


def test_arguments_that_are_no_object_go_back_to_the_model() -> None:
    async def talk() -> None:
        one, tape = dialogue(call("find_bikes", "{oops"), call("find_bikes", "{}"))
        assert await gathered(one.reply(Heard("bikes"))) == [CallTool("id0", "find_bikes", {})]
        last = tape.shown[1][-1]
        assert isinstance(last, ToolGave)
        assert not last.ok

    asyncio.run(talk())


def test_closing_the_iterator_closes_the_wire_and_keeps_what_was_said() -> None:
    async def talk() -> None:
        one, tape = dialogue([Piece("One. Two. "), Piece("Three.")], [Piece("Four.")])
        acts = one.reply(Heard("count"))
        assert await anext(acts) == Say("One.")
        await acts.aclose()
        assert tape.closed == 1
        assert one.history[-1] == AgentSaid("One.")
        one.interrupted("On")
        assert one.history[-1] == AgentSaid("On …")
        assert await gathered(one.reply(Heard("go on"))) == [Say("Four.")]

    asyncio.run(talk())


def test_the_first_failure_is_an_apology_the_second_a_fault() -> None:
    async def talk() -> None:
        one, _ = dialogue([Piece("Well "), ModelFault("gone")], [ModelFault("gone")])
        (said,) = await gathered(one.reply(Heard("hi")))
        assert isinstance(said, Say)
        assert "sorry" in said.text
        with pytest.raises(ModelFault, match="gone"):
            await gathered(one.reply(Heard("hi")))

    asyncio.run(talk())


def test_a_good_answer_forgives_a_failure() -> None:
    async def talk() -> None:
        one, _ = dialogue([ModelFault("gone")], [Piece("Yes.")], [ModelFault("gone")])
        for _ in range(3):
            assert await gathered(one.reply(Heard("hi")))

    asyncio.run(talk())


@pytest.mark.parametrize(
    ("said", "expecting"),
    [
        ("All right.", Expecting.ANYTHING),
        ("Sure. What is your room number?", Expecting.DIGITS),
        ("May I have your name?", Expecting.NAME),
        ("What day suits you?", Expecting.DATE_OR_TIME),
        ("Saturday at ten. Is that right?", Expecting.YES_NO),
        ("How can I help?", Expecting.ANYTHING),
    ],
)
def test_what_is_expected_is_guessed_from_the_question(said: str, expecting: Expecting) -> None:
    async def talk() -> None:
        one, _ = dialogue([Piece(said)])
        await gathered(one.reply(Heard("hi")))
        assert one.expecting is expecting

    asyncio.run(talk())


def test_instructions_hold_the_day_and_bounded_knowledge() -> None:
    text = instructions_of(replace(SHOP, knowledge=(*SHOP.knowledge, Knowledge("big", "x" * 50_000))), NOW)
    assert "You sell bikes." in text
    assert "Wednesday, 11 March 2026" in text
    assert "Mill Street" in text
    assert len(text) < 26_000
