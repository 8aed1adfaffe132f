"""Where the time goes until the agent is silent."""

from __future__ import annotations

from tests.unit.rehearsal.calls import call, marks_of, said, sound
from vivavoce.events import (
    CallerSpeechStarted,
    ConnectionId,
    Evidence,
    Flush,
    PausePlaying,
    Play,
    PlayoutStopped,
    ResponseId,
    Samples,
    VoiceStarted,
)
from vivavoce.rehearsal.barge_in import StopTime, stop_times
from vivavoce.rehearsal.outcomes import judge
from vivavoce.rehearsal.truth import SaidKind

REPLY = ResponseId("r")
INTERRUPTION = said(SaidKind.INTERRUPTION, 3000, 4500)


def test_a_stop_is_taken_apart() -> None:
    marks = marks_of(
        (1000, Play(REPLY, sound(9000))),
        (3110, VoiceStarted(Samples(48_000))),
        (3110, PausePlaying()),
        (3500, CallerSpeechStarted(ConnectionId(1), Samples(48_000))),
        (3510, Flush(REPLY)),
        (3520, PlayoutStopped(REPLY, Samples(33_600), Evidence.PACED)),
    )
    conversation = call(INTERRUPTION, agent=[(1000, 3120)], marks=marks)
    (stop,) = stop_times(conversation, judge(conversation).reactions)
    assert stop == StopTime(detect_us=110_000, decide_us=400_000, flush_us=10_000, drain_us=-400_000, paused_us=110_000)
    assert (stop.stopped_us, stop.heard_us) == (520_000, 120_000)


def test_without_an_ear_the_model_is_who_notices() -> None:
    marks = marks_of(
        (1000, Play(REPLY, sound(9000))),
        (3250, CallerSpeechStarted(ConnectionId(1), Samples(48_000))),
        (3250, Flush(REPLY)),
        (3260, PlayoutStopped(REPLY, Samples(36_000), Evidence.PACED)),
    )
    conversation = call(INTERRUPTION, agent=[(1000, 3300)], marks=marks)
    assert stop_times(conversation, judge(conversation).reactions) == [
        StopTime(250_000, 0, 10_000, 40_000, paused_us=260_000)
    ]


def test_who_did_not_stop_has_no_stop_time() -> None:
    conversation = call(INTERRUPTION, agent=[(1000, 9000)], marks=marks_of((1000, Play(REPLY, sound(9000)))))
    assert stop_times(conversation, judge(conversation).reactions) == []
    assert stop_times(call(INTERRUPTION, agent=[(1000, 3300)]), []) == []
