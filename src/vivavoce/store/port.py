"""What the store can be asked: the questions, and the rows that answer them. Commands, console and exports read by this
and know no database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, Protocol

import msgspec

from vivavoce.ledger.cost import Amounts, CallCost, Shares
from vivavoce.ledger.delivery import Delivery
from vivavoce.ledger.record import Basis, CallRecord, TurnKind

Dimension = Literal["agent", "tenant", "model", "channel", "day", "kind"]
"""What figures can be told apart by. Latency is always told apart by kind. Days are UTC's."""
Order = Literal["newest", "oldest", "longest", "slowest", "dearest"]


class CallFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls: those for which all that is given holds. ``since`` and ``until`` are instants with an offset, the
    latter not included. ``text`` is looked for in the id, the reason, and what was said. ``call`` is an id or its
    beginning. ``kind``: has a turn of that kind. ``slower_than_ms``: its slowest turn that is no opening, by events.
    """

    since: datetime | None = None
    until: datetime | None = None
    call: str = ""
    agent: str = ""
    agents: tuple[str, ...] | None = None
    """Of these alone, for whoever may see no others; None for all."""
    tenant: str | None = None
    model: str = ""
    channel: str = ""
    disposition: str = ""
    kind: TurnKind | None = None
    simulated: bool | None = None
    torn: bool | None = None
    text: str = ""
    slower_than_ms: float | None = None
    dearer_than: Decimal | None = None


class CallRow(msgspec.Struct, frozen=True, kw_only=True):
    """One call in a list. ``model`` is the one that the call began with. ``slowest_ms`` by events, openings apart."""

    call: str
    opened: datetime
    agent: str
    tenant: str
    channel: str
    model: str
    outbound: bool
    simulated: bool
    torn: bool
    duration_ms: float
    disposition: str
    reason: str
    turns: int
    barge_ins: int
    tool_calls: int
    swaps: int
    errors: int
    median_ms: float | None
    slowest_ms: float | None
    amounts: Amounts
    unpriced: tuple[str, ...]
    recorded: bool
    """Whether its sound is kept."""


class CallPage(msgspec.Struct, frozen=True, kw_only=True):
    """``total`` is of all calls that the filter lets through; ``after`` asks for what follows, empty at the end."""

    rows: tuple[CallRow, ...]
    total: int
    after: str = ""


class StoredCall(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one call. ``record`` has no words where they were forgotten (``words`` is False)."""

    record: CallRecord
    cost: CallCost
    recorded: bool
    words: bool
    timeline_bytes: int
    recording_bytes: int


class LatencyRow(msgspec.Struct, frozen=True, kw_only=True):
    """Nearest-rank percentiles of one group of turns of one kind, and of the slowest turn of each call among them."""

    group: tuple[tuple[str, str], ...]
    """``(dimension, value)`` in the order that was asked for."""
    kind: TurnKind
    basis: Basis
    simulated: bool
    turns: int
    calls: int
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    call_max_p50_ms: float
    call_max_p95_ms: float
    tool_p50_ms: float
    model_p50_ms: float | None
    server_p50_ms: float | None
    server_p95_ms: float | None
    silence_p50_ms: float | None


class CostRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one group of calls cost. ``minutes`` is talk, from the caller's being on the line to the end."""

    group: tuple[tuple[str, str], ...]
    simulated: bool
    calls: int
    turns: int
    minutes: Decimal
    speech_in: int
    speech_out: int
    text_in: int
    text_out: int
    amounts: Amounts
    shares: Shares
    unpriced: tuple[str, ...]


class TroubleRow(msgspec.Struct, frozen=True, kw_only=True):
    """How calls of a day ended."""

    day: date
    disposition: str
    calls: int


class KeptCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call on its way into the store. ``timeline`` is the file as it was written, ``folder`` where it and perhaps the
    recording of ``recording_bytes`` lie. ``deliveries`` become due with the same stroke that keeps the call."""

    record: CallRecord
    cost: CallCost
    timeline: bytes
    folder: str
    recording_bytes: int = 0
    deliveries: tuple[Delivery, ...] = ()


class Keeper(Protocol):
    """Writing. Every method blocks, and does all of it or nothing. Raises :class:`~vivavoce.errors.StoreFault` where
    the database is away or full; then the same may be tried again."""

    def missing(self, calls: Sequence[str]) -> set[str]:
        """Those of them that are not kept yet."""
        ...

    def keep(self, calls: Sequence[KeptCall]) -> None:
        """A call that is there already is replaced. Its deliveries are not: there are those that it first came with, as
        whoever kept it before may have had none to give."""
        ...

    def reprice(self, told: Mapping[str, CallCost]) -> None:
        """What calls cost, by their ids, instead of what was said before; what is not kept is passed over."""
        ...

    def due(self, now: datetime, limit: int) -> list[Delivery]: ...

    def claim(self, delivery: str, now: datetime, until: datetime) -> bool:
        """Whether it is still due; if so, it is not due for anybody else until then."""
        ...

    def delivered(self, delivery: str, now: datetime) -> None: ...

    def postpone(self, delivery: str, until: datetime | None, why: str) -> None:
        """Not taken: to be tried again then, or never (None)."""
        ...


class Records(Protocol):
    """Reading. Every method blocks: call it off the event loop. Raises :class:`~vivavoce.errors.StoreFault` where the
    database is away.
    """

    def list_calls(
        self, which: CallFilter, *, order: Order = "newest", limit: int = 50, after: str = ""
    ) -> CallPage: ...

    def each_call(self, which: CallFilter) -> Iterator[StoredCall]:
        """All of them, oldest first, a few in memory at once."""
        ...

    def find(self, call: str) -> StoredCall | None:
        """By its whole id, or by a beginning that only one has. Raises :class:`~vivavoce.errors.UsageError` where
        several have it."""
        ...

    def timeline(self, call: str) -> bytes | None:
        """The file, as it was written; None where there is none, or it was forgotten."""
        ...

    def latency(
        self, which: CallFilter, by: Sequence[Dimension], *, basis: Basis = Basis.EVENTS
    ) -> list[LatencyRow]: ...

    def costs(self, which: CallFilter, by: Sequence[Dimension]) -> list[CostRow]:
        """``kind`` is none of the dimensions that costs have."""
        ...

    def trouble(self, which: CallFilter) -> list[TroubleRow]: ...

    def spent(self, since: datetime, *, agent: str = "", tenant: str = "") -> Amounts:
        """By real calls that were opened since then; of that agent, of that tenant, where they are given."""
        ...

    def values(self, dimension: Dimension) -> list[str]:
        """Those that there are, for menus."""
        ...


class Ledger(Records, Keeper, Protocol):
    """Both, until it is closed."""

    def close(self) -> None: ...
