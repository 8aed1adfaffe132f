"""A call between peers that behave: a channel that plays in real time, a model that makes responses, a caller.

Arbitrary events show that nothing breaks a session; here the peers keep to the rules in whatever order they like, and
so more can be said: what the model is told was heard is what the channel played, tools are all answered, and every call
ends with its last words heard.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.unit.core.scenario import CONNECTED, ONE, audio, instant, plan, samples
from tests.unit.core.watched import Watched
from vivavoce.core.phase import Phase
from vivavoce.core.voices import Caller
from vivavoce.events import (
    END_CALL,
    FAREWELL,
    GREETING,
    AgentAudio,
    CallerAudio,
    CallerHungUp,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallStarted,
    CancelResponse,
    CancelTool,
    ChannelEffect,
    CloseCall,
    Disposition,
    Effect,
    Event,
    Evidence,
    FinishPlaying,
    Flush,
    Ignore,
    ModelEffect,
    ModelReady,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ResponseFinished,
    ResponseId,
    ResponseStarted,
    ReturnToolResult,
    RunTool,
    Samples,
    Speak,
    ToolCallId,
    ToolFinished,
    ToolRequested,
    ToolStatus,
    Truncate,
)


class Loudspeaker:
    """A channel's end: plays what it was given in order, one sample after the other."""

    def __init__(self) -> None:
        self.queue: list[tuple[ResponseId, int]] = []
        self.played: dict[ResponseId, int] = {}

    def play(self, budget: int) -> list[Event]:
        """Play ``budget`` samples; returns the reports."""
        heard: list[ResponseId] = []
        while self.queue and budget:
            response, left = self.queue.pop(0)
            taken = min(left, budget)
            budget -= taken
            self.played[response] = self.played.get(response, 0) + taken
            heard.append(response)
            if left > taken:
                self.queue.insert(0, (response, left - taken))
        return [self._progress(response) for response in dict.fromkeys(heard)]

    def flush(self, response: ResponseId) -> Event:
        self.queue = [(queued, left) for queued, left in self.queue if queued != response]
        return PlayoutStopped(response, Samples(self.played.get(response, 0)), Evidence.PLAYED)

    def _progress(self, response: ResponseId) -> Event:
        return PlayoutProgress(response, Samples(self.played[response]), Evidence.PLAYED)


