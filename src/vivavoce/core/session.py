"""One call: the machines of :mod:`vivavoce.core` joined by the rules that need more than one of them.

The engine's whole contract with the core is two names::

    effects = session.receive(event, now)   # facts in, wishes out, in the order to be performed
    session.deadline                        # when to say TimePassed, or None

:meth:`Session.receive` is total: any event in any state gives effects and never raises, because everything a peer can
send is asked about before it moves a machine. What changes nothing is answered with :class:`~vivavoce.events.Ignore`,
so that the timeline says why.

Each joint rule has one place, and :mod:`vivavoce.core.sides` names them all: how a call comes about (``opening``), who
talks and what is heard of it (``talk``), whose turn it is when both do (``floor``), what the model hears of the caller
(``hearing``), which model session speaks for the call (``modelside``), what becomes of a tool call (``toolside``), what
the caller's side asks for without talking (``asking``), what a call may take and cost (``patience``, ``spending``), how
it ends (``ending``). Here it is only said which of them an event is for, and what follows afterwards (``_settle``).
"""

from __future__ import annotations

from collections.abc import Iterator

from vivavoce.core import opening
from vivavoce.core.digits import Collecting
from vivavoce.core.due import due
from vivavoce.core.floor import TurnFloor
from vivavoce.core.hearing import Hearing
from vivavoce.core.intake import Intake
from vivavoce.core.links import Link, LinkMove, ModelLinks
from vivavoce.core.machine import Machine
from vivavoce.core.phase import Phase, PhaseMove
from vivavoce.core.sides import Sides
from vivavoce.core.talk import Talk
from vivavoce.core.timers import Timer, Timers
from vivavoce.core.tools import ToolCalls
from vivavoce.events import (
    COLLECT_DIGITS,
    END_CALL,
    HOLD_CALL,
    TRANSFER_CALL,
    AgentAudio,
    AgentRevised,
    AgentText,
    AnswererJudged,
    AudioLost,
    BudgetReached,
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
    DigitsHeard,
    Disposition,
    EarLost,
    Effect,
    Event,
    HistoryRevised,
    HoldChanged,
    Ignore,
    Instant,
    ModelEvent,
    ModelLost,
    ModelReady,
    PlayoutProgress,
    PlayoutStopped,
    ReplyRequested,
    ResponseFinished,
    ResponseInterrupted,
    ResponseStarted,
    Samples,
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
    VoiceStarted,
    VoiceStopped,
)

PLAYOUT_GRACE_US = 5_000_000
"""How much later than its own length a channel may report the end of a response before the wall clock is believed."""
_COUNTS_LATE = AudioLost | UsageReported
_Decision = HoldChanged | ToolApproved | ToolDenied | BudgetReached
_NO_PLAN = CallPlan(agent="", models=())
_CHANGES_WHAT_IS_LEFT = (
    AgentAudio | PlayoutProgress | ResponseStarted | ResponseFinished | ResponseInterrupted | ModelLost
)
"""The channel is alive, or there is more or no more to play: each changes when the last of it should be played."""
_TAKES_TURN = CallerText | CallerPressed | CallerInterrupted | ReplyRequested


