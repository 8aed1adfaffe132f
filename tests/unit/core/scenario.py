"""A call as a script: facts at instants in milliseconds, and every wish they led to.

The clock is the script's own. Between two lines of a script the session's deadlines are kept as an engine would keep
them: :class:`TimePassed` is said at each instant that was asked for.
"""

from __future__ import annotations

from typing import TypeVar

from vivavoce.core.session import Session
from vivavoce.events import (
    Ability,
    AgentAudio,
    Audio,
    CallerConnected,
    CallPlan,
    CallStarted,
    ConnectionId,
    Effect,
    Event,
    Evidence,
    Instant,
    ModelReady,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ResponseFinished,
    ResponseId,
    ResponseStarted,
    Samples,
    TimePassed,
    ToolCallId,
)

RATE_HZ = 8000
ONE, TWO, THREE = ConnectionId(1), ConnectionId(2), ConnectionId(3)
R1, R2, R3 = ResponseId("r1"), ResponseId("r2"), ResponseId("r3")
T1, T2, T3 = ToolCallId("t1"), ToolCallId("t2"), ToolCallId("t3")
CONNECTED = CallerConnected("test", RATE_HZ, (Ability.PAUSE,))

Wish = TypeVar("Wish", bound=Effect)


def instant(ms: int) -> Instant:
    return Instant(ms * 1000)


def samples(ms: int) -> Samples:
    return Samples(ms * RATE_HZ // 1000)


def audio(ms: int) -> Audio:
    return Audio(b"", samples(ms))


def plan(
    *,
    models: tuple[str, ...] = ("first", "second"),
    greeting: str = "",
    farewell: str = "",
    interruption: str = "model",
    protect_greeting: bool = False,
    silence_limit_ms: int = 60_000,
    call_limit_ms: int = 1_800_000,
) -> CallPlan:
    return CallPlan(
        agent="test",
        models=models,
        greeting=greeting,
        farewell=farewell,
        interruption=interruption,
        protect_greeting=protect_greeting,
        silence_limit_us=silence_limit_ms * 1000,
        call_limit_us=call_limit_ms * 1000,
    )


def said(response: ResponseId, ms: int, connection: ConnectionId = ONE) -> AgentAudio:
    """The model made ``ms`` of this response."""
    return AgentAudio(connection, response, audio(ms))


def played(response: ResponseId, ms: int) -> PlayoutProgress:
    """The channel has played ``ms`` of this response."""
    return PlayoutProgress(response, samples(ms), Evidence.PLAYED)


def stopped(response: ResponseId, ms: int) -> PlayoutStopped:
    """The channel stopped this response after ``ms``."""
    return PlayoutStopped(response, samples(ms), Evidence.PLAYED)


def whole(response: ResponseId, ms: int) -> tuple[Event, ...]:
    """The model makes a whole response in no time, as a fast one does."""
    return ResponseStarted(ONE, response), said(response, ms), ResponseFinished(ONE, response)


class Script:
    """One session, its clock, and all its wishes so far."""

    def __init__(self) -> None:
        self.session = Session()
        self.effects: list[Effect] = []

    def at(self, ms: int, *events: Event) -> tuple[Effect, ...]:
        """Let time pass until ``ms``, then feed ``events``; returns what these led to, without what time led to."""
        self.until(ms)
        return self._feed(instant(ms), *events)

    def until(self, ms: int) -> tuple[Effect, ...]:
        """Let time pass until ``ms``; returns what it led to."""
        first = len(self.effects)
        while (deadline := self.session.deadline) is not None and deadline <= instant(ms):
            self._feed(deadline, TimePassed())
        return tuple(self.effects[first:])

    def all(self, kind: type[Wish]) -> list[Wish]:
        """Every wish of this kind so far."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def played_ms(self, response: ResponseId) -> int:
        """How much of this response was handed to the channel."""
        return sum(play.audio.samples for play in self.all(Play) if play.response == response) * 1000 // RATE_HZ

    def _feed(self, now: Instant, *events: Event) -> tuple[Effect, ...]:
        effects = [effect for event in events for effect in self.session.receive(event, now)]
        self.effects += effects
        return tuple(effects)


def opening(call_plan: CallPlan | None = None) -> Script:
    """A call at 0 ms that waits for its channel and its model."""
    script = Script()
    script.at(0, CallStarted(call_plan or plan()))
    return script


def talking(call_plan: CallPlan | None = None) -> Script:
    """A call at 0 ms that has both."""
    script = opening(call_plan)
    script.at(0, CONNECTED, ModelReady(ONE))
    return script
