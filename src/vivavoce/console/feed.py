"""One call's timeline on its way to those who look at it: :class:`CallFeed` is a witness of the call.

Every frame of a call passes here, so a call that nobody looks at costs a look-up and an addition a frame; turns, levels
and how far replies are played are worked out from the first reader on, and told ten times a second. Of turns that were
over by then the latency is not known, and not told. Nothing grows with a call's length: the latest facts are kept for
those who come late, and whoever reads too slowly is told of a gap.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from datetime import UTC

from vivavoce.console.decisions import HEEDED, Decisions
from vivavoce.console.frames import Frames
from vivavoce.console.shown import SHOWN, Shown, encoded, shown, shown_cost, shown_hold, shown_turn
from vivavoce.engine.clock import wall_clock
from vivavoce.errors import Refused
from vivavoce.events import CallerSpeechStopped, CallStarted, CloseCall, Effect, Event, Instant, UsageReported
from vivavoce.ledger.book import Book, default_book
from vivavoce.ledger.prices import Cost, CostFold
from vivavoce.ledger.turns import TurnFold
from vivavoce.timeline.schema import Line

KEPT_FACTS = 2_000
"""For those who come late: about an hour of quick talk."""
WAITING_EVENTS = 1_000
"""What may wait for one reader."""
READERS = 8
"""At the same call at once."""
KEEP_ALIVE_S = 15.0


class CallFeed:
    """Give :meth:`observe` to the call as a witness from its first fact on. ``decisions`` are what somebody beside the
    call may decide. The call costs today's prices of ``book``, else of the one that comes with Vivavoce. All of it is
    for the call's own loop."""

    def __init__(self, *, simulated: bool, book: Book | None = None) -> None:
        self.over = False
        self.decisions = Decisions()
        self._at = Instant(0)
        self._number = 0
        self._kept: deque[tuple[int, Instant, Event | Effect]] = deque(maxlen=KEPT_FACTS)
        self._started: CallStarted | None = None
        self._frames = Frames()
        prices = book if book is not None else default_book()
        self._cost = CostFold(simulated=simulated, book=prices, day=wall_clock().astimezone(UTC).date())
        self._turns: _Turns | None = None
        self._told_cost: Shown = {}
        self._readers: set[_Reader] = set()

    @property
    def cost(self) -> Cost:
        """So far."""
        return self._cost.cost

    def observe(self, at: Instant, value: Event | Effect) -> None:
        self._at = at
        self._frames.add(value)
        if self._turns is not None:
            self._turns.add(at, value)
        if type(value) in HEEDED:
            self._heed(at, value)
        if type(value) in SHOWN:
            self._keep(at, value)
        elif isinstance(value, UsageReported):
            self._cost.add(value)
            self._tell_changes()
        if self._readers and self._frames.due(at) and not self.over:
            self._tell(self._frames.told(at))
            self._tell_changes()

    def check_room(self) -> None:
        """Raises :class:`~vivavoce.errors.Refused` if so many read this call already that nobody else may."""
        if len(self._readers) >= READERS:
            raise Refused("enough others look at this call", status=429, code="too_many_readers", retry_after_s=5)

    async def read(self, after: int = -1) -> AsyncIterator[bytes]:
        """The facts after that number, as far as they are kept, and from there on what happens, to the call's end."""
        reader = _Reader()
        backlog = self._backlog(after)
        self._enter(reader)
        try:
            for event in backlog:
                yield event
            while True:
                for event in reader.take():
                    yield event
                if self.over and not reader.waiting:
                    return
                await reader.more(KEEP_ALIVE_S)
        finally:
            self._readers.discard(reader)
            self._frames.looked_at = bool(self._readers)

    def _enter(self, reader: _Reader) -> None:
        self._readers.add(reader)
        self._frames.looked_at = True

    def _backlog(self, after: int) -> list[bytes]:
        """What a reader who comes now has missed: the kept facts, then what they have come to."""
        if self._turns is None:
            self._turns = self._turns_so_far()
        missed = [encoded(shown(at, value), number) for number, at, value in self._kept if number > after]
        lost = self._kept[0][0] - after - 1 if self._kept else 0
        gap = [encoded(_gap(lost))] if lost > 0 else []
        folded = (
            *self._frames.playouts(self._at),
            *self._turns.all(),
            shown_cost(self._at, self._cost.cost, self._cost.book),
            shown_hold(self._at, held=self.decisions.held),
        )
        return [*gap, *missed, *(encoded(told) for told in folded)]

    def _turns_so_far(self) -> _Turns:
        """Without the frames nobody knows when speech ended, so of these turns that is left out."""
        turns = _Turns()
        if self._started is not None:
            turns.add(Instant(0), self._started)
        for _, at, value in self._kept:
            if not isinstance(value, CallStarted | CallerSpeechStopped):
                turns.add(at, value)
        for forwarded in self._frames.forwarded():
            turns.add(self._at, forwarded)
        if self.over:
            turns.finish()
        return turns

    def _heed(self, at: Instant, value: Event | Effect) -> None:
        held = self.decisions.held
        self.decisions.add(value)
        if self.decisions.held != held:
            self._tell([shown_hold(at, held=not held)])

    def _keep(self, at: Instant, value: Event | Effect) -> None:
        self._cost.add(value)
        number, self._number = self._number, self._number + 1
        self._kept.append((number, at, value))
        if isinstance(value, CallStarted):
            self._started = value
        if isinstance(value, CloseCall):
            self.over = True
            if self._turns is not None:
                self._turns.finish()
            self._tell(self._frames.told(at))
        if self._readers:
            self._send(encoded(shown(at, value), number))
            self._tell_changes()

    def _tell_changes(self) -> None:
        """Of turns and cost, what differs from what was told last."""
        if self._readers and self._turns is not None:
            self._tell(self._turns.changed())
            cost = shown_cost(Instant(0), self._cost.cost, self._cost.book)
            if cost != self._told_cost:
                self._told_cost = cost
                self._tell([{**cost, "at_us": self._at}])

    def _tell(self, events: Iterable[Shown]) -> None:
        for told in events:
            self._send(encoded(told))

    def _send(self, event: bytes) -> None:
        for reader in self._readers:
            reader.put(event)


