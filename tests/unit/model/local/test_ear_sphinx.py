"""PocketSphinx in this process: what it is given, and what it makes of nothing and of noise."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest

from vivavoce.errors import NotAvailable
from vivavoce.model.local import ear_sphinx
from vivavoce.model.local.ear_sphinx import GeneralSphinx, Sphinx, open_sphinx

SENTENCES = ["Book a test drive of the Aurora", "is the vpn on fenwickle's floor"]


def test_the_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(NotAvailable, match=r"cannot hear without pocketsphinx.*pip install pocketsphinx"):
        open_sphinx([])


def test_alternatives_are_the_next_best_that_differ() -> None:
    def readings() -> Iterator[str]:
        yield from ("", "two", "two", "to", "too", "do", "due", "you")
        while True:
            yield "two"

    assert ear_sphinx._others(readings(), "two") == ("to", "too", "do", "due")


@pytest.fixture(scope="module")
def sphinx() -> Sphinx:
    recogniser = open_sphinx(SENTENCES)
    assert isinstance(recogniser, Sphinx)
    return recogniser


@pytest.mark.slow
@pytest.mark.parametrize("word", ["aurora", "vpn", "fenwickle's"])
def test_the_agents_words_are_in_the_dictionary(sphinx: Sphinx, word: str) -> None:
    assert sphinx._c.ps_lookup_word(sphinx._decoder, word.encode())


@pytest.mark.slow
def test_noise_and_nothing_are_no_fault_and_turns_can_follow(sphinx: Sphinx) -> None:
    noise = (np.random.default_rng(1).standard_normal(16_000) * 500).astype("<i2").tobytes()
    for pcm in (b"", noise, bytes(32_000)):
        sphinx.begin()
        sphinx.feed(pcm)
        sphinx.partial()
        assert len(sphinx.finish().alternatives) <= 4


@pytest.mark.slow
def test_a_library_that_hides_its_functions_still_hears(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ear_sphinx._FUNCTIONS, "ngram_model_of_some_future", (None, ()))
    recogniser = open_sphinx(SENTENCES)
    assert isinstance(recogniser, GeneralSphinx)
    recogniser.begin()
    recogniser.feed(bytes(16_000))
    assert recogniser.partial() == recogniser.finish().text == ""
