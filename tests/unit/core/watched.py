"""A session under watch: after every step it is checked against what must always hold.

The watch keeps its own books, from what goes in and what comes out alone, and compares the session's with them.
"""

from __future__ import annotations

from collections import Counter

from vivavoce.core.floor import WAIT_LIMIT_US
from vivavoce.core.phase import Phase
from vivavoce.core.session import Session
from vivavoce.events import (
    FAREWELL,
    GREETING,
    AgentAudio,
    AgentRevised,
    AudioLost,
    CallerAudio,
    CallerHungUp,
    CallerSpeechStarted,
    CallStarted,
    CancelTool,
    ChannelEffect,
    ChannelLost,
    CloseCall,
    CloseModel,
    ConnectionId,
    Effect,
    Event,
    FinishPlaying,
    FloorDecided,
    Flush,
    ForwardAudio,
    HangUp,
    Ignore,
    Instant,
    ModelEffect,
    ModelLost,
    ModelReady,
    OpenModel,
    PausePlaying,
    Play,
    PlayoutStopped,
    Recall,
    ReplayAudio,
    ResponseId,
    ResumePlaying,
    ReturnToolResult,
    RunTool,
    Speak,
    SwapModel,
    TimePassed,
    ToolCallId,
    ToolFinished,
    ToolRequested,
    Truncate,
)


class Watched:
    """Feeds a session and checks it."""

    def __init__(self) -> None:
        self.session = Session()
        self.effects: list[Effect] = []
        self._model = _ModelWatch()
        self._swaps = _SwapWatch()
        self._playout = _PlayoutWatch()
        self._floor = _FloorWatch()
        self._intake: Counter[str] = Counter()
        self._tools: dict[ToolCallId, str] = {}
        self._returned: set[tuple[ConnectionId, ToolCallId]] = set()
        self._channel_gone = False
        self._closed = False
        self._interruption = ""

    def receive(self, event: Event, now: Instant) -> tuple[Effect, ...]:
        was_closed, asked_for = self._closed, self.session.deadline
        self._hear(event)
        effects = self.session.receive(event, now)
        for effect in effects:
            self._see(effect)
        self._swaps.after(event, effects, self.session)
        self.effects += effects
        if was_closed:
            assert all(isinstance(effect, Ignore) for effect in effects), "a closed call only ignores"
        elif isinstance(event, AudioLost) and not effects:
            self._intake["lost"] += event.samples
        if isinstance(event, AgentAudio):
            first = effects[0]
            counted = first.samples if isinstance(first, Ignore) else isinstance(first, Play) and first.audio.samples
            assert counted == event.audio.samples, "what the model makes is played, or dropped and counted"
        self._check_deadline(event, now, asked_for)
        self._check_intake()
        self._playout.check(self.session)
        self._floor.check(self.session, now)
        if self._closed:
            assert self.session.closed
            assert not self.session.tools.running
        return effects

    def pass_time(self) -> tuple[Effect, ...]:
        """Say that the deadline came, as an engine does; nothing if there is none."""
        deadline = self.session.deadline
        return () if deadline is None else self.receive(TimePassed(), deadline)

    def _hear(self, event: Event) -> None:
        if isinstance(event, CallerAudio):
            self._intake["received"] += event.audio.samples
        elif isinstance(event, CallerHungUp | ChannelLost) and self.session.rate_hz:
            self._channel_gone = True
        elif isinstance(event, CallStarted) and not self.session.plan.agent:
            self._interruption = event.plan.interruption
        elif isinstance(event, AgentRevised):
            self._interruption = event.interruption
        self._model.hear(event)
        self._swaps.hear(event, self.session)
        self._playout.hear(event)

    def _see(self, effect: Effect) -> None:
        assert not self._closed or isinstance(effect, Ignore), "CloseCall is the last effect"
        if isinstance(effect, ChannelEffect):
            assert not self._channel_gone, "nothing is wished of a channel that is gone"
        self._model.see(effect)
        self._swaps.see(effect)
        assert not isinstance(effect, OpenModel) or self.session.phase.state is not Phase.ENDING, "an end is an end"
        self._playout.see(effect)
        self._floor.see(effect)
        match effect:
            case ForwardAudio(_, audio):
                self._intake["forwarded"] += audio.samples
            case Ignore("CallerAudio", _, samples):
                self._intake["dropped"] += samples
            case RunTool(tool_call) | CancelTool(tool_call):
                before = "" if isinstance(effect, RunTool) else "RunTool"
                assert self._tools.get(tool_call, "") == before, "a tool runs once and is cancelled at most once"
                self._tools[tool_call] = type(effect).__name__
            case ReturnToolResult(connection, tool_call):
                assert self._tools.get(tool_call) != "CancelTool", "a cancelled tool is not answered"
                assert (connection, tool_call) not in self._returned, "a session gets a result once"
                self._returned.add((connection, tool_call))
            case HangUp():
                self._channel_gone = True
            case Flush(response):
                plan = self.session.plan
                assert self._interruption != "never", "an agent that is never interrupted does not yield"
                assert response != FAREWELL, "a farewell is never cut"
                assert response != GREETING or not plan.protect_greeting, "a protected greeting is never cut"
            case CloseCall():
                self._closed = True

    def _check_deadline(self, event: Event, now: Instant, asked_for: Instant | None) -> None:
        deadline = self.session.deadline
        if self.session.closed:
            assert deadline is None, "a closed call waits for nothing"
        elif self.session.plan.agent:
            assert deadline is not None, "a call that is not closed will end some day"
        if isinstance(event, TimePassed) and asked_for is not None and now >= asked_for:
            assert deadline is None or deadline > now, "time that has passed is not asked for again"

    def _check_intake(self) -> None:
        intake, books, gate = self.session.intake, self._intake, self.session.hearing.gate
        assert gate.received == books["received"]
        assert intake.received == intake.forwarded + intake.held + intake.dropped
        assert intake.held >= 0
        assert intake.received + gate.held == books["received"]
        assert intake.forwarded == books["forwarded"] - books["lost"]
        assert intake.dropped == books["dropped"] + books["lost"]