class Session:
    """The pure core of one call. Not thread-safe, and needs not be: one loop steps it."""

    __slots__ = ("_hearing", "_sides")

    def __init__(self) -> None:
        self._put_together(_NO_PLAN)

    def _put_together(self, plan: CallPlan) -> None:
        self._sides = Sides(plan)
        self._hearing = self._sides.hearing  # fifty times a second

    @property
    def phase(self) -> Machine[Phase, PhaseMove]:
        return self._sides.parts.phase

    @property
    def plan(self) -> CallPlan:
        return self._sides.parts.plan

    @property
    def rate_hz(self) -> int:
        """The call's rate, known once the caller is connected."""
        return self._sides.parts.rate_hz

    @property
    def channel(self) -> Machine[Link, LinkMove]:
        return self._sides.parts.channel

    @property
    def models(self) -> ModelLinks:
        return self._sides.parts.models

    @property
    def talk(self) -> Talk:
        return self._sides.parts.talk

    @property
    def floor(self) -> TurnFloor:
        return self._sides.floor

    @property
    def hearing(self) -> Hearing:
        return self._hearing

    @property
    def digits(self) -> Collecting:
        return self._sides.digits

    @property
    def tools(self) -> ToolCalls:
        return self._sides.parts.tools

    @property
    def intake(self) -> Intake:
        return self._sides.parts.intake

    @property
    def timers(self) -> Timers:
        return self._sides.parts.timers

    @property
    def deadline(self) -> Instant | None:
        """When :class:`TimePassed` is due; received, it moves the deadline or lets it go."""
        return self.timers.deadline

    @property
    def closed(self) -> bool:
        return self.phase.state is Phase.CLOSED

    def receive(self, event: Event, now: Instant) -> tuple[Effect, ...]:
        """Apply one fact at ``now`` and return what is wished for, in order."""
        if isinstance(event, CallerAudio):  # fifty times a second, and settles nothing
            return self._hearing.caller_audio(event)
        if out_of_place := self._out_of_place(event):
            return (_ignore(event, out_of_place),)
        effects = [*self._apply(event, now)]
        if not (effects and _is_ignored(event, effects[0])):
            self._sides.model.note(event, now)
            self._sides.patience.note(event)
        effects.extend(self._settle(event, now))
        return tuple(effects)

    def _out_of_place(self, event: Event) -> str:
        """Why nothing can follow from this event, whatever it says; empty if something can."""
        match self.phase.state:
            case Phase.CLOSED:
                return "the call is closed"
            case Phase.NEW if not isinstance(event, CallStarted | StopRequested | StoreFailed):
                return "the call has not started"
        if isinstance(event, ModelEvent) and not isinstance(event, _COUNTS_LATE):
            if self.models.is_spare(event.connection) and isinstance(event, ModelReady | ModelLost):
                return ""
            if event.connection != self.models.current:
                return "an event of an old connection"
            if not self.models.live and not isinstance(event, ModelReady | ModelLost):
                return f"the model is {self.models.state}"
        return ""

    def _apply(self, event: Event, now: Instant) -> Iterator[Effect]:  # noqa: C901, PLR0911, PLR0912 (only dispatches)
        """What models say, most of it many times a second; the rest is in ``_apply_rest``."""
        talk, sides = self.talk, self._sides
        match event:
            case AgentAudio():
                return talk.agent_audio(event)
            case PlayoutProgress():
                return talk.playout_progress(event)
            case PlayoutStopped():
                return talk.playout_stopped(event, self.models.current if self.models.live else None)
            case VoiceStarted():
                return sides.floor.voice_started(event, now)
            case VoiceJudged():
                return sides.floor.voice_judged(event, now)
            case VoiceStopped():
                return sides.floor.voice_stopped(now)
            case CallerSpeechStarted():
                return sides.floor.model_heard(event, now)
            case CallerSpeechStopped():
                return talk.caller_stopped()
            case ResponseStarted():
                return sides.sayings.started(event)
            case AgentText():
                return talk.agent_text(event)
            case ResponseFinished():
                return talk.response_finished(event)
            case ResponseInterrupted():
                return sides.floor.model_broke_off(event, now)
            case ToolRequested():
                return self._tool_requested(event, now)
            case ToolFinished():
                return self._tool_finished(event, now)
            case CallerTranscribed(_, text):
                return sides.tools.caller_went_on(text, now)
            case UsageReported():
                return sides.patience.spending.used(event, now)
            case AudioLost():
                return self.intake.lose(event.samples)
            case _:
                return self._apply_rest(event, now)

    def _apply_rest(self, event: Event, now: Instant) -> Iterator[Effect]:  # noqa: C901, PLR0911, PLR0912 (only dispatches)
        sides = self._sides
        match event:
            case CallStarted():
                return self._start(event, now)
            case TimePassed():
                return self._time_passed(now)
            case CallerConnected():
                return opening.caller_connected(sides, event, now)
            case ModelReady():
                return opening.model_ready(sides, event, now)
            case ModelLost():
                return sides.model.lost(event, now)
            case CallerText(text):
                return sides.asking.typed(text, now)
            case CallerPressed(digits) | DigitsHeard(digits):
                return self._pressed(event, digits, now)
            case ReplyRequested(instructions):
                return sides.asking.reply(instructions, now)
            case CallerInterrupted():
                return sides.asking.interrupted()
            case HistoryRevised(turns):
                return sides.asking.history(turns, now)
            case AgentRevised(interruption, tools):
                sides.floor.revise(interruption)
                sides.tools.revise(tools)
                return sides.asking.agent(interruption, now)
            case EarLost():
                return sides.floor.deaf(now)
            case AnswererJudged():
                return sides.voicemail.judged(event, now)
            case HoldChanged() | ToolApproved() | ToolDenied() | BudgetReached():
                return self._decided(event, now)
            case _:
                return self._over(event)

    def _decided(self, event: _Decision, now: Instant) -> Iterator[Effect]:
        """By somebody beside the call."""
        match event:
            case HoldChanged():
                return self._sides.holding.changed(event, now)
            case ToolApproved():
                return self._sides.tools.approved(event, now)
            case ToolDenied():
                return self._sides.tools.denied(event, now)
            case BudgetReached():
                return self._sides.patience.spending.reached(event, now)

    def _over(self, event: Event) -> Iterator[Effect]:
        """One side is gone, or must go."""
        sides = self._sides
        match event:
            case CallerHungUp(reason):
                return sides.ending.channel_gone(Disposition.COMPLETED, reason or "the caller hung up")
            case ChannelLost(message):
                return sides.ending.channel_gone(Disposition.CHANNEL_LOST, message)
            case StopRequested(reason):
                return sides.ending.close(Disposition.STOPPED, reason)
            case StoreFailed(message):
                return sides.ending.close(Disposition.FAILED, message)
            case _:  # a fact for the record alone; receive() and _apply() took all others
                return iter(())

    # -- events for more than one of them ------------------------------------------------------------------------------

    def _start(self, event: CallStarted, now: Instant) -> Iterator[Effect]:
        if not self.phase.can(PhaseMove.START):
            yield _ignore(event, "the call has already started")
            return
        self._put_together(event.plan)
        yield from opening.start(self._sides, event, now)

    def _tool_requested(self, event: ToolRequested, now: Instant) -> Iterator[Effect]:
        sides = self._sides
        if self.tools.known(event.tool_call):
            yield _ignore(event, "this tool call was already made")
        elif self.phase.state is not Phase.TALKING:
            yield _ignore(event, f"the call is {self.phase.state}")
        elif event.name == END_CALL:
            # The reason is one word in a small object; a model that writes anything else still means the end.
            person = '"person"' in event.arguments
            yield from sides.ending.end(
                Disposition.HANDOFF if person else Disposition.COMPLETED,
                "the caller wants a person" if person else "the agent ended the call",
                now,
            )
        elif event.name == COLLECT_DIGITS:
            yield from sides.digits.requested(event, now)
        elif event.name == HOLD_CALL:
            yield from sides.holding.requested(event, now)
        else:
            yield from sides.tools.requested(event, now)

    def _tool_finished(self, event: ToolFinished, now: Instant) -> Iterator[Effect]:
        is_transfer = self.tools.known(event.tool_call) and self.tools.described(event.tool_call).name == TRANSFER_CALL
        counts = self.tools.can_answer(event.tool_call)
        yield from self._sides.tools.finished(event, now)
        if is_transfer and counts and event.status is ToolStatus.OK:
            yield from self._sides.ending.end(Disposition.TRANSFERRED, "the caller was transferred", now)

    def _pressed(self, event: Event, digits: str, now: Instant) -> Iterator[Effect]:
        if self._sides.digits.active:
            yield from self.talk.caller_typed(self.models.current)
            yield from self._sides.digits.pressed(digits, now)
        elif self._sides.digits.trailing(digits, now):
            yield _ignore(event, "the row of digits is whole")
        elif isinstance(event, CallerPressed):
            yield from self._sides.asking.pressed(digits, now)
        else:
            yield _ignore(event, "no digits are being collected")

    # -- time ----------------------------------------------------------------------------------------------------------

    def _time_passed(self, now: Instant) -> Iterator[Effect]:
        for timer in self.timers.take_due(now):
            if self.closed:
                return
            yield from due(self._sides, timer, now)

    def _settle(self, event: Event, now: Instant) -> Iterator[Effect]:
        """What follows from the state as it now is: which timers run, and whether the last words are over."""
        sides = self._sides
        if self.phase.state in (Phase.OPENING, Phase.TALKING) and sides.model.hopeless:
            yield from sides.ending.end(Disposition.MODEL_LOST, sides.model.reason, now)
        if self.closed:
            return
        if isinstance(event, _TAKES_TURN):
            sides.floor.interrupted()
        yield from sides.floor.settle(now)
        if self.phase.state is Phase.TALKING:
            yield from self._settle_talk(event, now)
        if isinstance(event, _CHANGES_WHAT_IS_LEFT):
            self.timers.clear(Timer.PLAYOUT)  # reckon anew
        unplayed = self.talk.playouts.unplayed
        if unplayed and self.rate_hz:
            if not self.timers.is_set(Timer.PLAYOUT):
                self.timers.set(Timer.PLAYOUT, now + unplayed * 1_000_000 // self.rate_hz + PLAYOUT_GRACE_US)
        else:
            self.timers.clear(Timer.PLAYOUT)
        yield from sides.ending.settle()

    def _settle_talk(self, event: Event, now: Instant) -> Iterator[Effect]:
        sides = self._sides
        yield from sides.tools.settle(now)
        if not (sides.holding.held or sides.digits.active or sides.voicemail.machine):
            yield from sides.sayings.settle(now)
        waits = self.tools.running or sides.holding.held or sides.voicemail.machine
        sides.patience.settle(now, quiet=self.talk.quiet and not waits and self.models.live)
        yield from sides.model.settle(event, now)


def _is_ignored(event: Event, effect: Effect) -> bool:
    return isinstance(effect, Ignore) and effect.what == type(event).__name__


def _ignore(event: Event, why: str) -> Ignore:
    return Ignore(type(event).__name__, why, event.audio.samples if isinstance(event, AgentAudio) else Samples(0))
