"""Digits that the caller says."""

from __future__ import annotations

import pytest

from vivavoce.voice.digit_words import digits_of, grammar
from vivavoce.voice.digits import LONGEST_FRAMES, LOOKBACK_FRAMES, SpokenDigits
from vivavoce.voice.recogniser import Kind
from vivavoce.voice.worker_frames import Frames, pack

FRAME = bytes(2 * 256)


class Recogniser:
    """Knows nothing until it is told."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.answers: dict[int, str] = {}

    def submit(self, pcm: bytes, kind: Kind = Kind.DIGITS, before: bytes = b"") -> int | None:
        self.pieces.append(pcm)
        return len(self.pieces)

    def answer(self, number: int) -> str | None:
        return self.answers.pop(number, None)


@pytest.mark.parametrize(
    ("words", "digits"),
    [("four oh one", "401"), ("double five seven", "557"), ("triple zero", "000"), ("", ""), ("double", "")],
)
def test_words_become_digits(words: str, digits: str) -> None:
    assert digits_of(words) == digits


def test_the_grammar_knows_each_digit() -> None:
    assert all(word in grammar() for word in ("zero", "oh", "nine", "double"))


def test_frames_come_whole_however_they_are_cut() -> None:
    frames, data = Frames(), pack(1, b"") + pack(2, b"42") + pack(3, b"7")
    got = [frame for at in range(len(data)) for frame in frames.feed(data[at : at + 1])]
    assert got == [(1, b""), (2, b"42"), (3, b"7")]


def test_a_piece_is_what_is_said_between_pauses_and_a_little_before() -> None:
    recogniser = Recogniser()
    spoken = SpokenDigits(16_000, recogniser)
    for talks in [False] * 30 + [True] * 40 + [False] * 30:
        assert spoken.hear(FRAME, talks=talks) == ""
    assert [len(piece) for piece in recogniser.pieces] == [(LOOKBACK_FRAMES + 40) * len(FRAME)]


def test_answers_are_given_in_the_order_of_what_was_said() -> None:
    recogniser = Recogniser()
    spoken = SpokenDigits(16_000, recogniser)
    for talks in [True, False, True, False]:
        spoken.hear(FRAME, talks=talks)
    recogniser.answers = {2: "56"}
    assert spoken.hear(FRAME, talks=False) == ""
    recogniser.answers[1] = "1234"
    assert spoken.hear(FRAME, talks=False) == "123456"
    assert spoken.hear(FRAME, talks=False) == ""


def test_talk_without_an_end_comes_in_pieces() -> None:
    recogniser = Recogniser()
    spoken = SpokenDigits(8_000, recogniser)
    for _ in range(LONGEST_FRAMES + 10):
        spoken.hear(FRAME[:256], talks=True)
    assert len(recogniser.pieces) == 1