class _ModelWatch:
    """Wishes go to the connection that speaks for the call, while it does; every connection is closed or lost once."""

    def __init__(self) -> None:
        self._live: dict[ConnectionId, bool] = {}  # of those that are neither closed nor lost
        self._current: ConnectionId | None = None
        self._spare: ConnectionId | None = None
        self._told: set[ConnectionId] = set()  # were given any wish
        self._spoken: set[tuple[ConnectionId, ResponseId]] = set()

    def hear(self, event: Event) -> None:
        if isinstance(event, ModelReady) and event.connection in self._live:
            self._live[event.connection] = True
        elif isinstance(event, ModelLost) and event.connection in self._live:
            self._gone(event.connection)

    def see(self, effect: Effect) -> None:
        match effect:
            case OpenModel(connection):
                if self._current is None:
                    self._current = connection
                else:
                    assert self._spare is None, "one spare at a time"
                    self._spare = connection
                self._live[connection] = False
            case CloseModel(connection):
                assert connection in self._live, "what is closed was open"
                self._gone(connection)
            case SwapModel(connection, old):
                assert connection not in self._told, "who takes over was not spoken to"
                assert old not in (self._spare, connection)
                if connection == self._spare:
                    self._current, self._spare = connection, None
            case Speak(connection, response):
                assert (connection, response) not in self._spoken, "a session is asked once"
                self._spoken.add((connection, response))
            case CloseCall():
                assert not self._live, "no connection is left open"
        if isinstance(effect, ModelEffect):
            assert not (isinstance(effect, Recall) and effect.connection in self._told), "recalling comes first"
            assert effect.connection == self._current, "wishes go to the connection that speaks for the call"
            assert self._live.get(effect.connection), "and only while it is live"
            self._told.add(effect.connection)

    def _gone(self, connection: ConnectionId) -> None:
        del self._live[connection]
        if connection == self._current:
            self._current, self._spare = self._spare, None
        elif connection == self._spare:
            self._spare = None


