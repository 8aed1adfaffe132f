from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.model.local.ear_pronunciation import pronunciation

PHONES = frozenset(
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH".split()
)


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("vpn", "V IY P IY EH N"),
        ("northgate", "N AO R TH G EY T"),
        ("fenwick", "F EH N W IH K"),
        ("zelto", "Z EH L T OW"),
        ("cillane", "S IH L EY N"),
        ("shottle", "SH AA T L"),
        ("o'malley", "AA M AE L IY"),
        ("qi", "K IY"),
        ("me", "M IY"),
        ("q", "K Y UW"),
    ],
)
def test_words_sound_about_right(word: str, phones: str) -> None:
    assert pronunciation(word) == phones


@given(st.text(string.ascii_lowercase + "'", min_size=1).filter(lambda word: word.strip("'")))
def test_every_word_has_one(word: str) -> None:
    phones = pronunciation(word).split()
    assert phones
    assert set(phones) <= PHONES