class _Turns:
    """The call's turns, and which of them have been told as they are."""

    def __init__(self) -> None:
        self._fold = TurnFold()
        self._lines = 0
        self._at = Instant(0)
        self._told: dict[int, Shown] = {}

    def add(self, at: Instant, value: Event | Effect) -> None:
        self._at = at
        self._fold.add(Line(self._lines, at, value))
        self._lines += 1

    def finish(self) -> None:
        self._fold.finish()

    def all(self) -> list[Shown]:
        return [shown_turn(self._at, turn) for turn in self._fold.turns]

    def changed(self) -> list[Shown]:
        """Only the last turns still change."""
        news: list[Shown] = []
        for turn in self._fold.turns[-2:]:
            told = shown_turn(Instant(0), turn)
            if told != self._told.get(turn.number):
                self._told = {number: known for number, known in self._told.items() if number >= turn.number - 1}
                self._told[turn.number] = told
                news.append({**told, "at_us": self._at})
        return news


class _Reader:
    """The events that wait for one reader."""

    def __init__(self) -> None:
        self._events: deque[bytes] = deque()
        self._lost = 0
        self._more = asyncio.Event()

    @property
    def waiting(self) -> bool:
        return bool(self._events or self._lost)

    def put(self, event: bytes) -> None:
        if len(self._events) >= WAITING_EVENTS:
            self._lost += len(self._events)
            self._events.clear()
        self._events.append(event)
        self._more.set()

    def take(self) -> list[bytes]:
        gap = [encoded(_gap(self._lost))] if self._lost else []
        events = [*gap, *self._events]
        self._events.clear()
        self._lost = 0
        self._more.clear()
        return events

    async def more(self, keep_alive_s: float) -> None:
        """Returns when there is something to take; a comment is, once nothing has come for so long."""
        try:
            async with asyncio.timeout(keep_alive_s):
                await self._more.wait()
        except TimeoutError:
            self._events.append(b": still here\n\n")


def _gap(events: int) -> Shown:
    return {"type": "gap", "events": events}