class _SwapWatch:
    """Who takes over is told all that nobody answered, and of tools and apologies no more than it may be."""

    def __init__(self) -> None:
        self._speaking: ConnectionId | None = None  # whose event is being judged, if it may be heard
        self._forwarded = 0
        self._may_be_noise = False
        self._unanswered_from: int | None = None  # where words began that certainly want an answer
        self._to_replay = 0
        self._told_of: set[tuple[ConnectionId, ToolCallId]] = set()
        self._pending: set[ToolCallId] = set()
        self._answered: set[ResponseId] = set()

    def hear(self, event: Event, session: Session) -> None:
        self._speaking = None
        if isinstance(event, AgentAudio | ToolRequested) and event.connection == session.models.current:
            self._speaking = event.connection
            if isinstance(event, ToolRequested):
                self._told_of.add((event.connection, event.tool_call))

    def see(self, effect: Effect) -> None:
        match effect:
            case ForwardAudio(_, audio):
                assert not self._to_replay, "what was said before is heard before"
                self._forwarded += audio.samples
            case SwapModel(replayed=replayed, lost=lost):
                self._to_replay = replayed
                if self._unanswered_from is not None:
                    assert replayed + lost >= self._forwarded - self._unanswered_from, "no sample is lost uncounted"
            case ReplayAudio(_, audio):
                self._to_replay -= audio.samples
                assert self._to_replay >= 0
            case Recall(connection, _, tools):
                assert {tool.tool_call for tool in tools} >= self._pending, "every pending tool is told of"
                self._told_of |= {(connection, tool.tool_call) for tool in tools}
            case Speak(_, response):
                assert response not in self._answered, "what was said is not asked for again"
            case Play(response):
                assert self._speaking is not None, "nothing is played but what the current session says"
                self._answered.add(response)
            case _:
                self._see_tool(effect)

    def _see_tool(self, effect: Effect) -> None:
        match effect:
            case RunTool(tool_call):
                self._pending.add(tool_call)
            case CancelTool(tool_call):
                self._pending.discard(tool_call)
            case ReturnToolResult(connection, tool_call):
                assert (connection, tool_call) in self._told_of, "results go to those who know of the tool"

    def after(self, event: Event, effects: tuple[Effect, ...], session: Session) -> None:
        assert not self._to_replay, "what was announced is replayed"
        ignored = any(isinstance(effect, Ignore) for effect in effects[:1])
        answered = any(isinstance(effect, Play | RunTool) for effect in effects)
        if isinstance(event, ToolFinished) and not ignored:
            self._pending.discard(event.tool_call)
        self._pending -= {effect.tool_call for effect in effects if isinstance(effect, ReturnToolResult)}
        if isinstance(event, ModelReady):
            self._may_be_noise |= event.reply_limit_us > 0
        if answered or isinstance(event, CallStarted) or (self._may_be_noise and isinstance(event, TimePassed)):
            self._unanswered_from = None  # time shows what was noise, where the model is watched
        elif isinstance(event, CallerSpeechStarted) and event.takes_turn and not ignored and session.models.live:
            self._unanswered_from = self._forwarded if self._unanswered_from is None else self._unanswered_from


class _PlayoutWatch:
    """What is sent of each response, and when no more may be."""

    def __init__(self) -> None:
        self._sent: Counter[ResponseId] = Counter()
        self._played: Counter[ResponseId] = Counter()
        self._over: dict[ResponseId, str] = {}
        self._stopping: ResponseId | None = None

    def hear(self, event: Event) -> None:
        self._stopping = event.response if isinstance(event, PlayoutStopped) else None

    def see(self, effect: Effect) -> None:
        match effect:
            case Play(response, audio):
                assert response not in self._over, "nothing is played of what was finished, flushed or cut"
                self._sent[response] += audio.samples
            case FinishPlaying(response):
                assert response not in self._over, "a response ends once"
                self._over[response] = "finished"
            case Flush(response):
                assert self._over.get(response) in (None, "finished"), "a response is flushed once"
                self._over[response] = "flushed"
            case Truncate(_, response, heard):
                assert response == self._stopping, "only the channel's answer says what was heard"
                assert self._over[response] == "flushed", "only what was flushed is cut, once"
                assert 0 <= heard <= self._sent[response]
                self._over[response] = "cut"

    def check(self, session: Session) -> None:
        for response in {*self._sent, *self._over}:
            playout = session.talk.playouts.get(response)
            assert playout is not None
            assert self._played[response] <= playout.played <= playout.sent <= playout.generated
            self._played[response] = playout.played
            assert playout.sent == self._sent[response]
            playout.heard_text()


class _FloorWatch:
    """Nobody stays silent: a pause ends when it is decided, and at the latest when its time is over."""

    def __init__(self) -> None:
        self._paused = False
        self._since: Instant | None = None

    def see(self, effect: Effect) -> None:
        match effect:
            case PausePlaying():
                assert not self._paused, "what is paused is not paused again"
                self._paused = True
            case ResumePlaying():
                assert self._paused, "only what is paused goes on"
                self._paused = False
            case FloorDecided(rescued=rescued, cut=cut):
                assert rescued == 0 or cut

    def check(self, session: Session, now: Instant) -> None:
        if session.closed:
            return
        assert self._paused == session.floor.paused
        if not self._paused:
            self._since = None
        elif self._since is None:
            self._since = now
        else:
            assert session.deadline is not None
            longest_us = session.plan.decide_us + WAIT_LIMIT_US
            assert session.deadline <= self._since + longest_us, "nobody is silent for long"
