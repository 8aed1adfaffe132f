"""Whose turn it is when a voice is heard while the agent speaks.

The model decides alone under the policy ``model``. Under ``local`` we do, at once; under ``hybrid`` we do after a
moment in which the agent is silent and the model is told nothing (:data:`FLOOR_TABLE`). What the voice is, the ear
says; here is what follows from it:

- a voice that is not the caller's, or is no speech, is *kept*: the agent goes on, and the model hears silence;
- the caller's is in *doubt*: playing pauses. If it ends at once or turns out to be a "mm-hm" it is kept, and playing
  goes on where it stopped; if it goes on it is *taken*, and the agent yields;
- one that goes on with what the caller said just before the agent began is taken without doubt: the agent answers half
  of it;
- one into the last words of a reply is *passed*: an early answer, which the model hears at once;
- one that was there first has the turn: a reply that comes meanwhile is not begun into it, but waits, a while.

A model that breaks its reply off though no voice has taken the turn (for a cough, or for what leaked of a "mm-hm") has
made some of it already: that is played. Protected speech is not cut, by nobody; what is said into it the model hears
when it is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from vivavoce.core.hearing import Hearing
from vivavoce.core.links import NO_CONNECTION
from vivavoce.core.machine import Machine
from vivavoce.core.parts import Parts
from vivavoce.core.phase import Phase
from vivavoce.core.playout import Playout, ResponsePlayout
from vivavoce.core.timers import Timer
from vivavoce.events import (
    Ability,
    CallerSpeechStarted,
    Effect,
    FloorDecided,
    FloorVerdict,
    Ignore,
    Instant,
    PausePlaying,
    ResponseInterrupted,
    ResumePlaying,
    Samples,
    VoiceJudged,
    VoiceKind,
    VoiceStarted,
)

DELAY_US = 200_000
"""The caller's audio is so late at the model while the agent speaks: the ear takes about half of it to notice a voice,
and the model is not to hear the first of it before the ear has."""
MARGIN_US = 100_000
"""A voice began up to so much earlier than an ear is sure of: its first breath is not to reach the model either."""
GOES_ON_US = 500_000
"""So little of a reply was heard: whoever speaks then goes on with their own sentence."""
WAIT_LIMIT_US = 2_000_000
"""So long a reply waits for a caller who was talking first: an ear may take a noisy line for a voice."""
LATE_US = 1_000_000
"""A model notices a turn so much later than the ear does that it is over."""
RECENT_US = 2_000_000
"""Whoever speaks so soon after their own last words may go on with them."""


_OURS = (VoiceKind.CALLER, VoiceKind.BACKCHANNEL)


class Floor(StrEnum):
    """How it stands with a voice that is heard while the agent speaks."""

    CLEAR = "clear"  # there is none
    DOUBT = "doubt"  # the agent is silent until it is decided
    KEPT = "kept"  # it is heard, and the agent goes on
    TAKEN = "taken"  # it has the turn
    PASSED = "passed"  # it answers early


class FloorMove(StrEnum):
    """What is decided about it."""

    DOUBT = "doubt"
    KEEP = "keep"
    TAKE = "take"
    PASS = "pass"  # noqa: S105  # of a turn
    END = "end"


FLOOR_TABLE = {
    (Floor.CLEAR, FloorMove.DOUBT): Floor.DOUBT,
    (Floor.CLEAR, FloorMove.KEEP): Floor.KEPT,
    (Floor.CLEAR, FloorMove.TAKE): Floor.TAKEN,
    (Floor.CLEAR, FloorMove.PASS): Floor.PASSED,
    (Floor.DOUBT, FloorMove.KEEP): Floor.KEPT,
    (Floor.DOUBT, FloorMove.TAKE): Floor.TAKEN,
    (Floor.KEPT, FloorMove.DOUBT): Floor.DOUBT,
    (Floor.KEPT, FloorMove.TAKE): Floor.TAKEN,
    (Floor.KEPT, FloorMove.END): Floor.CLEAR,
    (Floor.TAKEN, FloorMove.END): Floor.CLEAR,
    (Floor.PASSED, FloorMove.END): Floor.CLEAR,
}


class TurnFloor:
    """The rules, and the voice that is being heard."""

    __slots__ = (
        "_at",
        "_hearing",
        "_kind",
        "_parts",
        "_stopped_at",
        "_turn_until",
        "_waited",
        "machine",
        "paused",
        "policy",
    )

    def __init__(self, parts: Parts, hearing: Hearing) -> None:
        self.machine = Machine(FLOOR_TABLE, Floor.CLEAR)
        self.policy = parts.plan.interruption
        self.paused = False
        self._parts = parts
        self._hearing = hearing
        self._at = Samples(0)  # where the voice began
        self._kind = VoiceKind.CALLER
        self._stopped_at: Instant | None = None  # when the caller last stopped, as far as the ear knows
        self._turn_until = Instant(-1)  # so long after a turn of the caller's the model may still hear it
        self._waited = False  # a reply has waited long enough for the voice to end

    @property
    def decides(self) -> bool:
        """Whether it is for us to say whose turn it is."""
        return self.policy in ("local", "hybrid")

    @property
    def _rules(self) -> bool:
        """The same, now."""
        return self.decides and self._parts.phase.state is Phase.TALKING

    # -- what the ear says -------------------------------------------------------------------------------------------

    def voice_started(self, event: VoiceStarted, now: Instant) -> Iterator[Effect]:
        if not self._rules:
            return
        if self.machine.state is Floor.DOUBT:
            yield Ignore("VoiceStarted", "a voice is in doubt already")
            return
        if self.machine.state is not Floor.CLEAR:  # an ear that says no end: the new voice is judged anew
            yield from self._end(now)
        self._at, self._kind = event.at, event.kind
        yield from self._heard(now)

    def _heard(self, now: Instant) -> Iterator[Effect]:
        """A voice of this kind is there, and nothing is decided about it."""
        if audible := self._audible():
            yield from self._contend(audible, now)
        elif self._kind is VoiceKind.CALLER:
            self.machine.move(FloorMove.TAKE)

    def _contend(self, audible: list[ResponsePlayout], now: Instant) -> Iterator[Effect]:
        """The voice is heard into the agent's speech."""
        if self._kind is not VoiceKind.CALLER:
            yield from self._keep(f"it is {self._kind.value}", now)
        elif not any(self._parts.talk.may_cut(playout.response) for playout in audible):
            pass  # protected: it is heard when that is over
        elif self._is_tail(audible):
            yield from self._pass()
        elif self.policy == "local":
            yield from self._take("any speech takes the turn")
        elif self._goes_on(audible, now):
            yield from self._take("the caller goes on")
        else:
            self._doubt(now)

    def voice_judged(self, event: VoiceJudged, now: Instant) -> Iterator[Effect]:
        state, was_ours = self.machine.state, self._kind in _OURS
        self._kind = event.kind
        if state is Floor.DOUBT and event.kind is not VoiceKind.CALLER:
            yield from self._keep(f"it is {event.kind.value}", now)
        elif state is Floor.DOUBT and event.certain:
            yield from self._take("it is plain speech")
        elif state is Floor.KEPT and event.kind is VoiceKind.CALLER and event.certain:
            yield from self._take("it became plain speech")
        elif state is Floor.KEPT and event.kind in _OURS and not was_ours:
            yield from self._is_ours(now)
        elif state is Floor.CLEAR and event.kind is VoiceKind.CALLER and self._rules:
            yield from self._heard(now)

    def _is_ours(self, now: Instant) -> Iterator[Effect]:
        """What was taken for an echo or a noise is the caller's: it is doubted now, or does not go on for ever."""
        may_cut = any(self._parts.talk.may_cut(playout.response) for playout in self._audible())
        if self._kind is not VoiceKind.CALLER or not may_cut:
            self._parts.timers.set(Timer.FLOOR, now + self._parts.plan.backchannel_us)
        elif self.policy == "local":
            yield from self._take("any speech takes the turn")
        else:
            self._doubt(now)

    def voice_stopped(self, now: Instant) -> Iterator[Effect]:
        if self.machine.state is Floor.DOUBT:
            yield from self._keep("it was short", now)
        yield from self._end(now)
        if self._kind is VoiceKind.CALLER:
            self._stopped_at = now

    # -- what the model says -----------------------------------------------------------------------------------------

    def model_heard(self, event: CallerSpeechStarted, now: Instant) -> Iterator[Effect]:
        """This takes no turn that the voice has not, where it is for us to say."""
        return self._parts.talk.caller_started(event, model_decides=self._yields_to_model(now))

    def model_broke_off(self, event: ResponseInterrupted, now: Instant) -> Iterator[Effect]:
        """Yield to it, or play what was made."""
        talk = self._parts.talk
        playout = talk.playouts.get(event.response)
        yields = self._yields_to_model(now)
        effects = list(talk.response_interrupted(event, yields=yields))
        yield from effects
        ignored = any(isinstance(effect, Ignore) for effect in effects)
        if not yields and playout is not None and not ignored:
            rescued = Samples(playout.sent - playout.played)
            verdict = FloorVerdict.KEPT
            yield FloorDecided(verdict, self._at, self._kind, "the model broke off", cut=True, rescued=rescued)

    def _yields_to_model(self, now: Instant) -> bool:
        if not self.decides:
            return True
        return self.machine.state is Floor.TAKEN or (self.machine.state is Floor.CLEAR and now < self._turn_until)

    # -- time and what follows ---------------------------------------------------------------------------------------

    def time_passed(self) -> Iterator[Effect]:
        if self.machine.state is Floor.DOUBT:
            yield from self._take("it went on")
        elif self.machine.state is Floor.KEPT and self._kind in _OURS:
            yield from self._take("it went on for too long")
        elif self.machine.state is Floor.TAKEN:
            self._waited = True

    def interrupted(self) -> None:
        """The turn was taken by other means."""
        if self.machine.state in (Floor.DOUBT, Floor.KEPT):
            self.machine.move(FloorMove.TAKE)
            self._parts.timers.clear(Timer.FLOOR)

    def deaf(self, now: Instant) -> Iterator[Effect]:
        """There is no ear any more: the model decides, where it was for us to."""
        yield from self._end(now)
        if self.decides:
            self.policy = "model"

    def revise(self, policy: str) -> None:
        self.policy = policy

    def settle(self, now: Instant) -> Iterator[Effect]:
        """Nobody is left silent: whatever became of the voice, the agent is heard again. And how late the model hears
        the caller.
        """
        rules = self._rules
        if not rules:
            self.interrupted()
        if self.machine.state is not Floor.DOUBT:
            self._parts.timers.clear(Timer.PAUSE)
        if self.machine.state is Floor.KEPT and self._kind not in _OURS and not self._audible():
            yield from self._end(now)  # whatever it is, the agent is not to be protected from it any more
        ours = rules and self._kind in _OURS
        self._parts.talk.taken = ours and self.machine.state in (Floor.TAKEN, Floor.PASSED)
        if Ability.PAUSE in self._parts.abilities:
            waits = ours and self.machine.state is Floor.TAKEN and not self._waited and bool(self._audible())
            if waits and not self._parts.timers.is_set(Timer.FLOOR):
                self._parts.timers.set(Timer.FLOOR, now + WAIT_LIMIT_US)
            yield from self._pause(waits or self._doubts)
        yield from self._hearing.settle(self._delay_us())

    @property
    def _doubts(self) -> bool:
        """For long enough to be silent: a click is over before. Whoever is silent already stays so."""
        return self.machine.state is Floor.DOUBT and (self.paused or not self._parts.timers.is_set(Timer.PAUSE))

    def _pause(self, paused: bool) -> Iterator[Effect]:  # the state that is to be
        if paused != self.paused:
            self.paused = paused
            yield PausePlaying() if paused else ResumePlaying()

    def _delay_us(self) -> int | None:
        if not self._rules:
            return 0
        match self.machine.state:
            case Floor.DOUBT | Floor.KEPT:
                return None
            case Floor.TAKEN | Floor.PASSED:
                return 0
        audible = self._audible()
        if not audible:
            return 0
        return DELAY_US if any(self._parts.talk.may_cut(playout.response) for playout in audible) else None

    # -- decisions ---------------------------------------------------------------------------------------------------

    def _doubt(self, now: Instant) -> None:
        """The agent pauses as soon as the voice is old enough."""
        self.machine.move(FloorMove.DOUBT)
        parts = self._parts
        age_us = max(0, self._hearing.gate.received - self._at) * 1_000_000 // (parts.rate_hz or 1)
        wait_us = max(0, parts.plan.pause_us - age_us)
        parts.timers.set(Timer.FLOOR, now + wait_us + parts.plan.decide_us)
        if wait_us:
            parts.timers.set(Timer.PAUSE, now + wait_us)

    def _keep(self, why: str, now: Instant) -> Iterator[Effect]:
        self.machine.move(FloorMove.KEEP)
        self._parts.timers.set(Timer.FLOOR, now + self._parts.plan.backchannel_us)
        yield FloorDecided(FloorVerdict.KEPT, self._at, self._kind, why)

    def _take(self, why: str) -> Iterator[Effect]:
        self.machine.move(FloorMove.TAKE)
        self._parts.timers.clear(Timer.FLOOR)
        yield FloorDecided(FloorVerdict.TAKEN, self._at, self._kind, why)
        models = self._parts.models
        yield from self._parts.talk.yield_turn(models.current if models.live else NO_CONNECTION)

    def _pass(self) -> Iterator[Effect]:
        self.machine.move(FloorMove.PASS)
        yield FloorDecided(FloorVerdict.PASSED, self._at, self._kind, "an early answer")

    def _end(self, now: Instant) -> Iterator[Effect]:
        """The voice is over. In the place of one that was kept the model hears the line as it was before."""
        if self.machine.state is Floor.KEPT:
            begin = max(0, self._at - MARGIN_US * self._parts.rate_hz // 1_000_000)
            yield from self._hearing.silence(begin, f"it was {self._kind.value}")
        elif self.machine.state is Floor.TAKEN:
            self._turn_until = Instant(now + LATE_US)
        self._waited = False
        if self.machine.can(FloorMove.END):
            self.machine.move(FloorMove.END)
            self._parts.timers.clear(Timer.FLOOR)

    # -- what there is to hear ---------------------------------------------------------------------------------------

    def _audible(self) -> list[ResponsePlayout]:
        return [playout for playout in self._parts.talk.playouts.audible if playout.sent > playout.played]

    def _is_tail(self, audible: list[ResponsePlayout]) -> bool:
        """The reply is made, and little of it is left to hear."""
        left = sum(playout.sent - playout.played for playout in audible)
        made = all(playout.state is Playout.ENDING for playout in audible)
        return made and left * 1_000_000 <= self._parts.plan.tail_us * self._parts.rate_hz

    def _goes_on(self, audible: list[ResponsePlayout], now: Instant) -> bool:
        heard = sum(playout.played for playout in audible)
        recent = self._stopped_at is not None and now - self._stopped_at < RECENT_US
        return recent and heard * 1_000_000 <= GOES_ON_US * self._parts.rate_hz
