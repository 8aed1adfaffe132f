"""How a call comes about: it talks when the channel and a model are both there."""

from __future__ import annotations

from collections.abc import Iterator

from vivavoce.core.links import Link, LinkMove
from vivavoce.core.phase import PhaseMove
from vivavoce.core.sides import Sides
from vivavoce.core.timers import Timer
from vivavoce.events import (
    GREETING,
    CallerConnected,
    CallStarted,
    Disposition,
    Effect,
    Ignore,
    Instant,
    ModelReady,
    Recall,
    Speak,
)

OPENING_LIMIT_US = 30_000_000
"""Channel and model have this long to come up."""


def start(sides: Sides, event: CallStarted, now: Instant) -> Iterator[Effect]:
    parts = sides.parts
    parts.phase.move(PhaseMove.START)
    parts.timers.set(Timer.OPENING, now + OPENING_LIMIT_US)
    sides.patience.begin(now)
    del event  # the plan is the parts' already
    return sides.model.open_first(now)


def caller_connected(sides: Sides, event: CallerConnected, now: Instant) -> Iterator[Effect]:
    parts = sides.parts
    if not parts.channel.can(LinkMove.OPEN):
        yield Ignore("CallerConnected", f"the channel is {parts.channel.state}")
        return
    parts.channel.move(LinkMove.OPEN)
    parts.rate_hz = parts.owed.ring.rate_hz = event.rate_hz
    parts.abilities = event.abilities
    yield from _connect(sides, now)


def model_ready(sides: Sides, event: ModelReady, now: Instant) -> Iterator[Effect]:
    yield from sides.model.ready(event, now)
    yield from _connect(sides, now)


def timed_out(sides: Sides) -> Iterator[Effect]:
    if sides.parts.channel.state is not Link.LIVE:
        return sides.ending.close(Disposition.CHANNEL_LOST, "the caller was not put through in time")
    return sides.ending.close(Disposition.MODEL_LOST, "no model was ready in time")


def _connect(sides: Sides, now: Instant) -> Iterator[Effect]:
    """Both ends are there: greet, and hand over what the caller has said so far."""
    parts = sides.parts
    models = parts.models
    if not (models.live and parts.channel.state is Link.LIVE and parts.phase.can(PhaseMove.CONNECT)):
        return
    parts.phase.move(PhaseMove.CONNECT)
    parts.timers.clear(Timer.OPENING)
    if turns := parts.history.turns(parts.talk.playouts, without_unanswered=False):
        yield Recall(models.current, turns)
    if parts.plan.greeting:
        parts.owed.asks.insert(0, Speak(models.current, GREETING, parts.plan.greeting))
    yield from parts.owed.address(models.current, now)
    for audio in parts.intake.release():
        yield sides.hearing.forward(audio)