class Call(RuleBasedStateMachine):
    """The peers, and the session between them."""

    def __init__(self) -> None:
        super().__init__()
        self.watched = Watched()
        self.speaker = Loudspeaker()
        self.now_ms = 0
        self.making: ResponseId | None = None
        self.asked_to_say: list[ResponseId] = []
        self.responses = 0
        self.flushes: list[ResponseId] = []
        self.running: list[ToolCallId] = []
        self.tool_calls = 0
        self.answered: set[ToolCallId] = set()
        self.closed: CloseCall | None = None

    # -- how peers take a wish -----------------------------------------------------------------------------------------

    def feed(self, event: Event) -> None:
        for effect in self.watched.receive(event, instant(self.now_ms)):
            self.perform(effect)

    def perform(self, effect: Effect) -> None:
        if isinstance(effect, ChannelEffect):
            self.perform_at_channel(effect)
        elif isinstance(effect, ModelEffect):
            self.perform_at_model(effect)
        elif isinstance(effect, RunTool):
            self.running.append(effect.tool_call)
        elif isinstance(effect, CancelTool):
            self.running.remove(effect.tool_call)
        elif isinstance(effect, CloseCall):
            self.closed = effect
        elif isinstance(effect, Ignore):
            # Peers that keep to the rules are only ever out of step with the last words.
            late = self.watched.session.phase.state in (Phase.ENDING, Phase.CLOSED)
            assert late or effect.what == "PlayoutProgress", effect

    def perform_at_channel(self, effect: ChannelEffect) -> None:
        match effect:
            case Play(response, chunk):
                self.speaker.queue.append((response, chunk.samples))
            case Flush(response):
                self.flushes.append(response)

    def perform_at_model(self, effect: ModelEffect) -> None:
        match effect:
            case CancelResponse(_, response):
                assert response == self.making, "only what is being made is cancelled"
                self.making = None
            case Truncate(_, response, heard):
                assert heard == self.speaker.played.get(response, 0), "the model is told what was heard"
            case Speak(_, response):
                self.asked_to_say.append(response)
            case ReturnToolResult(_, tool_call):
                self.answered.add(tool_call)

    # -- what peers do -------------------------------------------------------------------------------------------------

    @initialize(
        greeting=st.sampled_from(["", "Hello."]),
        farewell=st.sampled_from(["", "Goodbye."]),
        interruption=st.sampled_from(["model", "never"]),
        protect=st.booleans(),
        model_first=st.booleans(),
    )
    def put_through(self, greeting: str, farewell: str, interruption: str, protect: bool, model_first: bool) -> None:
        call_plan = plan(
            greeting=greeting,
            farewell=farewell,
            interruption=interruption,
            protect_greeting=protect,
            silence_limit_ms=10_000,
            call_limit_ms=60_000,
        )
        self.feed(CallStarted(call_plan))
        for event in (ModelReady(ONE), CONNECTED) if model_first else (CONNECTED, ModelReady(ONE)):
            self.feed(event)
        assert self.asked_to_say == ([GREETING] if greeting else [])

    @precondition(lambda self: not self.closed)
    @rule(ms=st.sampled_from([20, 200, 1_000, 4_000]))
    def time_passes(self, ms: int) -> None:
        """The channel plays, and deadlines are kept on the way."""
        until = self.now_ms + ms
        while self.now_ms < until and not self.closed:
            step_ms = min(200, until - self.now_ms)
            self.now_ms += step_ms
            for report in self.speaker.play(samples(step_ms)):
                self.feed(report)
            deadline = self.watched.session.deadline
            if deadline is not None and deadline <= instant(self.now_ms):
                for effect in self.watched.pass_time():
                    self.perform(effect)

    @rule(ms=st.sampled_from([20, 100]))
    def caller_is_heard(self, ms: int) -> None:
        """Also after the end: a microphone is the last to know."""
        self.feed(CallerAudio(audio(ms)))

    @precondition(lambda self: not self.closed)
    @rule()
    def caller_talks_or_stops(self) -> None:
        session, at = self.watched.session, samples(self.now_ms)
        if session.talk.caller.state is Caller.TALKING:
            self.feed(CallerSpeechStopped(ONE, at))
            return
        self.feed(CallerSpeechStarted(ONE, at))
        still = {response for response, _ in self.speaker.queue} - set(self.flushes)
        if session.plan.interruption != "never":
            protected = {GREETING, FAREWELL} if session.plan.protect_greeting else {FAREWELL}
            assert self.closed or still <= protected, "the agent yields to a caller who starts"

    @precondition(lambda self: self.making is None and not self.closed)
    @rule()
    def model_begins(self) -> None:
        self.responses += 1
        self.making = self.asked_to_say.pop(0) if self.asked_to_say else ResponseId(f"r{self.responses}")
        self.feed(ResponseStarted(ONE, self.making))

    @precondition(lambda self: self.making is not None and not self.closed)
    @rule(ms=st.sampled_from([20, 500, 3_000]))
    def model_makes(self, ms: int) -> None:
        assert self.making is not None
        self.feed(AgentAudio(ONE, self.making, audio(ms)))

    @precondition(lambda self: self.making is not None and not self.closed)
    @rule()
    def model_finishes(self) -> None:
        assert self.making is not None
        response, self.making = self.making, None
        self.feed(ResponseFinished(ONE, response))
        playout = self.watched.session.talk.playouts.get(response)
        has_sound = playout is not None and playout.generated > 0  # without, there is nothing to play to its end
        assert self.closed or has_sound == (FinishPlaying(response) in self.watched.effects)

    @precondition(lambda self: self.flushes and not self.closed)
    @rule()
    def channel_answers_a_flush(self) -> None:
        self.feed(self.speaker.flush(self.flushes.pop(0)))

    @precondition(lambda self: not self.closed)
    @rule()
    def model_wants_a_tool(self) -> None:
        self.tool_calls += 1
        self.feed(ToolRequested(ONE, ToolCallId(f"t{self.tool_calls}"), "find_cars", "{}"))

    @precondition(lambda self: self.running and not self.closed)
    @rule(data=st.data())
    def tool_finishes(self, data: st.DataObject) -> None:
        tool_call = data.draw(st.sampled_from(self.running))
        self.running.remove(tool_call)
        self.feed(ToolFinished(tool_call, ToolStatus.OK, "1"))
        assert tool_call in self.answered

    @precondition(lambda self: not self.closed and self.now_ms > 5_000)
    @rule()
    def agent_ends_the_call(self) -> None:
        self.feed(ToolRequested(ONE, ToolCallId("end"), END_CALL, "{}"))

    @precondition(lambda self: not self.closed and self.now_ms > 20_000)
    @rule()
    def caller_hangs_up(self) -> None:
        self.feed(CallerHungUp())
        assert self.closed

    # -- what holds ----------------------------------------------------------------------------------------------------

    @invariant()
    def what_is_played_was_not_flushed(self) -> None:
        """Stale audio cannot reach a caller who has taken the turn: after its flush nothing of a response is queued."""
        flushed = {effect.response for effect in self.watched.effects if isinstance(effect, Flush)}
        queued = {response for response, _ in self.speaker.queue} - set(self.flushes)
        assert not queued & flushed

    @invariant()
    def session_and_model_agree_on_what_is_made(self) -> None:
        if not self.closed:
            assert self.watched.session.talk.response == self.making

    @invariant()
    def no_call_is_longer_than_it_may_be(self) -> None:
        assert self.closed or self.now_ms <= 60_000 + 20_000 + 200

    def teardown(self) -> None:
        """Nothing more happens but what is owed: the call ends, and a farewell that was begun is heard."""
        if not self.watched.session.plan.agent:
            return
        for _ in range(100):
            if self.closed:
                break
            if self.making is None and FAREWELL in self.asked_to_say:
                self.asked_to_say.clear()
                self.making = FAREWELL
                self.feed(ResponseStarted(ONE, FAREWELL))
                self.model_makes(1_000)
            if self.making is not None:
                self.model_finishes()
            self.time_passes(4_000)
        assert self.closed is not None
        assert self.closed.disposition is not Disposition.FAILED
        assert not self.running
        farewell = self.watched.session.talk.playouts.get(FAREWELL)
        if farewell is not None and self.closed.reason != "the caller hung up":
            assert farewell.played == farewell.sent


TestCall = Call.TestCase
TestCall.settings = settings(deadline=None, derandomize=True, max_examples=100, stateful_step_count=40)
