"""The call as a whole: being put through, in talk, saying its last words, closed."""

from __future__ import annotations

from enum import StrEnum

from vivavoce.core.machine import Machine


class Phase(StrEnum):
    """How far the call has come."""

    NEW = "new"
    OPENING = "opening"  # waiting for the caller's channel and a model
    TALKING = "talking"
    ENDING = "ending"  # why is settled; what is being said is said to its end
    CLOSED = "closed"


class PhaseMove(StrEnum):
    """What moves the call on."""

    START = "start"
    CONNECT = "connect"
    END = "end"
    CLOSE = "close"


PHASE_TABLE = {
    (Phase.NEW, PhaseMove.START): Phase.OPENING,
    (Phase.OPENING, PhaseMove.CONNECT): Phase.TALKING,
    (Phase.TALKING, PhaseMove.END): Phase.ENDING,
    (Phase.NEW, PhaseMove.CLOSE): Phase.CLOSED,
    (Phase.OPENING, PhaseMove.CLOSE): Phase.CLOSED,
    (Phase.TALKING, PhaseMove.CLOSE): Phase.CLOSED,
    (Phase.ENDING, PhaseMove.CLOSE): Phase.CLOSED,
}


def phase() -> Machine[Phase, PhaseMove]:
    return Machine(PHASE_TABLE, Phase.NEW)
