"""tau-voice's definitions, on calls of which the outcome was worked out by hand."""

from __future__ import annotations

import pytest

from tests.unit.rehearsal.calls import call, marks_of, said, sound, span
from vivavoce.events import Evidence, FinishPlaying, Play, PlayoutProgress, ResponseId, Samples
from vivavoce.rehearsal.outcomes import judge
from vivavoce.rehearsal.truth import SaidKind

TURN, INTERRUPTION, EARLY = SaidKind.TURN, SaidKind.INTERRUPTION, SaidKind.EARLY
BACKCHANNEL, TIC, OTHERS = SaidKind.BACKCHANNEL, SaidKind.TIC, SaidKind.OTHERS


def test_an_answer_is_counted_from_the_callers_end() -> None:
    outcomes = judge(call(said(TURN, 1000, 2000), said(TURN, 8000, 9000), agent=[(3200, 7000), (9600, 12_000)]))
    assert [answer.latency_us for answer in outcomes.answers] == [1_200_000, 600_000]
    assert (outcomes.turns, outcomes.intrusions) == (2, 0)
    assert not any(answer.early for answer in outcomes.answers)


def test_a_turn_that_the_caller_had_to_repeat_was_not_answered() -> None:
    outcomes = judge(call(said(TURN, 1000, 2000), said(TURN, 10_000, 11_000), agent=[(12_000, 13_000)]))
    assert [answer.latency_us for answer in outcomes.answers] == [None, 1_000_000]


def test_a_cough_is_not_speaking_again() -> None:
    outcomes = judge(call(said(TURN, 1000, 2000), said(TIC, 2500, 2700), agent=[(3000, 5000)]))
    assert [answer.latency_us for answer in outcomes.answers] == [1_000_000]


@pytest.mark.parametrize(("begin_ms", "early"), [(2199, True), (2200, False)])
def test_an_answer_within_200_ms_is_early(begin_ms: int, early: bool) -> None:
    (answer,) = judge(call(said(TURN, 1000, 2000), agent=[(begin_ms, 5000)])).answers
    assert answer.early is early


def test_who_begins_into_the_callers_words_intrudes() -> None:
    outcomes = judge(call(said(TURN, 1000, 3000), agent=[(2500, 2800), (3600, 5000)]))
    assert (outcomes.intrusions, outcomes.turns) == (1, 1)
    assert outcomes.answers[0].early
    assert outcomes.answers[0].latency_us == 600_000


def test_a_turn_that_ends_under_the_agents_words_has_no_latency_and_is_a_turn() -> None:
    outcomes = judge(call(said(TURN, 1000, 3000), agent=[(2500, 4000)]))
    assert (outcomes.answers, outcomes.turns, outcomes.intrusions) == ([], 1, 1)


def test_the_pause_within_a_turn_is_not_the_callers_words() -> None:
    turn = said(TURN, 1000, 4000, parts=(span(1000, 2000), span(3000, 4000)))
    outcomes = judge(call(turn, agent=[(2500, 2900), (4700, 6000)]))
    assert outcomes.intrusions == 0
    assert outcomes.answers[0].early


@pytest.mark.parametrize(("stops_ms", "yielded"), [(5000, True), (5001, False)])
def test_an_interruption_has_two_seconds(stops_ms: int, yielded: bool) -> None:
    outcomes = judge(call(said(INTERRUPTION, 3000, 4500), agent=[(1000, stops_ms)]))
    (reaction,) = outcomes.reactions_to(INTERRUPTION)
    assert reaction.yielded is yielded
    assert reaction.stop_us == (2_000_000 if yielded else None)


@pytest.mark.parametrize("kind", [BACKCHANNEL, TIC, OTHERS])
@pytest.mark.parametrize(("stops_ms", "yielded"), [(4000, True), (4001, False)])
def test_what_is_no_interruption_has_one_second(kind: SaidKind, stops_ms: int, yielded: bool) -> None:
    (reaction,) = judge(call(said(kind, 3000, 3400), agent=[(1000, stops_ms)])).reactions_to(kind)
    assert reaction.yielded is yielded


def test_an_interruption_that_was_yielded_to_is_a_turn_and_another_is_none() -> None:
    yielded = judge(call(said(INTERRUPTION, 3000, 4500), agent=[(1000, 3200), (5300, 8000)]))
    assert [answer.latency_us for answer in yielded.answers] == [800_000]
    ignored = judge(call(said(INTERRUPTION, 3000, 4500), agent=[(1000, 9000)]))
    assert (ignored.answers, ignored.turns) == ([], 0)


def test_an_early_answer_is_a_turn_and_no_interruption() -> None:
    outcomes = judge(call(said(EARLY, 2700, 4000), agent=[(1000, 3000), (5000, 6000)]))
    assert outcomes.reactions == []
    assert [answer.latency_us for answer in outcomes.answers] == [1_000_000]


def test_in_silence_a_cough_must_not_be_answered() -> None:
    answered = judge(call(said(TIC, 3000, 3300), agent=[(0, 2000), (5300, 6000)]))
    left = judge(call(said(OTHERS, 3000, 3300), agent=[(0, 2000), (5301, 6000)]))
    assert answered.responded == [(TIC, True)]
    assert left.responded == [(OTHERS, False)]


def test_a_reply_that_came_to_its_end_yielded_to_nobody() -> None:
    reply = ResponseId("r")
    marks = marks_of(
        (1000, Play(reply, sound(2400))),
        (1100, FinishPlaying(reply)),
        (3400, PlayoutProgress(reply, Samples(38_400), Evidence.PACED)),
    )
    outcomes = judge(call(said(BACKCHANNEL, 3000, 3300), agent=[(1000, 3400)], marks=marks))
    assert outcomes.reactions[0].moot
    assert outcomes.reactions_to(BACKCHANNEL) == []
