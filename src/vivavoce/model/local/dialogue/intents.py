"""Which intent an utterance is: multinomial logistic regression, trained when an agent is loaded.

Features are words, word pairs, the three- and four-letter pieces of words, and their sound keys, so that a recogniser's
mistakes keep most of what tells intents apart; numbers and days are masked. Words never seen count into the length of
an utterance's vector: the more of it is foreign, the flatter the probabilities, which is what rejects talk that is not
ours.

There are fewer examples than features, so the regression is solved in its dual form: a Gram matrix of the examples,
then a few hundred cheap steps of accelerated gradient descent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import log, sqrt
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from vivavoce.model.local.dialogue.numbers import cardinal, ordinal
from vivavoce.model.local.dialogue.spelling import MONTHS, WEEKDAYS
from vivavoce.model.local.dialogue.text import sound, words

_CONTRACTED: Final = {"s": "is", "re": "are", "m": "am", "d": "would", "ll": "will", "ve": "have"}
_DAYS: Final = frozenset({*WEEKDAYS, *MONTHS, "today", "tomorrow", "tonight", "noon", "midday"}) - {"may", "march"}
_SHARPNESS: Final = 12.0
_PENALTY: Final = 0.01
_STEPS: Final = 150
# A word never seen counts, but less than a known one: callers wrap what they want in much that no example has.
_FOREIGN: Final = 0.6
_ALTERNATIVE_WEIGHT: Final = 0.35
_WEIGHTS: Final = {"w": 1.0, "b": 0.7, "c": 0.45, "s": 0.6, "e": 1.5}

Matrix = npt.NDArray[np.float32]


class Ranked(NamedTuple):
    """An intent and its probability."""

    name: str
    probability: float


def masked(said: Sequence[str]) -> tuple[str, ...]:
    """Numbers become ``#n`` and days ``#d``: which number it is says nothing about what is wanted."""
    out: list[str] = []
    at = 0
    while at < len(said):
        number = ordinal(said, at) or (cardinal(said, at) if said[at] != "a" else None)
        mark = "#n" if number else "#d" if said[at] in _DAYS else said[at]
        at = number.end if number else at + 1
        if mark not in ("#n", "#d") or out[-1:] != [mark]:
            out.append(mark)
    return tuple(out)


def uncontracted(said: Sequence[str]) -> tuple[str, ...]:
    """ "what's" as "what is", "won't" as "wo not": one form of each word to learn from."""
    out: list[str] = []
    for word in said:
        head, mark, tail = word.rpartition("'")
        if word.endswith("n't"):
            out += [word[:-3], "not"]
        elif mark and tail in _CONTRACTED:
            out += [head, _CONTRACTED[tail]]
        else:
            out.append(word)
    return tuple(out)


def features(text: str, entities: Iterable[str] = ()) -> Counter[str]:
    """The feature counts of ``text``. ``entities``: names of slots for which it holds a value."""
    said = uncontracted(masked(words(text)))
    found = Counter(f"w {word}" for word in said)
    found.update(f"e {entity}" for entity in entities)
    found.update(f"b {left} {right}" for left, right in zip(("^", *said), (*said, "$"), strict=True))
    for word in said:
        if word.startswith("#"):
            continue
        found[f"s {sound(word)}"] += 1
        edged = f"<{word}>"
        found.update(f"c {edged[at : at + size]}" for size in (3, 4) for at in range(len(edged) - size + 1))
    return found


