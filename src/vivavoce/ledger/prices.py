"""What a call costs: the tokens that its models report, at the prices of a dated book.

US dollars for a million tokens, speech and text apart, as AWS's model cards of Nova Sonic were cited by three price
lists that agree (litellm 1.109.1, tau2's price table of 2026-08-04, a cost report among AWS's samples), none of them
AWS's own page. Prices change: :data:`PRICED` says when these were looked up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from vivavoce.events import CallStarted, ConnectionId, Effect, Event, OpenModel, UsageReported

PRICED = "2026-11-22"
"""The day on which the book was filled."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens."""

    speech_in: float
    speech_out: float
    text_in: float
    text_out: float


BOOK: Mapping[str, Price] = {
    "nova-2-sonic": Price(speech_in=3.00, speech_out=12.00, text_in=0.33, text_out=2.75),
    "nova-2-5-sonic": Price(speech_in=3.00, speech_out=12.00, text_in=0.33, text_out=2.75),
    "nova-sonic": Price(speech_in=3.40, speech_out=13.60, text_in=0.06, text_out=0.24),
}
"""By the name that the call's plan gives the model."""

Reason = Literal["", "simulated", "unpriced"]


@dataclass(frozen=True, slots=True)
class Cost:
    """So far. ``usd`` is None where it is not known, and ``reason`` says why: nothing here is free only because nobody
    knows its price.
    """

    usd: float | None
    reason: Reason = ""
    speech_in: int = 0
    speech_out: int = 0
    text_in: int = 0
    text_out: int = 0


class CostFold:
    """The cost of one call as its facts come. ``simulated``: a stand-in answers, whose tokens cost nobody anything."""

    def __init__(self, *, simulated: bool, book: Mapping[str, Price] = BOOK) -> None:
        self._book = book
        self._models: Sequence[str] = ()
        self._opened: dict[ConnectionId, str] = {}
        self.cost = Cost(None, "simulated") if simulated else Cost(0.0)

    def add(self, value: Event | Effect) -> None:
        match value:
            case CallStarted(plan):
                self._models = plan.models
            case OpenModel(connection, model):
                self._opened[connection] = self._models[model] if model < len(self._models) else ""
                self._check(connection)
            case UsageReported():
                self._check(value.connection)
                self._count(value)

    def _check(self, connection: ConnectionId) -> None:
        if self.cost.usd is not None and self._opened.get(connection, "") not in self._book:
            self.cost = replace(self.cost, usd=None, reason="unpriced")

    def _count(self, usage: UsageReported) -> None:
        so_far = self.cost
        usd = so_far.usd
        if usd is not None:
            usd += in_usd(usage, self._book[self._opened[usage.connection]])
        self.cost = Cost(
            usd,
            so_far.reason,
            so_far.speech_in + usage.speech_in,
            so_far.speech_out + usage.speech_out,
            so_far.text_in + usage.text_in,
            so_far.text_out + usage.text_out,
        )


def in_usd(usage: UsageReported, price: Price) -> float:
    """What these tokens cost."""
    millionths = (
        usage.speech_in * price.speech_in
        + usage.speech_out * price.speech_out
        + usage.text_in * price.text_in
        + usage.text_out * price.text_out
    )
    return millionths / 1_000_000
