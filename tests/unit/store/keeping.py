"""A store that is none, a folder of calls, and a bookkeeper's duties that are quick."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vivavoce.errors import StoreFault
from vivavoce.events import CloseCall, Disposition, Instant
from vivavoce.ledger.cost import CallCost
from vivavoce.ledger.delivery import Delivery
from vivavoce.ledger.record import CallRecord
from vivavoce.store.books import Duties
from vivavoce.store.port import KeptCall
from vivavoce.timeline.schema import VERSION, Header, encode_header, encode_line
from vivavoce.timeline.write import TIMELINE_FILE

NOW = datetime(2026, 3, 2, 9, 20, tzinfo=UTC)
CLOSED = CloseCall(Disposition.COMPLETED, "goodbye")


class FakeStore:
    """``away`` says why it takes nothing, ``refuses`` which call, and with what."""

    def __init__(self) -> None:
        self.kept: dict[str, KeptCall] = {}
        self.strokes: list[list[str]] = []
        self.asked: list[int] = []
        self.away = ""
        self.refuses: dict[str, Exception] = {}
        self.tasks: list[Delivery] = []
        self.told: list[tuple[str, str, object]] = []
        self.claimed: set[str] = set()  # deliveries that somebody else tries just now
        self.closed = False

    def missing(self, calls: Sequence[str]) -> set[str]:
        self._answer()
        self.asked.append(len(calls))
        return set(calls) - self.kept.keys()

    def keep(self, calls: Sequence[KeptCall]) -> None:
        self._answer()
        for call in calls:
            if call.record.call in self.refuses:
                raise self.refuses[call.record.call]
        self.strokes.append([call.record.call for call in calls])
        self.kept.update((call.record.call, call) for call in calls)
        self.tasks += [task for call in calls for task in call.deliveries]

    def reprice(self, costs: object) -> None:
        raise NotImplementedError

    def due(self, now: datetime, limit: int) -> list[Delivery]:
        self._answer()
        return self.tasks[:limit]

    def claim(self, delivery: str, now: datetime, until: datetime) -> bool:
        assert until > now
        return delivery not in self.claimed

    def delivered(self, delivery: str, now: datetime) -> None:
        self._over(delivery, "taken", now)

    def postpone(self, delivery: str, until: datetime | None, why: str) -> None:
        self._over(delivery, why, until)

    def close(self) -> None:
        self.closed = True

    def _over(self, delivery: str, why: str, at: datetime | None) -> None:
        self.told.append((delivery, why, at))
        self.tasks = [task for task in self.tasks if task.delivery != delivery]

    def _answer(self) -> None:
        if self.away:
            raise StoreFault(self.away)


def priced(record: CallRecord, *, recording_bytes: int, timeline_bytes: int) -> CallCost:
    return CallCost(book=f"{record.call} {recording_bytes} {timeline_bytes}")


QUICK = Duties(price=priced, pause=lambda: None)


def with_deliveries(duties: Duties = QUICK) -> Duties:
    def deliveries(record: CallRecord, cost: CallCost) -> list[Delivery]:
        return [Delivery(delivery=f"d-{record.call}", call=record.call, url="https://a", body=cost.book.encode())]

    return replace(duties, deliveries=deliveries)


def write_call(calls: Path, call: str, *, ended: bool = True, opened: datetime = NOW, more: bytes = b"") -> Path:
    """The folder. Without an end it is as a process that died leaves it."""
    header = Header(vivavoce_timeline=VERSION, call=call, opened=opened.isoformat(), agent="Tester", vivavoce="0.1.0")
    folder = calls / call
    folder.mkdir(parents=True)
    raw = encode_header(header) + (encode_line(0, Instant(5_000_000), CLOSED) if ended else b"")
    (folder / TIMELINE_FILE).write_bytes(raw + more)
    return folder


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def work_off(step: Callable[[], float | None]) -> float | None:
    """All steps that follow at once; gives what the last one said."""
    for _ in range(1000):
        wait_s = step()
        if wait_s != 0:
            return wait_s
    raise AssertionError("it never comes to an end")
