"""Whatever befalls the sessions of a call, nothing the caller said is lost, answered by an old session, or forgotten.

The facts are such as the sessions that there are could say: of the current one, of the spare, and of those that are
gone. What must hold is in :mod:`tests.unit.core.watched`.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.core.scenario import CONNECTED, audio, samples
from tests.unit.core.watched import Watched
from vivavoce.core.ending import ENDING_LIMIT_US
from vivavoce.core.links import Link
from vivavoce.events import (
    APOLOGY,
    GREETING,
    AgentAudio,
    AgentText,
    CallerAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CallerTranscribed,
    CallPlan,
    CallStarted,
    CloseCall,
    CloseModel,
    ConnectionId,
    Event,
    Evidence,
    Instant,
    ModelLost,
    ModelReady,
    OpenModel,
    PlayoutProgress,
    PlayoutStopped,
    Recall,
    ResponseFinished,
    ResponseId,
    ResponseInterrupted,
    ResponseStarted,
    ToolCallId,
    ToolFinished,
    ToolRequested,
    ToolStatus,
    UsageReported,
)

SETTINGS = settings(deadline=None, derandomize=True, max_examples=300)
PLANS = st.builds(
    CallPlan,
    agent=st.just("test"),
    models=st.sampled_from([("only",), ("first", "second")]),
    greeting=st.sampled_from(["", "Hello."]),
    apology=st.just("Sorry."),
    farewell=st.sampled_from(["", "Goodbye."]),
    interruption=st.sampled_from(["model", "model", "never"]),
    protect_greeting=st.booleans(),
    silence_limit_us=st.sampled_from([60_000_000, 10_000_000]),
    call_limit_us=st.sampled_from([600_000_000, 600_000_000, 30_000_000]),
)


class World:
    """The sessions of a call as a provider has them, and one caller."""

    def __init__(self, plan: CallPlan, lifetime_us: int, reply_limit_us: int) -> None:
        self.watched = Watched()
        self.now = 0
        self.ready = (lifetime_us, reply_limit_us)
        self.made = 0
        self.tools: list[ToolCallId] = []
        self.say(CallStarted(plan), CONNECTED)
        self.comes_up(self.session.models.current)

    @property
    def session(self):  # type: ignore[no-untyped-def]
        return self.watched.session

    @property
    def current(self) -> ConnectionId:
        return self.session.models.current  # type: ignore[no-any-return]

    def say(self, *events: Event) -> None:
        for event in events:
            if not self.session.closed:
                self.watched.receive(event, Instant(self.now))

    def wait(self, us: int) -> None:
        until = self.now + us
        while (deadline := self.session.deadline) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.watched.pass_time()
        self.now = until

    def comes_up(self, connection: ConnectionId) -> None:
        lifetime_us, reply_limit_us = self.ready
        self.say(ModelReady(connection, lifetime_us, reply_limit_us))

    def response(self) -> ResponseId:
        return self.session.talk.response or ResponseId(f"r{self.made}")

    def begin(self, response: str = "") -> None:
        self.made += 1
        self.say(ResponseStarted(self.current, ResponseId(response or f"r{self.made}")))

    def begin_if_asked(self, response: ResponseId) -> None:
        if self.session._sides.parts.owed.speak_of(response) is not None:
            self.begin(response)

    def request(self) -> None:
        self.tools.append(ToolCallId(f"t{len(self.tools)}"))
        self.say(ToolRequested(self.current, self.tools[-1], "find", "{}"))

    def result(self) -> None:
        if self.tools:
            self.say(ToolFinished(self.tools[-1], ToolStatus.OK, "1"))

    def plays(self) -> None:
        for playout in list(self.session.talk.playouts.audible):
            self.say(PlayoutProgress(playout.response, playout.sent, Evidence.PLAYED))

    def edge(self, back_ms: int, *, starts: bool, takes_turn: bool = True) -> None:
        at = samples(0) if not back_ms else max(0, self.session._sides.parts.owed.position - samples(back_ms))
        kind = CallerSpeechStarted(self.current, at, takes_turn) if starts else CallerSpeechStopped(self.current, at)
        self.say(kind)


OLD = ConnectionId(1)
MOVES: dict[str, Callable[[World], None]] = {
    "the caller is heard": lambda w: w.say(CallerAudio(audio(100)), CallerAudio(audio(100))),
    "for long": lambda w: w.say(*[CallerAudio(audio(500))] * 30),
    "they begin": lambda w: w.edge(100, starts=True),
    "they seem to begin": lambda w: w.edge(100, starts=True, takes_turn=False),
    "they stop": lambda w: w.edge(300, starts=False),
    "what they said": lambda w: w.say(CallerTranscribed(w.current, "some words", final=True)),
    "they type": lambda w: w.say(CallerText("typed")),
    "a reply begins": lambda w: w.begin(),
    "the greeting begins": lambda w: w.begin_if_asked(GREETING),
    "the apology begins": lambda w: w.begin_if_asked(APOLOGY),
    "a piece of it": lambda w: w.say(AgentAudio(w.current, w.response(), audio(400))),
    "its words": lambda w: w.say(AgentText(w.current, w.response(), "some words", samples(0))),
    "a reply ends": lambda w: w.say(ResponseFinished(w.current, w.response())),
    "a reply breaks off": lambda w: w.say(ResponseInterrupted(w.current, w.response())),
    "all is played": lambda w: w.plays(),
    "a flush is done": lambda w: w.say(PlayoutStopped(w.response(), samples(100), Evidence.PLAYED)),
    "a tool": lambda w: w.request(),
    "its result": lambda w: w.result(),
    "tokens": lambda w: w.say(UsageReported(w.current, speech_in=1)),
    "tokens of an old one": lambda w: w.say(UsageReported(OLD, speech_in=1)),
    "an old one speaks": lambda w: w.say(AgentAudio(OLD, w.response(), audio(400))) if w.current != OLD else None,
    "the spare speaks": lambda w: w.say(AgentAudio(w.session.models.spare, w.response(), audio(400))),
    "the current one comes up": lambda w: w.comes_up(w.current),
    "the current one is lost": lambda w: w.say(ModelLost(w.current, "reset")),
    "the spare comes up": lambda w: w.comes_up(w.session.models.spare),
    "the spare is lost": lambda w: w.say(ModelLost(w.session.models.spare, "reset")),
    "a moment": lambda w: w.wait(200_000),
    "a second": lambda w: w.wait(1_000_000),
    "some seconds": lambda w: w.wait(6_000_000),
}
SWAPPING = ("they begin", "for long", "the current one is lost", "the current one comes up", "the spare comes up")
STEPS = st.lists(st.one_of(st.sampled_from(sorted(MOVES)), st.sampled_from(SWAPPING)), min_size=5, max_size=60)
LIFETIMES_US = st.sampled_from([0, 1, 5_000_000, 10_000_000, 20_000_000])
LIMITS_US = st.sampled_from([0, 4_000_000])


def live_through(plan: CallPlan, lifetime_us: int, limit_us: int, steps: list[str]) -> World:
    world = World(plan, lifetime_us, limit_us)
    for step in steps:
        MOVES[step](world)
    return world


@SETTINGS
@given(PLANS, LIFETIMES_US, LIMITS_US, STEPS)
def test_whatever_befalls_its_sessions(plan: CallPlan, lifetime_us: int, limit_us: int, steps: list[str]) -> None:
    world = live_through(plan, lifetime_us, limit_us, steps)
    for _ in range(3_000):
        if (deadline := world.session.deadline) is None:
            break
        assert deadline <= max(world.now, plan.call_limit_us) + ENDING_LIMIT_US
        world.now = max(world.now, deadline)
        world.watched.pass_time()
    effects = world.watched.effects
    assert isinstance(effects[-1], CloseCall)
    opened = [effect.connection for effect in effects if isinstance(effect, OpenModel)]
    assert len(opened) == len(set(opened))
    assert len([effect for effect in effects if isinstance(effect, CloseModel)]) <= len(opened)


@SETTINGS
@given(PLANS, LIFETIMES_US, STEPS)
def test_where_sessions_can_be_had_a_call_settles_on_one(plan: CallPlan, lifetime_us: int, steps: list[str]) -> None:
    """Once every session that is opened comes up and answers whatever is asked, nothing is owed any more."""
    world = live_through(plan, lifetime_us, 0, steps)
    world.ready = (480_000_000, 0)
    for _ in range(40):
        for connection in (world.current, world.session.models.spare):
            world.comes_up(connection)
        world.edge(0, starts=False)
        while world.tools:
            world.say(ToolFinished(world.tools.pop(), ToolStatus.OK, "1"))
        for response in [
            ask.response
            for ask in world.session._sides.parts.owed.asks
            if hasattr(ask, "text") and hasattr(ask, "response")
        ] or [""]:
            world.begin(response)
            world.say(AgentAudio(world.current, world.response(), audio(100)))
            world.say(ResponseFinished(world.current, world.response()))
        world.plays()
        world.wait(1_000_000)
    if not world.session.closed and world.session.phase.state == "talking":
        assert world.session.models.state is Link.LIVE
        owed = world.session._sides.parts.owed
        assert (owed.asks, owed.speech) == ([], False)
        texts = [effect.turns for effect in world.watched.effects if isinstance(effect, Recall)]
        assert all(len(turns) <= len(steps) + 40 for turns in texts)
