"""What the agent said in one item: words, and from which sample of its audio on."""

from __future__ import annotations

import re

_CLOSING = ".,;:!?…)"
"""Follows a word without a space."""


class Spoken:
    """Grows while the response is made; afterwards it can be cut."""

    __slots__ = ("_segments", "samples", "unsent")

    def __init__(self) -> None:
        self._segments: list[tuple[int, str]] = []  # places growing
        self.samples = 0  # sent so far
        self.unsent = 0  # made beyond that, when it was cut

    @property
    def text(self) -> str:
        return "".join(text for _, text in self._segments)

    def say(self, text: str, at: int) -> str:
        """What is new to be shown: the words, parted from those before."""
        before = self.text
        if before and not before[-1].isspace() and not (text[:1].isspace() or text[:1] in _CLOSING):
            text = f" {text}"
        if self._segments and at <= self._segments[-1][0]:
            place, earlier = self._segments.pop()
            self._segments.append((place, earlier + text))
        else:
            self._segments.append((at, text))
        return text

    def correct(self, text: str, at: int) -> None:
        """The model says after the fact that this is what it spoke from ``at`` on."""
        for index, (place, earlier) in enumerate(self._segments):
            if place == at:
                parted = " " if earlier[:1].isspace() and not text[:1].isspace() else ""
                self._segments[index] = (place, parted + text)
                return
        self.say(text, at)

    def replace(self, text: str) -> None:
        """All of it."""
        self._segments = [(0, text)]

    def until(self, played: int) -> str:
        """The words within the first ``played`` samples; of a stretch that was cut, whole words up to its share."""
        heard = []
        for index, (start, text) in enumerate(self._segments):
            end = self._segments[index + 1][0] if index + 1 < len(self._segments) else self.samples + self.unsent
            if played >= end >= start:
                heard.append(text)
            elif played > start:
                heard.append(_leading_words(text, (played - start) / (end - start)))
        return "".join(heard).strip()


def _leading_words(text: str, share: float) -> str:
    """By letters: nobody says where in the sound each word lies."""
    lead = len(text) - len(text.lstrip())
    budget = lead + (len(text) - lead) * share
    end = 0
    for word in re.finditer(r"\s*\S+", text):
        if word.end() > budget:
            break
        end = word.end()
    return text[:end]
