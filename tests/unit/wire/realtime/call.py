"""A front and the core of a call joined without any I/O, and a model that does what a test says."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.unit.wire.realtime.line import OFFER, ONE, Line
from vivavoce.core.session import Session
from vivavoce.events import (
    Audio,
    CallerConnected,
    CallPlan,
    CallStarted,
    Effect,
    Event,
    Instant,
    ModelReady,
    TimePassed,
)
from vivavoce.wire.realtime.actions import Action, Emit
from vivavoce.wire.realtime.configuration import Interruption

PLAN = CallPlan(agent="hotel", models=("scripted",))


class Call(Line):
    """``effects`` are those of the last thing done; actions that are facts are told to the call at once."""

    def __init__(
        self, session: dict[str, Any] | None = None, *, plan: CallPlan = PLAN, policy: Interruption = "model"
    ) -> None:
        self.core = Session()
        self.effects: list[Effect] = []
        super().__init__(session, offer=msgspec.structs.replace(OFFER, interruption=policy))
        plan = msgspec.structs.replace(plan, interruption=self.front.configuration.interruption)
        connected = CallerConnected("realtime", 24_000, self.front.abilities)
        self.happens(CallStarted(plan), connected, ModelReady(ONE))

    def happens(self, *facts: Event) -> list[dict[str, Any]]:
        """Facts of the model, or of the engine."""
        self.actions, self.effects = [], []
        for fact in facts:
            self._step(fact)
        return self.sent

    def say_raw(self, frame: str | bytes) -> list[dict[str, Any]]:
        super().say_raw(frame)
        self.effects = []
        self._carry_out([*self.actions])
        return self.sent

    def wait_until(self, at_s: float) -> list[dict[str, Any]]:
        self.actions, self.effects = [], []
        until = Instant(round(at_s * 1_000_000))
        while True:
            dues = [due for due in (self.front.deadline, self.core.deadline) if due is not None and due <= until]
            if not dues:
                self.now = until
                return self.sent
            self.now = Instant(max(self.now, min(dues)))
            self._wanted(self.front.time_passed(self.now))
            if self.core.deadline is not None and self.core.deadline <= self.now:
                self._step(TimePassed())

    def speech(self, length_s: float) -> Audio:
        return Audio(bytes(round(length_s * 48_000)))

    def _carry_out(self, actions: list[Action]) -> None:
        """As a channel does: facts go to the call, and what follows comes back."""
        for action in actions:
            if isinstance(action, Emit):
                self._step(action.event)

    def _step(self, fact: Event) -> None:
        self._observe(fact)
        for effect in self.core.receive(fact, self.now):
            self.effects.append(effect)
            self._observe(effect)

    def _observe(self, value: Event | Effect) -> None:
        self._wanted(self.front.observe(value, self.now))

    def _wanted(self, actions: list[Action]) -> None:
        self.actions += actions
        self._carry_out(actions)
