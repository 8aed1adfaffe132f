"""Whatever happens in whatever order, a session never raises and never breaks its word."""

from __future__ import annotations

from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.core.scenario import CONNECTED, ONE, R1, R2, T1, audio, instant, plan, played, said, samples, stopped
from tests.unit.core.strategies import EVENT_TYPES, EVENTS, PLANS, events_of
from tests.unit.core.watched import Watched
from vivavoce.core.ending import ENDING_LIMIT_US
from vivavoce.core.floor import Floor
from vivavoce.core.phase import Phase
from vivavoce.core.playout import Playout
from vivavoce.core.session import Session
from vivavoce.core.voices import Agent, Caller
from vivavoce.events import (
    END_CALL,
    FAREWELL,
    AgentRevised,
    AgentText,
    Answerer,
    AnswererJudged,
    AudioLost,
    BudgetReached,
    BudgetStep,
    CallerAudio,
    CallerHungUp,
    CallerInterrupted,
    CallerPressed,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CallerTranscribed,
    CallPlan,
    CallStarted,
    ChannelLost,
    CloseCall,
    DigitsHeard,
    EarLost,
    Event,
    HistoryRevised,
    HoldChanged,
    Ignore,
    Instant,
    ModelLost,
    ModelReady,
    PastTurn,
    ReplyRequested,
    ResponseAudible,
    ResponseFinished,
    ResponseInterrupted,
    ResponseStarted,
    Speaker,
    StopRequested,
    StoreFailed,
    TimePassed,
    ToolApproved,
    ToolDenied,
    ToolFinished,
    ToolRequested,
    ToolStatus,
    UsageReported,
    VoiceJudged,
    VoiceKind,
    VoiceStarted,
    VoiceStopped,
)

SETTINGS = settings(deadline=None, derandomize=True, max_examples=120)
Step = tuple[Event, int]
STEPS = st.lists(
    st.tuples(EVENTS, st.sampled_from([0, 0, 0, 20_000, 20_000, 700_000, 700_000, 30_000_000])), max_size=40
)
BEGINNINGS: st.SearchStrategy[list[Event]] = st.one_of(
    st.just([]),
    PLANS.map(lambda call_plan: [CallStarted(call_plan)]),
    PLANS.map(lambda call_plan: [CallStarted(call_plan), CONNECTED, ModelReady(ONE)]),
    PLANS.map(lambda call_plan: [CallStarted(call_plan), CONNECTED, ModelReady(ONE), ResponseStarted(ONE, R1)]),
)


def _run(beginning: list[Event], steps: list[Step], *, punctual: bool) -> tuple[Watched, Instant]:
    """Feed all; a punctual engine says that time has passed whenever a deadline was reached."""
    watched, now = Watched(), 0
    for event, wait_us in [*((event, 0) for event in beginning), *steps]:
        now += wait_us
        while punctual and (deadline := watched.session.deadline) is not None and deadline <= now:
            watched.pass_time()
        watched.receive(event, Instant(now))
    return watched, Instant(now)


@SETTINGS
@given(BEGINNINGS, STEPS, st.booleans())
def test_arbitrary_events_never_break_a_session(beginning: list[Event], steps: list[Step], punctual: bool) -> None:
    _run(beginning, steps, punctual=punctual)


@SETTINGS
@given(PLANS, STEPS)
def test_every_call_ends_when_only_time_passes(call_plan: CallPlan, steps: list[Step]) -> None:
    """Whatever has happened, and if nothing more ever happens, no line is held open for longer than the limits."""
    watched, now = _run([CallStarted(call_plan)], steps, punctual=True)
    latest = max(now, call_plan.call_limit_us) + ENDING_LIMIT_US
    for _ in range(2000):  # a spare that never comes up is tried again and again until the call is over
        deadline = watched.session.deadline
        if deadline is None:
            break
        assert deadline <= latest
        watched.pass_time()
    assert watched.session.closed
    assert sum(isinstance(effect, CloseCall) for effect in watched.effects) == 1


@SETTINGS
@given(BEGINNINGS, STEPS)
def test_the_same_events_have_the_same_effects(beginning: list[Event], steps: list[Step]) -> None:
    once, _ = _run(beginning, steps, punctual=True)
    again, _ = _run(beginning, steps, punctual=True)
    assert once.effects == again.effects
    assert once.session.deadline == again.session.deadline


