"""Answers from the agent's own Markdown, read aloud as they stand: BM25 over sections and sentences. Nothing is made
up.

A query must share enough of its telling words with a section (``floor``); else there is no answer, which is also an
answer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Final

from vivavoce.agent.declaration import Knowledge
from vivavoce.model.local.dialogue.text import likeness, words

_STOP: Final = frozenset(
    "a an the is are was be do does did i you we it my your our me us to of in on at for with and or but if that "
    "this there what when where which who how can could would will shall should please tell about know need want "
    "like have has get got from by so just any some much many one hello hi okay ok um uh come coming go anywhere "
    "somewhere here near long am allowed thanks thank may might let i'm i'd it's that's what's s".split()
)
_MARKS: Final = (
    (re.compile(r"!\[[^\]]*\]\([^)]*\)"), ""),
    (re.compile(r"\[([^\]]+)\]\([^)]*\)"), r"\1"),
    (re.compile(r"<[^>]+>|[*_`]{1,3}|^\s*(?:[-*+]|\d+\.)\s+|^\s*>\s?"), ""),
    (re.compile(r"[£](\d[\d,.]*\d|\d)"), r"\1 pounds"),
    (re.compile(r"[$](\d[\d,.]*\d|\d)"), r"\1 dollars"),
    (re.compile(r"[€](\d[\d,.]*\d|\d)"), r"\1 euros"),
    (re.compile(r"(?<=\d)\s*[-–—]\s*(?=\d)"), " to "),
    (re.compile(r"\s*&\s*"), " and "),
    (re.compile(r"%"), " percent"),
    (re.compile(r"\s*[–—]\s*"), ", "),
    (re.compile(r"\s+"), " "),
)
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'])")
# What a question word, or a word that differs from the text's own, also looks for; such a find counts for less.
_ALSO: Final = {
    "where": "address location road street floor next",
    "when": "hour open time",
    "time": "hour open",
    "close": "hour open",
    "open": "hour",
    "hours": "open",
    "shut": "hour open close",
    "much": "price cost dollar pound euro",
    "cost": "price dollar pound euro",
    "costs": "price dollar pound euro",
    "price": "cost dollar pound euro",
    "long": "minute hour day week month year",
    "old": "age year",
    "kids": "child family",
    "children": "child family",
    "dog": "pets",
    "cat": "pets",
    "bags": "luggage",
    "suitcase": "luggage",
    "internet": "wifi",
    "located": "address",
    "find": "address location",
    "documents": "papers",
}
_ALSO_WEIGHT: Final = 0.4
_SAME_SOUND: Final = 0.8
_K1, _B, _TITLE_WEIGHT = 1.2, 0.6, 2.5
_BRIEF_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it, in speakable sentences. ``topic`` is the file's own title."""

    title: str
    topic: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What to read aloud, where it stands, and how well it fits (about 1 is a telling word found; more is better)."""

    text: str
    section: Section
    score: float


def speakable(text: str) -> str:
    """Markdown and signs turned into what a voice can say."""
    for pattern, replacement in _MARKS:
        text = pattern.sub(replacement, text)
    return text.strip()


def sections(files: Sequence[Knowledge]) -> Iterator[Section]:
    """The sections of Markdown files, in order. Text before the first heading goes under the file's name."""
    for file in files:
        topic = title = file.name.rsplit(".", 1)[0].replace("-", " ").replace("_", " ")
        body: list[str] = []
        for line in [*file.text.splitlines(), "# "]:
            heading = re.match(r"(#{1,6})\s*(.*)", line)
            if not heading:
                body.append(line)
                continue
            if found := tuple(_sentences(body)):
                yield Section(title, topic, found)
            title, body = speakable(heading.group(2)), []
            topic = title if len(heading.group(1)) == 1 and title else topic


def _sentences(lines: Sequence[str]) -> Iterator[str]:
    paragraph: list[str] = []
    for line in [*lines, ""]:
        starts_anew = not line.strip() or re.match(r"\s*(?:[-*+]|\d+\.|\|)\s*", line)
        if starts_anew and paragraph:
            for sentence in _SENTENCE_END.split(speakable(" ".join(paragraph))):
                yield sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
            paragraph = []
        if re.fullmatch(r"[\s|:-]*", line):
            continue
        table_row = line.lstrip().startswith("|")
        text = ": ".join(cell.strip() for cell in line.strip().strip("|").split("|")) if table_row else line.strip()
        paragraph.append(re.sub(r"^\s*(?:[-*+]|\d+\.)\s+", "", text))


