"""How long a pause may be before it ends the caller's turn, from the words so far and from what is expected.

Pure. Waiting costs the caller the same time again in every turn; not waiting cuts people off while they read a number
or look for a word. So: short where the words look complete, long where they promise more, else in between.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from vivavoce.errors import UsageError
from vivavoce.model.local.dialogue.port import Expecting

COMPLETE_MS: Final = 256
NORMAL_MS: Final = 400
UNFINISHED_MS: Final = 768


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_PROMISING: Final = _set(
    "a about and any are at because but by can could do for from have how i if in is it's like my need of on or past "
    "quarter so than that's the then to um uh until want what when where which with would"
)
_DIGIT: Final = _set("zero oh o one two three four five six seven eight nine double triple")
_YES_NO: Final = _set("yes yeah yep yup no nope nah correct right sure okay ok fine please absolutely")
_LONGEST_YES_NO: Final = 4
_MOMENT: Final = re.compile(
    r"\b(?:o'clock|a m|p m|noon|midday|midnight|morning|afternoon|evening|tonight|today|tomorrow"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|(?:half|quarter) (?:past|to) \w+|(?:thir|four|fif|six|seven|eigh|nine)teenth|twentieth|thirtieth|twelfth"
    r"|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh)$"
)
# The words are taken for an end where they ended the agent's own sentences this often.
_ENDING_SHARE: Final = 0.85
_ENDING_COUNT: Final = 3


class Endings:
    """Which two last words end a sentence of the agent rather than go on in it."""

    def __init__(self, sentences: Sequence[str]) -> None:
        seen: Counter[tuple[str, ...]] = Counter()
        ended: Counter[tuple[str, ...]] = Counter()
        for words in (sentence.split() for sentence in sentences):
            seen.update(pairwise(words))
            ended[tuple(words[-2:])] += 1
        self._endings = frozenset(
            pair for pair, count in ended.items() if count >= max(_ENDING_COUNT, _ENDING_SHARE * seen[pair])
        )

    def __contains__(self, words: Sequence[str]) -> bool:
        return tuple(words[-2:]) in self._endings


class TurnText:
    """Judges the words of one turn at a time. ``complete`` holds patterns (:mod:`re`) of words that are a whole answer
    now; each is searched in the words so far, in lower case."""

    def __init__(self, endings: Endings, normal_ms: int = NORMAL_MS) -> None:
        self._endings = endings
        self._normal_ms = normal_ms
        self._expecting = Expecting.ANYTHING
        self._complete: tuple[re.Pattern[str], ...] = ()

    def expect(self, expecting: Expecting, complete: Sequence[str] = ()) -> None:
        self._expecting = expecting
        self._complete = compiled(complete)

    def allowed_silence_ms(self, text: str) -> int:
        words = text.split()
        if not words:
            return self._normal_ms
        if any(pattern.search(text) for pattern in self._complete):
            return COMPLETE_MS
        if words[-1] in _PROMISING or self._reading(words):
            return UNFINISHED_MS
        return COMPLETE_MS if self._answered(text, words) else self._normal_ms

    def _reading(self, words: Sequence[str]) -> bool:
        """Whether a number is being read out, or a name given."""
        if self._expecting is Expecting.NAME:
            return True
        digits = [word in _DIGIT for word in words]
        return any(digits) if self._expecting is Expecting.DIGITS else len(words) > 1 and all(digits[-2:])

    def _answered(self, text: str, words: Sequence[str]) -> bool:
        if self._expecting is Expecting.YES_NO and len(words) <= _LONGEST_YES_NO:
            return not _YES_NO.isdisjoint(words)
        if self._expecting is Expecting.DATE_OR_TIME:
            return _MOMENT.search(text) is not None
        return words in self._endings


def compiled(patterns: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    """Raises UsageError where one is no regular expression."""
    try:
        return tuple(re.compile(pattern) for pattern in patterns)
    except re.error as fault:
        raise UsageError(f"{fault.pattern!r} is not a regular expression: {fault}") from fault
