"""Text to what can be said; silence to what should be heard."""

import array
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.model.local.mouth_text import RATE_HZ, SilenceTrimmer, clean, pieces, plain_english


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("", ""),
        (" \n\t ", ""),
        ("one\ttwo\r\nthree", "one two three"),
        ("stop\x01+20v here\x00", "stop +20v here"),
        ("lovely 😀 day \ud800 out", "lovely day out"),
        ("¿Qué tal, señor?", "¿Qué tal, señor?"),
        ("<speak>hello</speak>", "<speak>hello</speak>"),
    ],
)
def test_clean(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("It is £18,500.", "It is 18,500 pounds."),
        ("It is €7.50, or £9.00.", "It is 7 euros 50, or 9 pounds."),
        ("Two SUVs and a VPN", "Two S U Vs and a V P N"),
        ("NO, you may NOT", "NO, you may NOT"),
        ("a café — “open”, isn’t it…", 'a cafe , "open", isn\'t it.'),
        ("漢字", ""),
    ],
)
def test_plain_english(text: str, plain: str) -> None:
    assert plain_english(text) == plain


def test_pieces_are_sentences() -> None:
    text = "We open at 9. Do you want to come? Yes; that works"
    assert list(pieces(text)) == ["We open at 9.", "Do you want to come?", "Yes;", "that works"]


def test_long_sentences_split_at_clauses_then_words_then_anywhere() -> None:
    assert list(pieces("one two, three four, five", limit=12)) == ["one two,", "three four,", "five"]
    assert list(pieces("one two three four", limit=9)) == ["one two", "three", "four"]
    assert list(pieces("abcdefghij", limit=4)) == ["abcd", "efgh", "ij"]


@given(text=st.text(alphabet="ab ,.!?—", max_size=200), limit=st.integers(1, 30))
def test_pieces_lose_nothing_and_keep_the_limit(text: str, limit: int) -> None:
    split = list(pieces(clean(text), limit))
    assert "".join("".join(split).split()) == "".join(text.split())
    assert all(0 < len(piece) <= limit for piece in split)


def ms(count: int) -> int:
    return RATE_HZ * count // 1000


def loud(length_ms: int) -> list[int]:
    return list(itertools.islice(itertools.cycle([900, -900]), ms(length_ms)))


def quiet(length_ms: int) -> list[int]:
    return [3] * ms(length_ms)


def trimmed(samples: list[int], chunk: int = 320) -> list[int]:
    trimmer = SilenceTrimmer()
    out = array.array("h")
    for start in range(0, len(samples), chunk):
        out.extend(trimmer.feed(array.array("h", samples[start : start + chunk])))
    return list(out + trimmer.end())


@pytest.mark.parametrize("chunk", [1, 79, 320, 100_000])
def test_trims_the_ends_and_keeps_the_pause_inside(chunk: int) -> None:
    speech = loud(100) + quiet(300) + loud(100)
    assert trimmed(quiet(200) + speech + quiet(250), chunk) == quiet(30) + speech + quiet(90)


def test_short_silence_stays() -> None:
    whole = quiet(10) + loud(50) + quiet(20)
    assert trimmed(whole) == whole


def test_silence_alone_gives_nothing() -> None:
    assert trimmed(quiet(500)) == []
    assert trimmed([]) == []


def test_speech_is_not_held_back() -> None:
    trimmer = SilenceTrimmer()
    assert len(trimmer.feed(array.array("h", loud(60)))) == ms(60)


@given(levels=st.lists(st.integers(-2000, 2000), max_size=400), chunk=st.integers(1, 200))
def test_chunking_changes_nothing(levels: list[int], chunk: int) -> None:
    samples = [level for level in levels for _ in range(8)]
    assert trimmed(samples, chunk) == trimmed(samples, 100_000)
