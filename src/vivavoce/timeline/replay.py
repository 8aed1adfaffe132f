"""Running the core again over a recorded call, and comparing what it wishes for with what it wished for then."""

from __future__ import annotations

from dataclasses import dataclass

from vivavoce.core.session import Session
from vivavoce.events import Effect, Event
from vivavoce.timeline.read import Timeline
from vivavoce.timeline.schema import Line


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where replay and record part. ``recorded`` or ``replayed`` is None where one has nothing."""

    number: int
    after: Event | None
    recorded: Effect | Event | None
    replayed: Effect | None


@dataclass(frozen=True, slots=True)
class Replay:
    """``identical`` if every recorded effect came again, in order and equal, and no other."""

    facts: int
    effects: int
    difference: Difference | None

    @property
    def identical(self) -> bool:
        return self.difference is None


def replay(timeline: Timeline) -> Replay:
    """Feed the recorded facts at their recorded instants to a new session.

    A timeline without its end (a crash) may lack effects of its last fact; those are not missed.
    """
    session = Session()
    facts = effects = 0
    fact: Event | None = None
    expected: list[Effect] = []
    for line in timeline.lines:
        if line.is_fact:
            if expected:
                return Replay(facts, effects, Difference(line.number, fact, line.value, expected[0]))
            fact, expected = _step(session, line)
            facts += 1
        elif not expected or line.value != expected[0]:
            return Replay(facts, effects, Difference(line.number, fact, line.value, expected[0] if expected else None))
        else:
            del expected[0]
            effects += 1
    if expected and timeline.closed is not None:
        return Replay(facts, effects, Difference(len(timeline.lines), fact, None, expected[0]))
    return Replay(facts, effects, None)


def _step(session: Session, line: Line) -> tuple[Event, list[Effect]]:
    event: Event = line.value  # type: ignore[assignment]  # line.is_fact was asked
    return event, list(session.receive(event, line.instant))
