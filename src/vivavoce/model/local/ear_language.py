"""The language model of the agent's own sentences: a Witten-Bell trigram as ARPA text. Pure.

It is interpolated with the general English model (:mod:`.ear_sphinx`); alone it hears nothing but its own words.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

_ORDER: Final = 3
_LEAST_LOG10: Final = -99.0
_NOT_A_WORD: Final = re.compile(r"[^a-z' ]+")

_Ngram = tuple[str, ...]


def normalised(sentences: Iterable[str]) -> list[str]:
    """Sentences as they are spoken: lower case, words of letters and apostrophes, none empty. What has figures in it is
    left out, since nobody can know how they are read."""
    plain = (sentence.lower().replace("’", "'").replace("-", " ") for sentence in sentences)
    spoken = (_NOT_A_WORD.sub(" ", sentence) for sentence in plain if not any(c.isdigit() for c in sentence))
    return [words for words in (_words(sentence) for sentence in spoken) if words]


def _words(sentence: str) -> str:
    return " ".join(word for word in sentence.split() if word.strip("'"))


def trigram_arpa(sentences: Sequence[str]) -> str:
    """The model in the ARPA format. ``sentences`` are normalised and not none."""
    counts = _counted(sentences)
    followers, occurrences = _contexts(counts)
    probabilities: dict[_Ngram, float] = {}
    vocabulary = len(counts[0]) - 1
    for ngram in (ngram for order in counts for ngram in order):
        context = ngram[:-1]
        shorter = probabilities[ngram[1:]] if context else 1 / vocabulary
        count = counts[len(context)][ngram]
        new, seen = followers[context], occurrences[context]
        probabilities[ngram] = (count + new * shorter) / (seen + new)
    lines = ["\\data\\", *(f"ngram {n}={len(order)}" for n, order in enumerate(counts, 1))]
    for n, order in enumerate(counts, 1):
        lines += ["", f"\\{n}-grams:"]
        for ngram in sorted(order):
            log10 = _LEAST_LOG10 if ngram == ("<s>",) else math.log10(probabilities[ngram])
            lines.append(f"{log10:.4f} {' '.join(ngram)}{_backoff(followers[ngram], occurrences[ngram])}")
    return "\n".join([*lines, "", "\\end\\", ""])


def _counted(sentences: Sequence[str]) -> list[Counter[_Ngram]]:
    """How often each n-gram is there, by order. All orders of a sentence's start share one ``<s>``."""
    counts: list[Counter[_Ngram]] = [Counter() for _ in range(_ORDER)]
    for sentence in sentences:
        words = ("<s>", *sentence.split(), "</s>")
        for n, order in enumerate(counts, 1):
            order.update(words[start : start + n] for start in range(len(words) - n + 1))
    return counts


def _contexts(counts: Sequence[Counter[_Ngram]]) -> tuple[Counter[_Ngram], Counter[_Ngram]]:
    """For each context: how many different words follow, and how often any does. ``<s>`` follows nothing."""
    followers: Counter[_Ngram] = Counter()
    occurrences: Counter[_Ngram] = Counter()
    for ngram, count in (item for order in counts for item in order.items()):
        if ngram != ("<s>",):
            followers[ngram[:-1]] += 1
            occurrences[ngram[:-1]] += count
    return followers, occurrences


def _backoff(followers: int, occurrences: int) -> str:
    return f" {math.log10(followers / (followers + occurrences)):.4f}" if followers else ""
