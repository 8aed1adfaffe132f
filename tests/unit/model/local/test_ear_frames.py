from __future__ import annotations

import pytest

from vivavoce.model.local import ear_frames as frames
from vivavoce.model.local.dialogue.port import Heard

EVENTS = (
    frames.SpeechStarted(1),
    frames.SpeechStopped(2),
    frames.PartialText("half past"),
    frames.Utterance(Heard("half past two", ("half past to",), 0.5), 1, 2),
    frames.EarFailed("gone"),
)


@pytest.mark.parametrize("event", EVENTS)
def test_events_come_out_as_they_went_in(event: frames.EarEvent) -> None:
    [(kind, payload)] = frames.FrameReader().feed(frames.pack_json(frames.EVENT, event))
    assert kind == frames.EVENT
    assert frames.event_of(payload) == event


def test_counts_come_out_as_they_went_in() -> None:
    [(kind, payload)] = frames.FrameReader().feed(frames.pack_count(frames.SKIP, 70_000))
    assert (kind, frames.count_of(payload)) == (frames.SKIP, 70_000)
