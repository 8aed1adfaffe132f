"""What becomes of the agent's words after a false interruption."""

from __future__ import annotations

import pytest

from tests.unit.rehearsal.calls import call, marks_of, said, sound
from vivavoce.events import (
    AgentText,
    ConnectionId,
    Evidence,
    Flush,
    PausePlaying,
    Play,
    PlayoutStopped,
    ResponseId,
    ResumePlaying,
    Samples,
    Truncate,
)
from vivavoce.rehearsal.outcomes import judge
from vivavoce.rehearsal.resumption import Resumption, longest_common, resumptions
from vivavoce.rehearsal.truth import SaidKind

CONNECTION, FIRST, SECOND = ConnectionId(1), ResponseId("first"), ResponseId("second")
BACKCHANNEL = said(SaidKind.BACKCHANNEL, 3000, 3300)
TEXT = "the tour begins at the old custom house and follows the water for two miles"


def test_a_pause_that_ends_loses_nothing() -> None:
    marks = marks_of((1000, Play(FIRST, sound(9000))), (3110, PausePlaying()), (3350, ResumePlaying()))
    conversation = call(BACKCHANNEL, agent=[(1000, 9000)], marks=marks)
    assert resumptions(conversation, judge(conversation).reactions) == [Resumption(True, 0.0, 240_000)]


@pytest.mark.parametrize(
    ("after", "resumed", "repeat_ratio"),
    [
        ("house and follows the water for two miles", True, 1 / 8),  # "the" was heard before
        (TEXT, True, 7 / 15),
        ("I am sorry, please say that again", False, 0.0),
    ],
)
def test_after_a_cut_the_words_tell(after: str, resumed: bool, repeat_ratio: float) -> None:
    heard = "the tour begins at the old custom"
    marks = marks_of(
        (1000, Play(FIRST, sound(9000))),
        (1000, AgentText(CONNECTION, FIRST, TEXT, Samples(0))),
        (3110, Flush(FIRST)),
        (3120, PlayoutStopped(FIRST, Samples(33_600), Evidence.PACED)),
        (3120, Truncate(CONNECTION, FIRST, Samples(33_600), heard)),
        (4500, Play(SECOND, sound(2000))),
        (4500, AgentText(CONNECTION, SECOND, after, Samples(0))),
    )
    conversation = call(BACKCHANNEL, agent=[(1000, 3120), (4500, 6500)], marks=marks)
    (found,) = resumptions(conversation, judge(conversation).reactions)
    assert found.resumed is resumed
    assert found.repeat_ratio == pytest.approx(repeat_ratio)
    assert found.latency_us == 1_390_000


def test_a_true_interruption_is_not_taken_up_again() -> None:
    marks = marks_of((1000, Play(FIRST, sound(9000))), (3110, PausePlaying()))
    conversation = call(said(SaidKind.INTERRUPTION, 3000, 4000), agent=[(1000, 3200)], marks=marks)
    assert resumptions(conversation, judge(conversation).reactions) == []


def test_the_longest_common_subsequence() -> None:
    assert longest_common("a b c d".split(), "b x d".split()) == 2
    assert longest_common([], ["a"]) == 0
