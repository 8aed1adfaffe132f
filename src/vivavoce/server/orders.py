"""What a server's parent and its workers tell each other: a line of JSON each, over a socket pair of theirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TypeAlias

import msgspec
from msgspec import Struct

from vivavoce.server.admission import Tally


class Report(Struct, frozen=True, tag="report"):
    """A worker's state. ``received`` counts the connections that it was ever given, ``open`` those it has."""

    received: int
    open: int
    calls: int
    by_key: dict[str, int]
    by_model: dict[str, int]
    begun: dict[str, int]

    @property
    def tally(self) -> Tally:
        return Tally(self.calls, self.by_key, self.by_model, self.begun)


class Ready(Struct, frozen=True, tag="ready"):
    """The worker takes connections from now on."""


class Ended(Struct, frozen=True, tag="ended"):
    """The worker is about to leave; ``stopped`` calls had to be stopped."""

    stopped: int


class Elsewhere(Struct, frozen=True, tag="elsewhere"):
    """What all the other workers have live."""

    calls: int
    by_key: dict[str, int]
    by_model: dict[str, int]
    begun: dict[str, int]

    @property
    def tally(self) -> Tally:
        return Tally(self.calls, self.by_key, self.by_model, self.begun)


class Drain(Struct, frozen=True, tag="drain"):
    """Let the live calls end, and leave."""


class Hurry(Struct, frozen=True, tag="hurry"):
    """End them, and leave."""


Told: TypeAlias = Report | Ready | Ended
"""By a worker."""
Order: TypeAlias = Elsewhere | Drain | Hurry
"""By the parent."""

LIMIT_BYTES = 4 * 1024 * 1024

read_told = msgspec.json.Decoder(Told).decode
read_order = msgspec.json.Decoder(Order).decode
_encode = msgspec.json.encode


def line_of(message: Told | Order) -> bytes:
    return _encode(message) + b"\n"


def report_of(tally: Tally, *, received: int, connections: int) -> Report:
    by_key, by_model, begun = dict(tally.by_key), dict(tally.by_model), dict(tally.begun)
    return Report(received, connections, tally.calls, by_key, by_model, begun)


def elsewhere(reports: Iterable[Report]) -> Elsewhere:
    """The sum."""
    by_key: Counter[str] = Counter()
    by_model: Counter[str] = Counter()
    begun: Counter[str] = Counter()
    calls = 0
    for report in reports:
        calls += report.calls
        by_key.update(report.by_key)
        by_model.update(report.by_model)
        begun.update(report.begun)
    return Elsewhere(calls, dict(by_key), dict(by_model), dict(begun))


def fewest(given: Iterable[tuple[int, int, Report]]) -> int | None:
    """To which worker the next connection goes. For each its number, how many connections it was given, and its last
    report. A connection that was given and not reported counts as the call that it may become, and so does an open one.
    """
    loads = ((max(report.calls, report.open) + sent - report.received, sent, number) for number, sent, report in given)
    best = min(loads, default=None)
    return best[2] if best is not None else None
