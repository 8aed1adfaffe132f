"""What a call has cost so far, while it goes on: tokens and declared tools, by the prices of one day.

Afterwards :mod:`vivavoce.ledger.pricing` says it in full: by turn, with minutes, storage and other currencies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from vivavoce.events import (
    AgentRevised,
    CallStarted,
    ConnectionId,
    Effect,
    Event,
    OpenModel,
    RunTool,
    ToolPlan,
    UsageReported,
)
from vivavoce.ledger.book import MILLION, SPEECH_IN, SPEECH_OUT, TEXT_IN, TEXT_OUT, Book, Row
from vivavoce.ledger.cost import Item

CURRENCY = "USD"
"""Of what is counted while a call goes on; a price in another one is none here."""
BILLION = 1_000_000_000

Reason = Literal["", "simulated", "unpriced"]


@dataclass(frozen=True, slots=True)
class Cost:
    """So far. ``usd`` is None where it is not known or owed to nobody, and ``reason`` says why: nothing here is free
    only because nobody knows its price. ``would_be`` is what it would be if it were; None where a price is missing.
    ``known`` is what has a price of it, whatever is missing.
    """

    usd: Decimal | None
    reason: Reason = ""
    would_be: Decimal | None = None
    known: Decimal = Decimal(0)
    speech_in: int = 0
    speech_out: int = 0
    text_in: int = 0
    text_out: int = 0


class CostFold:
    """The cost of one call as its facts come, at the prices of ``day``. ``simulated``: a stand-in answers, whose tokens
    cost nobody anything."""

    def __init__(self, *, simulated: bool, book: Book, day: date) -> None:
        self._simulated = simulated
        self._book = book
        self._day = day
        self._models: Sequence[str] = ()
        self._tools: dict[str, Decimal] = {}
        self._opened: dict[ConnectionId, Row | None] = {}
        nothing = Decimal(0)
        self.cost = Cost(None, "simulated", nothing) if simulated else Cost(nothing, "", nothing)

    @property
    def book(self) -> str:
        """The book's name."""
        return self._book.name

    def add(self, value: Event | Effect) -> None:
        match value:
            case CallStarted(plan):
                self._models = plan.models
                self._declare(plan.tools)
            case AgentRevised():
                self._declare(value.tools)
            case OpenModel(connection, model):
                self._opened[connection] = self._row(model)
                self._check(connection)
            case UsageReported():
                self._check(value.connection)
                self._count(value)
            case RunTool() if self._tools.get(value.name):
                self._charge(self._tools[value.name])

    def _declare(self, tools: Iterable[ToolPlan]) -> None:
        self._tools.update((tool.name, Decimal(tool.price) / BILLION) for tool in tools)

    def _row(self, model: int) -> Row | None:
        name = self._models[model] if model < len(self._models) else ""
        return usd_row(self._book, name, self._day)

    def _check(self, connection: ConnectionId) -> None:
        if self._opened.get(connection) is None and self.cost.would_be is not None:
            reason: Reason = "simulated" if self._simulated else "unpriced"
            self.cost = replace(self.cost, usd=None, reason=reason, would_be=None)

    def _count(self, usage: UsageReported) -> None:
        row = self._opened.get(usage.connection)
        if row is not None:
            self._charge(in_usd(usage, row))
        so_far = self.cost
        self.cost = replace(
            so_far,
            speech_in=so_far.speech_in + usage.speech_in,
            speech_out=so_far.speech_out + usage.speech_out,
            text_in=so_far.text_in + usage.text_in,
            text_out=so_far.text_out + usage.text_out,
        )

    def _charge(self, amount: Decimal) -> None:
        known = self.cost.known + amount
        self.cost = replace(self.cost, known=known)
        if self.cost.would_be is not None:
            self.cost = replace(self.cost, usd=None if self._simulated else known, would_be=known)


def usd_row(book: Book, model: str, day: date) -> Row | None:
    """The model's prices, where the book has them in US dollars."""
    row = book.find(Item.MODEL, model, day)
    return row if row is not None and row.currency == CURRENCY else None


def in_usd(usage: UsageReported, row: Row) -> Decimal:
    """What these tokens cost."""
    prices = row.prices
    millionths = (
        usage.speech_in * prices[SPEECH_IN]
        + usage.speech_out * prices[SPEECH_OUT]
        + usage.text_in * prices[TEXT_IN]
        + usage.text_out * prices[TEXT_OUT]
    )
    return millionths / MILLION