@settings(SETTINGS, max_examples=30)
@given(BEGINNINGS, STEPS, st.tuples(*(events_of(kind) for kind in EVENT_TYPES)))
def test_a_closed_call_says_why_it_ignores(beginning: list[Event], steps: list[Step], late: tuple[Event, ...]) -> None:
    watched, now = _run(beginning, steps, punctual=True)
    watched.receive(StopRequested("enough"), now)
    for event in late:
        (ignored,) = watched.receive(event, now)
        assert isinstance(ignored, Ignore)
        assert (ignored.what, ignored.why) == (type(event).__name__, "the call is closed")


# -- every event in every state ----------------------------------------------------------------------------------------

ALPHABET: list[Event] = [
    CallStarted(plan(greeting="Hello.", farewell="Goodbye.", silence_limit_ms=10_000, interruption="hybrid")),
    CONNECTED,
    ModelReady(ONE),
    CallerAudio(audio(20)),
    CallerText("hello"),
    CallerPressed("1"),
    CallerInterrupted(),
    ReplyRequested(),
    HistoryRevised((PastTurn(Speaker.CALLER, "hello"),)),
    AgentRevised("never"),
    AgentRevised("hybrid"),
    HoldChanged(held=True),
    HoldChanged(held=False),
    BudgetReached(BudgetStep.DOWNGRADE, "acme", 1),
    VoiceStarted(samples(0)),
    VoiceJudged(VoiceKind.BACKCHANNEL),
    VoiceJudged(VoiceKind.CALLER, certain=True),
    VoiceStopped(samples(300)),
    DigitsHeard("1"),
    EarLost(),
    AnswererJudged(Answerer.MACHINE),
    ToolApproved(T1),
    ToolDenied(T1),
    CallerSpeechStarted(ONE, samples(0)),
    CallerSpeechStopped(ONE, samples(500)),
    ResponseStarted(ONE, R1),
    ResponseStarted(ONE, R2),
    ResponseStarted(ONE, FAREWELL),
    ResponseAudible(ONE, R1, samples(20)),
    said(R1, 500),
    said(FAREWELL, 500),
    AgentText(ONE, R1, "We open at nine.", samples(0)),
    ResponseFinished(ONE, R1),
    ResponseFinished(ONE, FAREWELL),
    ResponseInterrupted(ONE, R1),
    played(R1, 500),
    played(FAREWELL, 500),
    stopped(R1, 250),
    ToolRequested(ONE, T1, "book", "{}"),
    ToolRequested(ONE, T1, END_CALL, "{}"),
    ToolFinished(T1, ToolStatus.OK, "1"),
    TimePassed(),
    ModelLost(ONE, "reset"),
    AudioLost(ONE, samples(10)),
    CallerTranscribed(ONE, "when do you open", final=True),
    UsageReported(ONE, text_in=900),
    StopRequested("draining"),
    StoreFailed("disk full"),
    CallerHungUp(),
    ChannelLost("reset"),
]
"""Enough to bring a call into every situation that differs in kind, and every class of event at least once."""


def _situation(session: Session) -> tuple[object, ...]:
    """What distinguishes two states of a call for its rules."""
    if session.closed:
        return (Phase.CLOSED,)
    responses = (playout and playout.state for playout in map(session.talk.playouts.get, (R1, FAREWELL)))
    voices = (session.talk.caller.state, session.talk.agent.state, session.talk.awaited)
    floor = session.floor.machine.state
    return (session.phase.state, session.channel.state, session.models.state, *voices, *responses, floor)


def _replay(events: tuple[Event, ...]) -> Session:
    """Feed events under watch; TimePassed comes at the deadline, everything else at once."""
    watched = Watched()
    for event in events:
        watched.pass_time() if isinstance(event, TimePassed) else watched.receive(event, instant(0))
    return watched.session


def test_every_event_in_every_situation_that_can_be_reached() -> None:
    """A search from the beginning: each event is fed in each situation, reached by a shortest way, under watch."""
    reached = {_situation(Session())}
    ways: list[tuple[Event, ...]] = [()]
    for way in ways:  # grows as it goes
        for event in ALPHABET:
            situation = _situation(_replay((*way, event)))
            if situation not in reached:
                reached.add(situation)
                ways.append((*way, event))
    seen = [{situation[position] for situation in reached if len(situation) == 9} for position in range(9)]
    assert seen[0] == set(Phase) - {Phase.CLOSED}
    assert (seen[3], seen[4]) == (set(Caller), set(Agent))
    assert seen[6] == {None, *Playout}
    assert seen[7] == {None, Playout.OPEN, Playout.ENDING, Playout.PLAYED}, "a farewell is never cut"
    assert seen[8] == set(Floor)


def test_the_search_feeds_every_class_of_event() -> None:
    assert {type(event) for event in ALPHABET} == set(get_args(Event))
