"""The model's side of a call: which session speaks for it, what it owes, and when another one must take its place."""

from __future__ import annotations

from collections.abc import Iterator

from vivavoce.core.links import Link, LinkMove
from vivavoce.core.parts import Parts
from vivavoce.core.phase import Phase
from vivavoce.core.recovery import Recovery
from vivavoce.core.renewal import Renewal
from vivavoce.core.timers import Timer
from vivavoce.core.watch import Watch, is_sign_of_life
from vivavoce.events import (
    AgentAudio,
    AgentText,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTranscribed,
    CloseModel,
    Effect,
    Event,
    Ignore,
    Instant,
    ModelLost,
    ModelReady,
    ResponseFinished,
    ResponseInterrupted,
    ResponseStarted,
    Speak,
    ToolRequested,
    VoiceStopped,
)

BREATH_US = 1_000_000
"""A pause of this length is still part of the agent's speech: a model's audio comes with gaps."""
REPORTED_LATE_MS = 200
"""Less than this may have been played already: channels report now and then."""

_WORK = AgentAudio | CallerTranscribed | ResponseFinished | ResponseInterrupted | ToolRequested


class ModelSide:
    """Joins renewal, recovery and watch, and keeps for them what was said and what is owed."""

    __slots__ = ("_agent_heard_until", "_parts", "_recovery", "_renewal", "_watch", "reason")

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._renewal = Renewal(parts)
        self._recovery = Recovery(parts, self._renewal)
        self._watch = Watch(parts)
        self._agent_heard_until = Instant(0)
        self.reason = "the agent names no model"  # why there is no session, where there is none

    @property
    def hopeless(self) -> bool:
        """There is no session, and none is being opened or will be."""
        return self._recovery.hopeless

    @property
    def outdated(self) -> bool:
        """The current session was told what does not hold any more: what is asked now, its successor is asked."""
        return self._renewal.hurried

    def open_first(self, now: Instant) -> Iterator[Effect]:
        return self._recovery.open_next_model(now)

    def ready(self, event: ModelReady, now: Instant) -> Iterator[Effect]:
        models = self._parts.models
        if models.is_spare(event.connection):
            if models.spare_can(LinkMove.OPEN):
                self._renewal.spare_ready(event, now)
            else:
                yield Ignore("ModelReady", f"the spare is {models.spare_state}")
        elif models.state is not Link.OPENING:
            yield Ignore("ModelReady", f"the model is {models.state}")
        else:
            models.move(LinkMove.OPEN)
            self._watch.limit_us = event.reply_limit_us
            if self._parts.phase.state is not Phase.ENDING:
                yield from self._recovery.ready(event, now)

    def revise(self, now: Instant) -> Iterator[Effect]:
        """What sessions are told is another. One that was not talked to yet is opened anew, any other replaced at the
        next pause.
        """
        models = self._parts.models
        if models.live and self._parts.phase.state is not Phase.OPENING:
            yield from self._renewal.hurry(now)
        elif models.can(LinkMove.CLOSE):
            models.move(LinkMove.CLOSE)
            yield CloseModel(models.current)
            yield from self._recovery.open_again(now, models.model)

    def change(self, model: int, now: Instant) -> Iterator[Effect]:
        """Go on with that model, if it is one of the plan's and another than this one."""
        models = self._parts.models
        if not 0 <= model < len(self._parts.plan.models) or model == models.model:
            return
        if models.live and self._parts.phase.state is not Phase.OPENING:
            yield from self._renewal.change(model, now)
        elif models.can(LinkMove.CLOSE):
            models.move(LinkMove.CLOSE)
            yield CloseModel(models.current)
            yield from self._recovery.open_again(now, model)
        else:
            self._renewal.want(model)

    def lost(self, event: ModelLost, now: Instant) -> Iterator[Effect]:
        models = self._parts.models
        if models.is_spare(event.connection):
            self._renewal.spare_lost(now)
        elif not models.can(LinkMove.LOSE):
            yield Ignore("ModelLost", f"the model is {models.state}")
        else:
            models.move(LinkMove.LOSE)
            yield from self._replace(event.message, now, retryable=event.retryable)

    def time_passed(self, timer: Timer, now: Instant) -> Iterator[Effect]:
        match timer:
            case Timer.REPLY:
                yield from self._give_up_session(now)
            case Timer.RECOVERY:
                yield from self._recovery.time_passed(now)
            case _:
                yield from self._renewal.time_passed(timer, now)

    def note(self, event: Event, now: Instant) -> None:
        """What was said, and what is owed. Called after the event was applied, unless it was ignored."""
        owed, talk = self._parts.owed, self._parts.talk
        if is_sign_of_life(event, self._parts.models.current):
            owed.last_sign = now
        if isinstance(event, _WORK) or (isinstance(event, VoiceStopped) and talk.taken):  # the model hears it later
            self._renewal.worked(now)
        match event:
            case AgentAudio(_, response, audio):
                self._agent_heard_until = Instant(now + BREATH_US)
                playout = talk.playouts.get(response)
                if playout is not None and playout.generated == audio.samples > 0:  # the first of it
                    self.answered(owed.speak_of(response))
            case CallerSpeechStarted(_, at, takes_turn):
                unplayed_ms = talk.playouts.unplayed * 1000 // (self._parts.rate_hz or 1)
                speaks = now < self._agent_heard_until or unplayed_ms > REPORTED_LATE_MS
                owed.began(now, at, into_agent=not takes_turn and speaks and not talk.taken)
            case CallerSpeechStopped(_, at):
                owed.ended(now, at)
            case ResponseInterrupted():
                self._agent_heard_until = now  # the model may have heard the caller before anything here did
                owed.taken()
            case _:
                self._note_words(event)
        if owed.asks:
            self._drop_wishes()

    def _note_words(self, event: Event) -> None:
        history = self._parts.history
        match event:
            case CallerTranscribed(_, text, True):
                history.caller_said(text)
            case ResponseStarted(_, response):
                history.agent_begins(response)
            case AgentText(_, response, text, _, False):
                history.agent_said(response, text)

    def _drop_wishes(self) -> None:
        """A text that was to be spoken and ended without sound, or that the caller cut short, is not wished for any
        more; one whose session was lost is.
        """
        models, talk = self._parts.models, self._parts.talk
        for ask in [ask for ask in self._parts.owed.asks if isinstance(ask, Speak)] if models.live else []:
            playout = talk.playouts.get(ask.response)
            if playout is not None and not playout.audible and playout.connection == models.current:
                self.answered(ask)

    def answered(self, speak: Speak | None = None, *, by_tool: bool = False) -> None:
        """The model has answered what is owed, or has done what ``speak`` asked."""
        self._parts.owed.answered(speak, by_tool=by_tool)
        if speak is None:
            self._watch.answered()
            self._parts.history.answered()

    def settle(self, event: Event, now: Instant) -> Iterator[Effect]:
        """While the call talks: is a session to be given up, or is this the moment for another to take over?"""
        self._watch.settle(event, now)
        yield from self._renewal.settle(now)

    def stop(self) -> Iterator[Effect]:
        """The call ends: nothing is replaced any more."""
        return self._renewal.stop()

    def _replace(self, reason: str, now: Instant, *, retryable: bool) -> Iterator[Effect]:
        """The current session is gone. What the caller is hearing is heard to its end, whatever follows."""
        self.reason = reason
        match self._parts.phase.state:
            case Phase.OPENING:
                yield from self._parts.talk.model_gone()
                if not self._renewal.stands_in(now):
                    yield from self._recovery.open_next_model(now)
            case Phase.TALKING:
                yield from self._recovery.lost(reason, now, retryable=retryable)
            case _:
                yield from self._parts.talk.model_gone()

    def _give_up_session(self, now: Instant) -> Iterator[Effect]:
        """It owes an answer and says nothing."""
        silent_for_all = self._watch.gives_up()
        if silent_for_all and self._watch.noise_only:
            self._parts.owed.ignored()
            self._watch.answered()
            return
        models = self._parts.models
        models.move(LinkMove.CLOSE)
        yield CloseModel(models.current)
        reason = f"the model owed an answer and said nothing for {self._watch.limit_us // 1_000_000} s"
        yield from self._replace(reason, now, retryable=not silent_for_all)
