"""One call: the machines of :mod:`vivavoce.core` joined by the rules that need more than one of them.

The engine's whole contract with the core is two names::

    effects = session.receive(event, now)   # facts in, wishes out, in the order to be performed
    session.deadline                        # when to say TimePassed, or None

:meth:`Session.receive` is total: any event in any state gives effects and never raises, because everything a peer can
send is asked about before it moves a machine. What changes nothing is answered with :class:`~vivavoce.events.Ignore`,
so that the timeline says why.

Who talks and what is heard of it is :mod:`vivavoce.core.talk`; which model session speaks for the call is
:mod:`vivavoce.core.modelside`; what the caller's side asks for without talking is :mod:`vivavoce.core.asking`; how the
call ends is :mod:`vivavoce.core.ending`. Here are the other joint rules, each
in one place: a call talks when channel and model are both there (``_connect``); a tool's answer goes to whichever
session speaks for the call by then (``_tool_finished``); silence counts only while nobody talks, plays or works
(``_settle``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from vivavoce.core.asking import Asking
from vivavoce.core.ending import Ending
from vivavoce.core.intake import Intake
from vivavoce.core.links import Link, LinkMove, ModelLinks
from vivavoce.core.machine import Machine
from vivavoce.core.modelside import ModelSide
from vivavoce.core.parts import Parts
from vivavoce.core.phase import Phase, PhaseMove
from vivavoce.core.talk import Talk
from vivavoce.core.timers import Timer, Timers
from vivavoce.core.tools import ToolCalls
from vivavoce.events import (
    END_CALL,
    GREETING,
    AgentAudio,
    AgentRevised,
    AgentText,
    Audio,
    AudioLost,
    CallerAudio,
    CallerConnected,
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
    Disposition,
    Effect,
    Event,
    ForwardAudio,
    HistoryRevised,
    Ignore,
    Instant,
    ModelEvent,
    ModelLost,
    ModelReady,
    PendingTool,
    PlayoutProgress,
    PlayoutStopped,
    Recall,
    ReplyRequested,
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
PLAYOUT_GRACE_US = 5_000_000
"""How much later than its own length a channel may report the end of a response before the wall clock is believed."""
HOLD_LIMIT_S = 60
"""Caller audio kept while no model listens: as long as all tries to replace a lost session take."""

_NO_PLAN = CallPlan(agent="", models=())
_CHANGES_WHAT_IS_LEFT = (
    AgentAudio | PlayoutProgress | ResponseStarted | ResponseFinished | ResponseInterrupted | ModelLost
)
"""The channel is alive, or there is more or no more to play: each changes when the last of it should be played."""


class Session:
    """The pure core of one call. Not thread-safe, and needs not be: one loop steps it."""

    __slots__ = ("_asking", "_ending", "_model", "_parts")

    def __init__(self) -> None:
        self._put_together(_NO_PLAN)

    def _put_together(self, plan: CallPlan) -> None:
        self._parts = Parts(plan)
        self._model = ModelSide(self._parts)
        self._ending = Ending(self._parts, self._model)
        self._asking = Asking(self._parts, self._model)

    @property
    def phase(self) -> Machine[Phase, PhaseMove]:
        return self._parts.phase

    @property
    def plan(self) -> CallPlan:
        return self._parts.plan

    @property
    def rate_hz(self) -> int:
        """The call's rate, known once the caller is connected."""
        return self._parts.rate_hz

    @property
    def channel(self) -> Machine[Link, LinkMove]:
        return self._parts.channel

    @property
    def models(self) -> ModelLinks:
        return self._parts.models

    @property
    def talk(self) -> Talk:
        return self._parts.talk

    @property
    def tools(self) -> ToolCalls:
        return self._parts.tools

    @property
    def intake(self) -> Intake:
        return self._parts.intake

    @property
    def timers(self) -> Timers:
        return self._parts.timers

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
            return self._caller_audio(event)
        if out_of_place := self._out_of_place(event):
            return (_ignore(event, out_of_place),)
        effects = [*self._apply(event, now)]
        if not (effects and _is_ignored(event, effects[0])):
            self._model.note(event, now)
        effects.extend(self._settle(event, now))
        return tuple(effects)

    def _out_of_place(self, event: Event) -> str:
        """Why nothing can follow from this event, whatever it says; empty if something can."""
        match self.phase.state:
            case Phase.CLOSED:
                return "the call is closed"
            case Phase.NEW if not isinstance(event, CallStarted | StopRequested | StoreFailed):
                return "the call has not started"
        if isinstance(event, ModelEvent) and not isinstance(
            event, AudioLost | UsageReported
        ):  # these count, late or not
            if self.models.is_spare(event.connection) and isinstance(event, ModelReady | ModelLost):
                return ""
            if event.connection != self.models.current:
                return "an event of an old connection"
            if not self.models.live and not isinstance(event, ModelReady | ModelLost):
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
                return self.talk.caller_started(event)
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
                return self._tool_finished(event, now)
            case CallStarted():
                return self._start(event, now)
            case TimePassed():
                return self._time_passed(now)
            case CallerConnected():
                return self._caller_connected(event, now)
            case ModelReady():
                return self._model_ready(event, now)
            case ModelLost():
                return self._model.lost(event, now)
            case CallerText(text):
                return self._asking.typed(text, now)
            case CallerPressed(digits):
                return self._asking.pressed(digits, now)
            case ReplyRequested(instructions):
                return self._asking.reply(instructions, now)
            case CallerInterrupted():
                return self._asking.interrupted()
            case HistoryRevised(turns):
                return self._asking.history(turns, now)
            case AgentRevised(interruption):
                return self._asking.agent(interruption, now)
            case CallerHungUp(reason):
                return self._ending.channel_gone(Disposition.COMPLETED, reason or "the caller hung up")
            case ChannelLost(message):
                return self._ending.channel_gone(Disposition.CHANNEL_LOST, message)
            case StopRequested(reason):
                return self._ending.close(Disposition.STOPPED, reason)
            case StoreFailed(message):
                return self._ending.close(Disposition.FAILED, message)
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
        self._put_together(event.plan)
        self.phase.move(PhaseMove.START)
        self.timers.set(Timer.OPENING, now + OPENING_LIMIT_US)
        self.timers.set(Timer.CALL, now + event.plan.call_limit_us)
        yield from self._model.open_first(now)

    def _caller_connected(self, event: CallerConnected, now: Instant) -> Iterator[Effect]:
        if not self.channel.can(LinkMove.OPEN):
            yield _ignore(event, f"the channel is {self.channel.state}")
            return
        self.channel.move(LinkMove.OPEN)
        self._parts.rate_hz = self._parts.owed.ring.rate_hz = event.rate_hz
        yield from self._connect(now)

    def _model_ready(self, event: ModelReady, now: Instant) -> Iterator[Effect]:
        yield from self._model.ready(event, now)
        yield from self._connect(now)

    def _connect(self, now: Instant) -> Iterator[Effect]:
        """Both ends are there: greet, and hand over what the caller has said so far."""
        if not (self.models.live and self.channel.state is Link.LIVE and self.phase.can(PhaseMove.CONNECT)):
            return
        self.phase.move(PhaseMove.CONNECT)
        self.timers.clear(Timer.OPENING)
        self.timers.set(Timer.SILENCE, now + self.plan.silence_limit_us)
        if turns := self._parts.history.turns(self.talk.playouts, without_unanswered=False):
            yield Recall(self.models.current, turns)
        if self.plan.greeting:
            self._parts.owed.asks.insert(0, Speak(self.models.current, GREETING, self.plan.greeting))
        yield from self._parts.owed.address(self.models.current, now)
        for audio in self.intake.release():
            yield self._forward(audio)

    # -- in talk -------------------------------------------------------------------------------------------------------

    def _caller_audio(self, event: CallerAudio) -> tuple[Effect, ...]:
        audio = event.audio
        state = self.phase.state
        if state is Phase.TALKING and self.models.live:
            self.intake.forward(audio)
            return (self._forward(audio),)
        if state in (Phase.OPENING, Phase.TALKING) and self.rate_hz:
            dropped = self.intake.hold(audio, HOLD_LIMIT_S * self.rate_hz)
            return (Ignore("CallerAudio", "no model listened for too long", dropped),) if dropped else ()
        self.intake.drop(audio)
        return (Ignore("CallerAudio", f"the call is {state}", audio.samples),)

    def _forward(self, audio: Audio) -> Effect:
        self._parts.owed.forward(audio)
        return ForwardAudio(self.models.current, audio)

    def _tool_requested(self, event: ToolRequested, now: Instant) -> Iterator[Effect]:
        if self.tools.known(event.tool_call):
            yield _ignore(event, "this tool call was already made")
        elif self.phase.state is not Phase.TALKING:
            yield _ignore(event, f"the call is {self.phase.state}")
        elif event.name == END_CALL:
            # The reason is one word in a small object; a model that writes anything else still means the end.
            person = '"person"' in event.arguments
            yield from self._ending.end(
                Disposition.HANDOFF if person else Disposition.COMPLETED,
                "the caller wants a person" if person else "the agent ended the call",
                now,
            )
        else:
            self.tools.start(PendingTool(event.tool_call, event.name, event.arguments))
            self._model.answered(by_tool=True)
            yield RunTool(event.tool_call, event.name, event.arguments)

    def _tool_finished(self, event: ToolFinished, now: Instant) -> Iterator[Effect]:
        if not self.tools.can_answer(event.tool_call):
            yield _ignore(event, "nobody waits for this tool call")
            return
        self.tools.answer(event.tool_call)
        result = ReturnToolResult(self.models.current, event.tool_call, event.status, event.result)
        self._parts.owed.ask(result, now)
        if self.models.live:
            yield result
        elif self.phase.state is not Phase.TALKING:
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
                    yield from self._ending.end(Disposition.TOO_LONG, "the longest call is over", now, farewell=True)
                case Timer.SILENCE:
                    yield from self._ending.end(Disposition.SILENCE, "nobody spoke", now, farewell=True)
                case Timer.PLAYOUT:
                    self.talk.assume_played()
                case Timer.ENDING:
                    yield from self._ending.run_out()
                case _:
                    yield from self._model.time_passed(timer, now)

    def _opening_timed_out(self) -> Iterator[Effect]:
        if self.channel.state is not Link.LIVE:
            yield from self._ending.close(Disposition.CHANNEL_LOST, "the caller was not put through in time")
        else:
            yield from self._ending.close(Disposition.MODEL_LOST, "no model was ready in time")

    def _settle(self, event: Event, now: Instant) -> Iterator[Effect]:
        """What follows from the state as it now is: which timers run, and whether the last words are over."""
        if self.phase.state in (Phase.OPENING, Phase.TALKING) and self._model.hopeless:
            yield from self._ending.end(Disposition.MODEL_LOST, self._model.reason, now)
        if self.closed:
            return
        if self.phase.state is Phase.TALKING:
            if self.talk.quiet and not self.tools.running and self.models.live:
                if not self.timers.is_set(Timer.SILENCE):
                    self.timers.set(Timer.SILENCE, now + self.plan.silence_limit_us)
            else:
                self.timers.clear(Timer.SILENCE)
            yield from self._model.settle(event, now)
        if isinstance(event, _CHANGES_WHAT_IS_LEFT):
            self.timers.clear(Timer.PLAYOUT)  # reckon anew
        unplayed = self.talk.playouts.unplayed
        if unplayed and self.rate_hz:
            if not self.timers.is_set(Timer.PLAYOUT):
                self.timers.set(Timer.PLAYOUT, now + unplayed * 1_000_000 // self.rate_hz + PLAYOUT_GRACE_US)
        else:
            self.timers.clear(Timer.PLAYOUT)
        yield from self._ending.settle()


def _is_ignored(event: Event, effect: Effect) -> bool:
    return isinstance(effect, Ignore) and effect.what == type(event).__name__


def _ignore(event: Event, why: str) -> Ignore:
    return Ignore(type(event).__name__, why, event.audio.samples if isinstance(event, AgentAudio) else Samples(0))