class IntentClassifier:
    """Learns from sentences per intent; then ranks the intents of an utterance. Same sentences, same answers.

    ``entities`` tells the slots that a sentence holds values for; they are features too."""

    def __init__(
        self, sentences: Mapping[str, Iterable[str]], entities: Callable[[str], Iterable[str]] = tuple
    ) -> None:
        self.names = tuple(sentences)
        labelled = [(text, label) for label, texts in enumerate(sentences.values()) for text in dict.fromkeys(texts)]
        counted = [features(text, entities(text)) for text, _ in labelled]
        seen = Counter(feature for counts in counted for feature in counts)
        self._column = {feature: column for column, feature in enumerate(f for f, count in seen.items() if count > 1)}
        self._rarity = {feature: log((1 + len(counted)) / (1 + count)) + 1 for feature, count in seen.items()}
        self._foreign = log(1 + len(counted)) + 1
        rows = np.zeros((len(counted), len(self._column)), dtype=np.float32)
        for row, counts in enumerate(counted):
            columns, values = self._vector(counts)
            rows[row, columns] = values
        labels = np.array([label for _, label in labelled])
        self._weights = rows.T @ _fit(rows, labels, len(self.names))

    def _vector(self, counts: Counter[str]) -> tuple[list[int], list[float]]:
        columns: list[int] = []
        values: list[float] = []
        length = 0.0
        for feature, count in counts.items():
            value = _WEIGHTS[feature[0]] * (1 + log(count)) * self._rarity.get(feature, self._foreign)
            column = self._column.get(feature)
            length += value * value * (1 if column is not None else _FOREIGN)
            if column is not None:
                columns.append(column)
                values.append(value)
        scale = 1 / sqrt(length) if length else 0.0
        return columns, [value * scale for value in values]

    def rank(
        self,
        text: str,
        alternatives: Sequence[str] = (),
        entities: Sequence[str] = (),
        evidence: Mapping[str, float] | None = None,
    ) -> list[Ranked]:
        """All intents, likeliest first. ``alternatives``: other readings of the same utterance; they count for less.
        ``entities``: the slots it holds values for. ``evidence`` from elsewhere is added to an intent's log odds."""
        logits = self._logits(text, entities)
        weight = 1.0
        for other in alternatives[:3]:
            logits = logits + _ALTERNATIVE_WEIGHT * self._logits(other, entities)
            weight += _ALTERNATIVE_WEIGHT
        told = np.array([(evidence or {}).get(name, 0.0) for name in self.names], dtype=np.float32)
        probabilities = _softmax((_SHARPNESS * logits / weight + told)[None, :])[0]
        order = np.argsort(-probabilities, kind="stable")
        return [Ranked(self.names[index], float(probabilities[index])) for index in order]

    def _logits(self, text: str, entities: Sequence[str]) -> Matrix:
        columns, values = self._vector(features(text, entities))
        if not columns:
            return np.zeros(len(self.names), dtype=np.float32)
        return np.asarray(np.array(values, dtype=np.float32) @ self._weights[columns], dtype=np.float32)


def _softmax(logits: Matrix) -> Matrix:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)


def _fit(rows: Matrix, labels: npt.NDArray[np.int64], classes: int) -> Matrix:
    """Dual coefficients: the weights are ``rows.T @ result``. Every class weighs the same, however many examples it
    has."""
    gram = rows @ rows.T
    wanted = np.zeros((len(labels), classes), dtype=np.float32)
    wanted[np.arange(len(labels)), labels] = 1
    share = (1 / np.sqrt(np.bincount(labels, minlength=classes).clip(1)))[labels].astype(np.float32)
    share /= share.sum()
    largest = float(np.abs(gram * share[None, :]).sum(axis=1).max())
    step = 1.0 / (0.5 * _SHARPNESS**2 * largest + _PENALTY)
    alpha = np.zeros_like(wanted)
    ahead, momentum = alpha, 1.0
    for _ in range(_STEPS):
        error = _softmax(np.asarray(_SHARPNESS * (gram @ ahead), dtype=np.float32)) - wanted
        following = ahead - step * (_SHARPNESS * share[:, None] * error + _PENALTY * ahead)
        grown = (1 + sqrt(1 + 4 * momentum * momentum)) / 2
        ahead = following + (momentum - 1) / grown * (following - alpha)
        alpha, momentum = following, grown
    return alpha
