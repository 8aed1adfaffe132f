"""What was said before, as the service takes it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.events import PastTurn, Speaker
from vivavoce.model.nova.catalogue import NOVA_2_SONIC, NOVA_SONIC_1
from vivavoce.model.nova.history import OPENING, Block, history_blocks, pieces


def caller(text: str) -> PastTurn:
    return PastTurn(Speaker.CALLER, text)


def agent(text: str) -> PastTurn:
    return PastTurn(Speaker.AGENT, text)


def test_alternates_and_begins_with_the_caller() -> None:
    said = (agent("Hello."), agent("How can I help?"), caller("Well,"), caller("the car"), agent("Which?"), caller("A"))
    assert history_blocks(said, NOVA_2_SONIC) == [
        Block("USER", OPENING),
        Block("ASSISTANT", "Hello. How can I help?"),
        Block("USER", "Well, the car"),
        Block("ASSISTANT", "Which?"),
        Block("USER", "A"),
    ]


def test_says_nothing_of_nothing() -> None:
    assert history_blocks((), NOVA_2_SONIC) == []
    assert history_blocks((caller(" "), agent("")), NOVA_2_SONIC) == []


def test_the_oldest_go_first_and_the_caller_is_first_again() -> None:
    model = replace(NOVA_2_SONIC, history_bytes=len(OPENING) + 10)
    turns = (caller("123456"), agent("12345"), caller("1234"))
    assert history_blocks(turns, model) == [
        Block("USER", OPENING),
        Block("ASSISTANT", "12345"),
        Block("USER", "1234"),
    ]


def test_a_long_message_loses_its_beginning_between_characters() -> None:
    model = replace(NOVA_2_SONIC, history_message_bytes=5)
    assert history_blocks((caller("aéé€"),), model) == [Block("USER", "é€")]


def test_the_first_model_takes_forty_messages() -> None:
    turns = tuple(caller(str(n)) if n % 2 else agent(str(n)) for n in range(100))
    blocks = history_blocks(turns, NOVA_SONIC_1)
    assert len(blocks) <= 40
    assert blocks[-1] == Block("USER", "99")


@given(st.lists(st.builds(PastTurn, st.sampled_from(Speaker), st.text(max_size=60)), max_size=30), st.integers(20, 200))
def test_any_history_is_within_the_limits(turns: list[PastTurn], limit: int) -> None:
    model = replace(NOVA_2_SONIC, history_bytes=2 * limit, history_message_bytes=limit)
    blocks = history_blocks(turns, model)
    assert [block.role for block in blocks] == ["USER", "ASSISTANT"] * (len(blocks) // 2) + ["USER"] * (len(blocks) % 2)
    assert all(0 < len(block.text.encode()) <= limit for block in blocks)
    assert sum(len(block.text.encode()) for block in blocks) <= 2 * limit


@given(st.text(max_size=400), st.integers(4, 64))
def test_pieces_are_whole_and_small(text: str, limit: int) -> None:
    cut = list(pieces(text, limit))
    assert "".join(cut) == text
    assert all(0 < len(piece.encode()) <= limit for piece in cut)


@pytest.mark.parametrize(
    ("text", "cut"), [("one two three", ["one two ", "three"]), ("onetwothree", ["onetwoth", "ree"])]
)
def test_pieces_are_cut_between_words_where_there_are_any(text: str, cut: list[str]) -> None:
    assert list(pieces(text, 8)) == cut
