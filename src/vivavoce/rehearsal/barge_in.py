"""Where the time goes until the agent is silent: detect, decide, flush, drain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vivavoce.rehearsal.marks import Marks, cuts_in, first_in
from vivavoce.rehearsal.outcomes import YIELD_WINDOW_US, Conversation, Reaction
from vivavoce.rehearsal.spans import at

_FRAME_US = 20_000


@dataclass(frozen=True, slots=True)
class StopTime:
    """One interruption that stopped the agent, in microseconds. ``detect``: the caller's first sample to the fact that
    a voice, or the caller's speech, began; ``decide``: from there to the order to drop what is queued; ``flush``: to
    the channel's answer; ``drain``: to the last sample that the caller heard (below zero where that had been heard
    before the answer). ``paused``: the first sample to the order to pause, or to the channel's answer where nothing was
    paused: so long the agent went on, whatever was decided then.
    """

    detect_us: int
    decide_us: int
    flush_us: int
    drain_us: int
    paused_us: int

    @property
    def stopped_us(self) -> int:
        """The first sample to the channel's answer: no sample leaves the server after it."""
        return self.detect_us + self.decide_us + self.flush_us

    @property
    def heard_us(self) -> int:
        """As the caller hears it."""
        return self.stopped_us + self.drain_us


def stop_times(conversation: Conversation, reactions: list[Reaction]) -> list[StopTime]:
    """Of those for which the timeline has the order to stop."""
    marks = conversation.marks
    return [] if marks is None else [time for reaction in reactions for time in _of(conversation, marks, reaction)]


def _of(conversation: Conversation, marks: Marks, reaction: Reaction) -> Iterator[StopTime]:
    begin_us = reaction.said.span.begin_us
    until_us = begin_us + YIELD_WINDOW_US[reaction.said.kind] + _FRAME_US
    over = at(conversation.agent, begin_us)
    cut = next(cuts_in(marks, begin_us, until_us), None)
    if reaction.moot or not reaction.yielded or over is None or cut is None:
        return
    cut_us, stopped_us = cut.cut_us, cut.stopped_us
    noticed = [instant for instant in (*marks.voices_us, *marks.speech_us) if begin_us <= instant]
    if cut_us is None or stopped_us is None:
        return
    detected_us = min((instant for instant in noticed if instant <= cut_us), default=cut_us)
    paused_us = first_in(marks.pauses_us, begin_us, cut_us + 1)
    yield StopTime(
        detect_us=detected_us - begin_us,
        decide_us=cut_us - detected_us,
        flush_us=stopped_us - cut_us,
        drain_us=over.end_us - stopped_us,
        paused_us=(stopped_us if paused_us is None else paused_us) - begin_us,
    )
