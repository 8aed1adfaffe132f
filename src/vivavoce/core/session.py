"""One call: the machines of :mod:`vivavoce.core` joined by the rules that need more than one of them.

The engine's whole contract with the core is two names::

    effects = session.receive(event, now)   # facts in, wishes out, in the order to be performed
    session.deadline                        # when to say TimePassed, or None

:meth:`Session.receive` is total: any event in any state gives effects and never raises, because everything a peer can
send is asked about before it moves a machine. What changes nothing is answered with :class:`~vivavoce.events.Ignore`,
so that the timeline says why.

Who talks and what is heard of it is :mod:`vivavoce.core.talk`. Here are the other joint rules, each in one place: a
call talks when channel and model are both there (``_connect``); a tool's answer goes to the connection that asked
(``_tool_finished``); silence counts only while nobody talks, plays or works (``_settle``); last words are said to
their end, within limits (``_end``, ``_close``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from vivavoce.core.intake import Intake
from vivavoce.core.links import Link, LinkMove, ModelLinks, link
from vivavoce.core.phase import Phase, PhaseMove, phase
from vivavoce.core.talk import Talk
from vivavoce.core.timers import Timer, Timers
from vivavoce.core.tools import ToolCalls
from vivavoce.events import (
    END_CALL,
    FAREWELL,
    GREETING,
    AgentAudio,
    AgentText,
    AudioLost,
    CallerAudio,
    CallerConnected,
    CallerHungUp,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CallerTranscribed,
    CallPlan,
    CallStarted,
    CancelTool,
    ChannelLost,
    CloseCall,
    CloseModel,
    Disposition,
    Effect,
    Event,
    ForwardAudio,
    ForwardText,
    HangUp,
    Ignore,
    Instant,
    ModelEvent,
    ModelLost,
    ModelReady,
    OpenModel,
    PlayoutProgress,
    PlayoutStopped,
    ResponseFinished,
    ResponseInterrupted,
    ResponseStarted,
    ReturnToolResult,
    RunTool,
    Samples,
    Speak,
    StopRequested,
    StoreFailed,
    TimePassed,
    ToolFinished,
    ToolRequested,
    UsageReported,
)

OPENING_LIMIT_US = 30_000_000
"""Channel and model have this long to come up."""
ENDING_LIMIT_US = 20_000_000
"""Last words have this long: a model that never finishes them must not hold a line open."""
PLAYOUT_GRACE_US = 5_000_000
"""How much later than its own length a channel may report the end of a response before the wall clock is believed."""
HOLD_LIMIT_S = 10
"""Caller audio kept while no model listens."""

_NO_PLAN = CallPlan(agent="", models=())
_CHANGES_WHAT_IS_LEFT = (
    AgentAudio | PlayoutProgress | ResponseStarted | ResponseFinished | ResponseInterrupted | ModelLost
)
"""The channel is alive, or there is more or no more to play: each changes when the last of it should be played."""


class Session:
    """The pure core of one call. Not thread-safe, and needs not be: one loop steps it."""

    __slots__ = ("_verdict", "channel", "intake", "models", "phase", "plan", "rate_hz", "talk", "timers", "tools")

    def __init__(self) -> None:
        self.plan = _NO_PLAN
        self.rate_hz = 0  # the call's rate, known once the caller is connected
        self.phase = phase()
        self.channel = link()
        self.models = ModelLinks()
        self.talk = Talk(_NO_PLAN)
        self.tools = ToolCalls()
        self.intake = Intake()
        self.timers = Timers()
        self._verdict: tuple[Disposition, str] | None = None

    @property
    def deadline(self) -> Instant | None:
        """When :class:`TimePassed` is due; after it was received the deadline has moved or is gone."""
        return self.timers.deadline

    @property
    def closed(self) -> bool:
        return self.phase.state is Phase.CLOSED

    def receive(self, event: Event, now: Instant) -> tuple[Effect, ...]:
        """Apply one fact at ``now`` and return what is wished for, in order."""
        if isinstance(event, CallerAudio):  # fifty times a second, and settles nothing
            return tuple(self._caller_audio(event))
        if out_of_place := self._out_of_place(event):
            return (_ignore(event, out_of_place),)
        return (*self._apply(event, now), *self._settle(event, now))

    def _out_of_place(self, event: Event) -> str:
        """Why nothing can follow from this event, whatever it says; empty if something can."""
        match self.phase.state:
            case Phase.CLOSED:
                return "the call is closed"
            case Phase.NEW if not isinstance(event, CallStarted | StopRequested | StoreFailed):
                return "the call has not started"
        if isinstance(event, ModelEvent) and not isinstance(event, AudioLost):  # what is lost counts, late or not
            if event.connection != self.models.current:
                return "an event of an old connection"
            if not self.models.live and not isinstance(event, ModelReady | ModelLost | UsageReported):
                return f"the model is {self.models.state}"
        return ""

    def _apply(self, event: Event, now: Instant) -> Iterator[Effect]:  # noqa: C901, PLR0911, PLR0912 (only dispatches)
        match event:
            case AgentAudio():
                return self.talk.agent_audio(event)
            case PlayoutProgress():
                return self.talk.playout_progress(event)
            case PlayoutStopped():
                return self.talk.playout_stopped(event, self.models.current if self.models.live else None)
            case CallerSpeechStarted():
                return self.talk.caller_started(event.connection)
            case CallerSpeechStopped():
                return self.talk.caller_stopped()
            case ResponseStarted():
                return self.talk.response_started(event)
            case AgentText():
                return self.talk.agent_text(event)
            case ResponseFinished():
                return self.talk.response_finished(event)
            case ResponseInterrupted():
                return self.talk.response_interrupted(event)
            case ToolRequested():
                return self._tool_requested(event, now)
            case ToolFinished():
                return self._tool_finished(event)
            case CallStarted():
                return self._start(event, now)
            case TimePassed():
                return self._time_passed(now)
            case CallerConnected():
                return self._caller_connected(event, now)
            case ModelReady():
                return self._model_ready(event, now)
            case ModelLost():
                return self._model_lost(event, now)
            case CallerText():
                return self._caller_text(event)
            case CallerHungUp(reason):
                return self._channel_gone(Disposition.COMPLETED, reason or "the caller hung up")
            case ChannelLost(message):
                return self._channel_gone(Disposition.CHANNEL_LOST, message)
            case StopRequested(reason):
                return self._close(Disposition.STOPPED, reason)
            case StoreFailed(message):
                return self._close(Disposition.FAILED, message)
            case AudioLost():
                return self.intake.lose(event.samples)
            case CallerTranscribed() | UsageReported():
                return iter(())  # for the record; nothing follows from them
            case CallerAudio():  # never here: receive() took it
                return iter(())
            case _:
                assert_never(event)

    # -- putting the call through --------------------------------------------------------------------------------------

    def _start(self, event: CallStarted, now: Instant) -> Iterator[Effect]:
        if not self.phase.can(PhaseMove.START):
            yield _ignore(event, "the call has already started")
            return
        self.phase.move(PhaseMove.START)
        self.plan = event.plan
        self.talk = Talk(event.plan)
        self.timers.set(Timer.OPENING, now + OPENING_LIMIT_US)
        self.timers.set(Timer.CALL, now + event.plan.call_limit_us)
        yield from self._open_next_model("the agent names no model")

    def _open_next_model(self, why_not: str) -> Iterator[Effect]:
        if self.models.model + 1 >= len(self.plan.models):
            yield from self._close(Disposition.MODEL_LOST, why_not)
            return
        connection = self.models.open_next()
        yield OpenModel(connection, self.models.model)

    def _caller_connected(self, event: CallerConnected, now: Instant) -> Iterator[Effect]:
        if not self.channel.can(LinkMove.OPEN):
            yield _ignore(event, f"the channel is {self.channel.state}")
            return
        self.channel.move(LinkMove.OPEN)
        self.rate_hz = event.rate_hz
        yield from self._connect(now)

    def _model_ready(self, event: ModelReady, now: Instant) -> Iterator[Effect]:
        if self.models.state is not Link.OPENING:
            yield _ignore(event, f"the model is {self.models.state}")
            return
        self.models.move(LinkMove.OPEN)
        yield from self._connect(now)

    def _connect(self, now: Instant) -> Iterator[Effect]:
        """Both ends are there: greet, and hand over what the caller has said so far."""
        if not (self.models.live and self.channel.state is Link.LIVE and self.phase.can(PhaseMove.CONNECT)):
            return
        self.phase.move(PhaseMove.CONNECT)
        self.timers.clear(Timer.OPENING)
        self.timers.set(Timer.SILENCE, now + self.plan.silence_limit_us)
        if self.plan.greeting:
            yield Speak(self.models.current, GREETING, self.plan.greeting)
        for audio in self.intake.release():
            yield ForwardAudio(self.models.current, audio)

    def _model_lost(self, event: ModelLost, now: Instant) -> Iterator[Effect]:
        if not self.models.can(LinkMove.LOSE):
            yield _ignore(event, f"the model is {self.models.state}")
            return
        opening = self.models.state is Link.OPENING
        self.models.move(LinkMove.LOSE)
        yield from self.talk.model_gone()
        if opening:
            yield from self._open_next_model(event.message)
        elif self._verdict is None:  # what the caller is hearing is heard to its end
            yield from self._end(Disposition.MODEL_LOST, event.message, now)

    # -- in talk -------------------------------------------------------------------------------------------------------

    def _caller_audio(self, event: CallerAudio) -> Iterator[Effect]:
        audio = event.audio
        state = self.phase.state
        if state is Phase.TALKING and self.models.live:
            self.intake.forward(audio)
            yield ForwardAudio(self.models.current, audio)
        elif state in (Phase.OPENING, Phase.TALKING) and self.rate_hz:
            dropped = self.intake.hold(audio, HOLD_LIMIT_S * self.rate_hz)
            if dropped:
                yield Ignore("CallerAudio", "no model listened for too long", dropped)
        else:
            self.intake.drop(audio)
            yield Ignore("CallerAudio", f"the call is {state}", audio.samples)

    def _caller_text(self, event: CallerText) -> Iterator[Effect]:
        if self.phase.state is not Phase.TALKING or not self.models.live:
            yield _ignore(event, "no model listens")
            return
        self.timers.clear(Timer.SILENCE)  # typing is activity; settling sets it anew
        yield from self.talk.caller_typed(self.models.current)
        yield ForwardText(self.models.current, event.text)

    def _tool_requested(self, event: ToolRequested, now: Instant) -> Iterator[Effect]:
        if self.tools.known(event.tool_call):
            yield _ignore(event, "this tool call was already made")
        elif self.phase.state is not Phase.TALKING:
            yield _ignore(event, f"the call is {self.phase.state}")
        elif event.name == END_CALL:
            # The reason is one word in a small object; a model that writes anything else still means the end.
            person = '"person"' in event.arguments
            yield from self._end(
                Disposition.HANDOFF if person else Disposition.COMPLETED,
                "the caller wants a person" if person else "the agent ended the call",
                now,
            )
        else:
            self.tools.start(event.tool_call, event.connection)
            yield RunTool(event.tool_call, event.name, event.arguments)

    def _tool_finished(self, event: ToolFinished) -> Iterator[Effect]:
        if not self.tools.can_answer(event.tool_call):
            yield _ignore(event, "nobody waits for this tool call")
            return
        asked_by = self.tools.answer(event.tool_call)
        if asked_by == self.models.current and self.models.live:
            yield ReturnToolResult(asked_by, event.tool_call, event.status, event.result)
        else:
            yield _ignore(event, "the model that asked is gone")

    # -- time ----------------------------------------------------------------------------------------------------------

    def _time_passed(self, now: Instant) -> Iterator[Effect]:
        for timer in self.timers.take_due(now):
            if self.closed:
                return
            match timer:
                case Timer.OPENING:
                    yield from self._opening_timed_out()
                case Timer.CALL:
                    yield from self._end(Disposition.TOO_LONG, "the longest call is over", now, farewell=True)
                case Timer.SILENCE:
                    yield from self._end(Disposition.SILENCE, "nobody spoke", now, farewell=True)
                case Timer.PLAYOUT:
                    self.talk.assume_played()
                case Timer.ENDING:
                    disposition, reason = self._verdict or (Disposition.FAILED, "the call did not end in time")
                    yield from self._close(disposition, reason)

    def _opening_timed_out(self) -> Iterator[Effect]:
        if self.channel.state is not Link.LIVE:
            yield from self._close(Disposition.CHANNEL_LOST, "the caller was not put through in time")
        else:
            yield from self._close(Disposition.MODEL_LOST, "no model was ready in time")

    def _settle(self, event: Event, now: Instant) -> Iterator[Effect]:
        """What follows from the state as it now is: which timers run, and whether the last words are over."""
        if self.closed:
            return
        if self.phase.state is Phase.TALKING:
            if self.talk.quiet and not self.tools.running:
                if not self.timers.is_set(Timer.SILENCE):
                    self.timers.set(Timer.SILENCE, now + self.plan.silence_limit_us)
            else:
                self.timers.clear(Timer.SILENCE)
        if isinstance(event, _CHANGES_WHAT_IS_LEFT):
            self.timers.clear(Timer.PLAYOUT)  # reckon anew
        unplayed = self.talk.playouts.unplayed
        if unplayed and self.rate_hz:
            if not self.timers.is_set(Timer.PLAYOUT):
                self.timers.set(Timer.PLAYOUT, now + unplayed * 1_000_000 // self.rate_hz + PLAYOUT_GRACE_US)
        else:
            self.timers.clear(Timer.PLAYOUT)
        if self._verdict is not None and self._last_words_over():
            yield from self._close(*self._verdict)

    # -- the end -------------------------------------------------------------------------------------------------------

    def _end(self, disposition: Disposition, reason: str, now: Instant, *, farewell: bool = False) -> Iterator[Effect]:
        """Settle why the call ends and let what is being said, and a farewell if asked for, be said to its end."""
        if self._verdict is not None:
            return  # settled by a limit that passed in the same step
        if not self.phase.can(PhaseMove.END):
            yield from self._close(disposition, reason)
            return
        self.phase.move(PhaseMove.END)
        self._verdict = (disposition, reason)
        self.timers.clear_all()
        self.timers.set(Timer.ENDING, now + ENDING_LIMIT_US)
        if farewell and self.plan.farewell and self.models.live:
            self.talk.awaited = FAREWELL
            yield Speak(self.models.current, FAREWELL, self.plan.farewell)

    def _last_words_over(self) -> bool:
        return self.talk.agent_quiet and (self.talk.awaited is None or not self.models.live)

    def _channel_gone(self, disposition: Disposition, reason: str) -> Iterator[Effect]:
        if self.channel.state is not Link.GONE:
            self.channel.move(LinkMove.LOSE)
        yield from self._close(*(self._verdict or (disposition, reason)))

    def _close(self, disposition: Disposition, reason: str) -> Iterator[Effect]:
        """End the call now, whatever state it is in."""
        self.phase.move(PhaseMove.CLOSE)
        self.timers.clear_all()
        for tool_call in self.tools.running:
            self.tools.cancel(tool_call)
            yield CancelTool(tool_call)
        discarded = self.intake.discard()
        if discarded:
            yield Ignore("CallerAudio", "the call closed before a model listened", discarded)
        if self.models.state is not Link.GONE:
            self.models.move(LinkMove.CLOSE)
            yield CloseModel(self.models.current)
        if self.channel.state is not Link.GONE:
            self.channel.move(LinkMove.CLOSE)
            yield HangUp(reason)
        yield CloseCall(disposition, reason)


def _ignore(event: Event, why: str) -> Ignore:
    return Ignore(type(event).__name__, why, event.audio.samples if isinstance(event, AgentAudio) else Samples(0))
