"""What becomes of the agent's words after a false interruption: were they taken up again, and what was said twice?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vivavoce.rehearsal.marks import Marks, ReplyMarks, cuts_in, first_in
from vivavoce.rehearsal.outcomes import YIELD_WINDOW_US, Conversation, Reaction
from vivavoce.rehearsal.truth import SaidKind

RESUMED_WITHIN_US = 5_000_000
_NEXT_WORDS = 8
_SAME_SHARE = 0.75
"""A reply goes on where the last was cut if its beginning holds so much of the next words that were left unsaid."""


@dataclass(frozen=True, slots=True)
class Resumption:
    """After something that was no interruption silenced the agent. ``repeat_ratio`` is the share of what followed that
    had been heard before; None if nothing followed.
    """

    resumed: bool
    repeat_ratio: float | None
    latency_us: int | None


def resumptions(conversation: Conversation, reactions: Sequence[Reaction]) -> list[Resumption]:
    marks = conversation.marks
    if marks is None:
        return []
    false = [
        reaction for reaction in reactions if reaction.said.kind is not SaidKind.INTERRUPTION and not reaction.moot
    ]
    return [found for reaction in false for found in _of(marks, reaction)]


def _of(marks: Marks, reaction: Reaction) -> Iterator[Resumption]:
    begin_us = reaction.said.span.begin_us
    until_us = max(reaction.said.span.end_us, begin_us + YIELD_WINDOW_US[reaction.said.kind])
    cut = next(cuts_in(marks, begin_us, until_us), None)
    if cut is not None and cut.cut_us is not None:
        yield _after_cut(marks, cut, cut.cut_us)
        return
    paused_us = first_in(marks.pauses_us, begin_us, until_us)
    if paused_us is not None:
        resumed_us = first_in(marks.resumes_us, paused_us, paused_us + RESUMED_WITHIN_US)
        yield Resumption(resumed_us is not None, 0.0, None if resumed_us is None else resumed_us - paused_us)


def _after_cut(marks: Marks, cut: ReplyMarks, cut_us: int) -> Resumption:
    following = [reply for reply in marks.replies.values() if cut_us < reply.began_us <= cut_us + RESUMED_WITHIN_US]
    if not following:
        return Resumption(resumed=False, repeat_ratio=None, latency_us=None)
    after = min(following, key=lambda reply: reply.began_us)
    said, heard = words(after.text), words(cut.heard_text or "")
    unsaid = words(cut.text)[len(heard) :]
    following_words = unsaid[:_NEXT_WORDS]
    found = longest_common(following_words, said[: 2 * _NEXT_WORDS])
    resumed = bool(unsaid) and found >= _SAME_SHARE * len(following_words)
    repeat_ratio = longest_common(heard, said) / len(said) if said else None
    return Resumption(resumed, repeat_ratio, after.began_us - cut_us)


def words(text: str) -> list[str]:
    """Without case and punctuation."""
    return re.findall(r"[a-z0-9']+", text.lower())


def longest_common(first: Sequence[str], second: Sequence[str]) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(second) + 1)
    for word in first:
        diagonal = 0
        for index, other in enumerate(second, start=1):
            above = row[index]
            row[index] = diagonal + 1 if word == other else max(above, row[index - 1])
            diagonal = above
    return row[-1]
