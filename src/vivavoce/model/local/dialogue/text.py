"""Words as a recogniser gives them or a keyboard does, and how alike two of them sound.

``words`` is the one tokeniser of the dialogue part: lower case, no punctuation, numerals kept whole. ``likeness``
compares by spelling and by a coarse sound key, because a recogniser's mistakes sound right and look wrong ("a roar a").
"""

from __future__ import annotations

import re
from functools import lru_cache

_TOKEN = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}:\d{2}|\d+(?:st|nd|rd|th)\b|\d+(?:\.\d+)?|[a-z]+(?:'[a-z]+)*|[£$€%]")
_SOUND_CLASSES = str.maketrans("bpfvcgjkqxszdtlrmnwyh", "bbvvkkjkkkssddlrmnwyh")
_SPELLINGS = (
    (re.compile(r"tion|sion"), "shn"),
    (re.compile(r"ph"), "f"),
    (re.compile(r"ck|qu"), "k"),
    (re.compile(r"c(?=[iey])"), "s"),
    (re.compile(r"g(?=[iey])"), "j"),
    (re.compile(r"gh|(?<!^)[hw]"), ""),
    (re.compile(r"^(?:kn|gn)"), "n"),
    (re.compile(r"mb$"), "m"),
    (re.compile(r"[aeiouy]+"), "a"),
)
_DOUBLED = re.compile(r"(.)\1+")


def words(text: str) -> tuple[str, ...]:
    """The words of ``text``. ``"3pm on Sat, £15,000"`` gives ``3 pm on sat £ 15000``."""
    text = text.lower().replace("’", "'").replace("a.m.", "am").replace("p.m.", "pm").replace("o' clock", "o'clock")
    text = re.sub(r"\b([ap]) m\b", r"\1m", text)
    text = re.sub(r"\b(wi|e)[- ](fi|mail)\b", r"\1\2", text)  # one word in every agent's text, two in a recogniser's
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    text = re.sub(r"(?<=\d)\.(?=\d\d ?[ap]m\b)", ":", text)
    return tuple(_TOKEN.findall(text))


@lru_cache(maxsize=8192)
def sound(text: str) -> str:
    """A coarse key of how ``text`` sounds: vowels merged, consonants in classes, spaces ignored."""
    key = text.replace(" ", "").replace("'", "")
    for pattern, replacement in _SPELLINGS:
        key = pattern.sub(replacement, key)
    return _DOUBLED.sub(r"\1", key.translate(_SOUND_CLASSES))


def _distance(one: str, two: str) -> int:
    previous = list(range(len(two) + 1))
    for row, left in enumerate(one, 1):
        current = [row]
        for column, right in enumerate(two, 1):
            current.append(min(previous[column] + 1, current[-1] + 1, previous[column - 1] + (left != right)))
        previous = current
    return previous[-1]


def _ratio(one: str, two: str) -> float:
    longest = max(len(one), len(two))
    return 1.0 - _distance(one, two) / longest if longest else 0.0


def _most(one: str, two: str) -> float:
    """No ``_ratio`` of the two is higher than this, which costs much less to know."""
    letters = set(two)
    return sum(letter in letters for letter in one) / max(len(one), len(two), 1)


@lru_cache(maxsize=32768)
def likeness(one: str, two: str, least: float = 0.0) -> float:
    """How alike two words or phrases are, from 0 to 1; 1 only when they are spelt alike but for spaces. What cannot
    reach ``least`` is 0."""
    left, right = one.replace(" ", ""), two.replace(" ", "")
    if left == right:
        return 1.0
    left_sound, right_sound = sound(left), sound(right)
    if 0.4 * _most(left, right) + 0.6 * _most(left_sound, right_sound) < least:
        return 0.0
    return min(0.99, 0.4 * _ratio(left, right) + 0.6 * _ratio(left_sound, right_sound))


def plain(identifier: str) -> str:
    """An identifier as one says it: ``city_centre`` gives ``city centre``."""
    return " ".join(words(identifier.replace("_", " ").replace("-", " ")))
