"""Which model sessions a call had, and what kind each of its turns is."""

from __future__ import annotations

from vivavoce.events import (
    CallStarted,
    ConnectionId,
    ModelLost,
    OpenModel,
    ResponseStarted,
    SwapModel,
    SwapMoment,
)
from vivavoce.ledger.heeding import Handlers
from vivavoce.ledger.record import TurnKind
from vivavoce.ledger.turns import Turn, Turns


class Sessions:
    """Follows the sessions. ``models`` are the plan's names; ``names`` has each connection's."""

    def __init__(self, turns: Turns) -> None:
        self.models: tuple[str, ...] = ()
        self.names: dict[ConnectionId, str] = {}  # in the order opened
        self._turns = turns
        self._current: ConnectionId | None = None  # who speaks for the call
        self._lost_us: list[int] = []  # when one that did, did no more
        self._took_over: dict[ConnectionId, SwapModel] = {}
        self._answered: dict[ConnectionId, int] = {}  # the first of the caller's turns that each was first to answer

    @property
    def handlers(self) -> Handlers:
        return {
            CallStarted: self._started,
            OpenModel: self._opened,
            SwapModel: self._swapped,
            ModelLost: self._lost,
            ResponseStarted: self._response_started,
        }

    def name(self, connection: ConnectionId) -> str:
        """The model's; empty where nobody opened it."""
        return self.names.get(connection, "")

    def kind(self, turn: Turn) -> TurnKind:
        """As far as is known; it stays so once the next turn has begun."""
        if turn.number == 0:
            return TurnKind.OPENING
        swap = self._first_of(turn)
        if self._lost_in(turn) or (swap is not None and self._is_another(swap)):
            return TurnKind.FAILOVER
        if swap is not None:
            return TurnKind.RENEWAL
        if _tool_ran(turn):
            return TurnKind.TOOL
        if turn.given.took:
            return TurnKind.INTERRUPTED
        return TurnKind.FIRST if turn.number == 1 else TurnKind.CLEAN

    def _lost_in(self, turn: Turn) -> bool:
        """A session was lost while the caller waited, or still spoke."""
        begin, end = turn.began_us, turn.first_audio_us
        if end is None and turn.number + 1 < len(self._turns.turns):
            end = self._turns.turns[turn.number + 1].began_us
        return begin is not None and any(begin <= at and (end is None or at <= end) for at in self._lost_us)

    def _first_of(self, turn: Turn) -> SwapModel | None:
        """How the session took over of which this is the first answer."""
        if not turn.replies:
            return None
        connection = turn.replies[0].playout.connection
        return self._took_over.get(connection) if self._answered.get(connection) == turn.number else None

    def _is_another(self, swap: SwapModel) -> bool:
        return swap.moment is SwapMoment.RECOVERY or self.name(swap.connection) != self.name(swap.old)

    def _started(self, _at: int, value: CallStarted) -> None:
        self.models = value.plan.models

    def _opened(self, _at: int, value: OpenModel) -> None:
        known = 0 <= value.model < len(self.models)
        self.names[value.connection] = self.models[value.model] if known else ""
        if self._current is None:
            self._current = value.connection

    def _swapped(self, at: int, value: SwapModel) -> None:
        self._current = value.connection
        self._took_over[value.connection] = value
        if value.moment is SwapMoment.RECOVERY:
            self._lost_us.append(at)

    def _lost(self, at: int, value: ModelLost) -> None:
        if value.connection == self._current:
            self._current = None
            self._lost_us.append(at)

    def _response_started(self, _at: int, value: ResponseStarted) -> None:
        self._current = value.connection
        turn = self._turns.turns[-1]
        if turn.number and turn.responses[:1] == [value.response]:
            self._answered.setdefault(value.connection, turn.number)


def _tool_ran(turn: Turn) -> bool:
    """Before the answer, if there is one."""
    until = turn.first_audio_us
    return any(until is None or use.started_us <= until for use in turn.tools)
