"""What a call does when something of ours is wrong: its timeline is closed, and no sample is lost unsaid."""

from __future__ import annotations

import pytest

from tests.scenario.calls import Seen, Tools
from vivavoce.channel.memory import MemoryChannel
from vivavoce.core.session import Session
from vivavoce.engine import clock
from vivavoce.engine.call import Call
from vivavoce.engine.inbox import Inbox
from vivavoce.errors import ProgrammingError
from vivavoce.events import (
    Audio,
    AudioLost,
    CallPlan,
    CallStarted,
    CloseCall,
    ConnectionId,
    Disposition,
    Effect,
    Event,
    ForwardAudio,
    Instant,
    Samples,
)

PLAN = CallPlan(agent="a", models=())


def test_a_broken_rule_of_the_core_still_closes_the_timeline_and_is_logged_with_its_place(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: Session, event: Event, now: Instant) -> tuple[Effect, ...]:
        if isinstance(event, CallStarted):
            return ()
        raise ProgrammingError("a rule was broken")

    seen: Seen = []
    monkeypatch.setattr(Session, "receive", broken)

    async def run() -> None:
        await Call(PLAN, MemoryChannel(), (), Tools(), [lambda at, value: seen.append((at, value))]).run()

    with pytest.raises(BaseExceptionGroup) as raised:
        clock.run(run(), virtual=True)
    assert raised.group_contains(ProgrammingError)
    assert seen[-1][1] == CloseCall(Disposition.FAILED, "internal error: ProgrammingError")
    assert "a call failed: unexpected ProgrammingError at" in caplog.text
    assert "a rule was broken" not in caplog.text


def test_audio_for_a_session_that_has_just_died_is_said_to_be_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    put: list[Event] = []
    monkeypatch.setattr(Inbox, "put_now", lambda self, event: put.append(event))

    async def run() -> None:
        call = Call(PLAN, MemoryChannel(), (), Tools(), ())
        call._perform(ForwardAudio(ConnectionId(1), Audio(bytes(640))))

    clock.run(run(), virtual=True)
    assert put == [AudioLost(ConnectionId(1), Samples(320))]