def stem(word: str) -> str:
    """Crude on purpose: "opening", "opens" and "open" are one word here."""
    for ending in ("ing", "ion", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            base = word[: -len(ending)] + ("y" if ending == "ies" else "")
            return (
                base[:-1] if len(base) > 3 and base[-1] == base[-2] and base[-1] not in "ls" else base.removesuffix("e")
            )
    return word.removesuffix("e") if len(word) > 3 else word


def telling(text: str) -> list[str]:
    """The stems of the words that carry meaning."""
    return [stem(word) for word in words(text.replace("-", " ")) if word not in _STOP]


class Library:
    """All that an agent knows. ``answer`` gives the best section's words, or ``None``."""

    def __init__(self, files: Sequence[Knowledge]) -> None:
        self.sections = tuple(sections(files))
        self._bags = [self._bag(section) for section in self.sections]
        self._mean_length = sum(sum(bag.values()) for bag in self._bags) / max(len(self._bags), 1)
        holding = Counter(stem for bag in self._bags for stem in bag)
        count = len(self._bags)
        self._weight = {stem: log(1 + (count - held + 0.5) / (held + 0.5)) for stem, held in holding.items()}
        self._unknown = log(1 + (count + 0.5) / 0.5)

    @staticmethod
    def _bag(section: Section) -> Counter[str]:
        bag: Counter[str] = Counter()
        for sentence in section.sentences:
            bag.update(telling(sentence))
        for word in telling(section.title):
            bag[word] += _TITLE_WEIGHT  # type: ignore[assignment]  # a Counter of weights
        for word in telling(section.topic):
            bag[word] += 0.5  # type: ignore[assignment]
        return bag

    def answer(self, text: str, *, floor: float = 0.0) -> Answer | None:
        """The best section for ``text``, if its share of the query's weight is over ``floor`` (0 to 1 and more)."""
        query = self._query(text)
        whole = sum(weight * self._weight.get(word, self._unknown) for word, weight in query.items() if weight == 1)
        whole = whole or sum(sorted(self._weight.get(word, 0) for word in query)[-1:])
        if not self.sections or not whole:
            return None
        scores = [self._score(query, bag) for bag in self._bags]
        best = max(range(len(scores)), key=scores.__getitem__)
        fit = scores[best] / whole
        if fit <= floor:
            return None
        return Answer(self._excerpt(query, self.sections[best]), self.sections[best], fit)

    def _query(self, text: str) -> dict[str, float]:
        """The stems looked for and what a find of each counts."""
        query = dict.fromkeys(self._repaired(telling(text)), 1.0)
        for word in words(text):
            for other in _ALSO.get(word, "").split():
                query.setdefault(stem(other), _ALSO_WEIGHT)
        return query

    def _repaired(self, query: Sequence[str]) -> list[str]:
        """Words that no section has, replaced by one that sounds the same: recognisers mishear names of things."""
        return [self._nearest(word) if word not in self._weight else word for word in dict.fromkeys(query)]

    def _nearest(self, word: str) -> str:
        known = self._weight if len(word) > 3 else ()
        near = max(known, key=lambda other: likeness(word, other, _SAME_SOUND), default=word)
        return near if likeness(word, near) >= _SAME_SOUND else word

    def _score(self, query: Mapping[str, float], bag: Counter[str]) -> float:
        norm = _K1 * (1 - _B + _B * sum(bag.values()) / self._mean_length)
        return sum(
            weight * self._weight.get(word, 0.0) * bag[word] * (_K1 + 1) / (bag[word] + norm)
            for word, weight in query.items()
            if bag[word]
        )

    def _excerpt(self, query: Mapping[str, float], section: Section) -> str:
        """The section whole when it is brief; else its best sentence and what still fits after it."""
        if sum(map(len, section.sentences)) <= _BRIEF_CHARACTERS:
            return " ".join(section.sentences)
        bags = [Counter(telling(sentence)) for sentence in section.sentences]
        start = max(range(len(bags)), key=lambda at: (self._score(query, bags[at]), -at))
        end = start + 1
        while end < len(bags) and sum(map(len, section.sentences[start : end + 1])) <= _BRIEF_CHARACTERS:
            end += 1
        return " ".join(section.sentences[start:end])
