"""What one call costs: charges, and their sums by turn and call. Made by :mod:`vivavoce.ledger.pricing`.

Money is ``Decimal``, exact to 10⁻¹² of the currency: every charge is rounded there (half to even), once, and sums are
sums of charges. Amounts of different currencies are never added up. What has no price has the amount None and is named:
unknown is not free.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum

import msgspec

QUANTUM = Decimal("1E-12")

Amounts = Mapping[str, Decimal]
"""By currency; empty where nothing was charged."""


class Item(StrEnum):
    """What is charged for."""

    MODEL = "model"
    TELEPHONY = "telephony"
    TOOL = "tool"
    STORAGE = "storage"


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """``quantity`` of ``unit`` (``speech_in``, ``text_out``, ``minute``, ``call``, ``gigabyte_month``, …) of ``name``,
    a model, carrier or tool. ``turn`` is None for what belongs to the call as a whole. ``price`` is for one unit as the
    book has it, of ``per`` units (a million tokens). ``priced`` names the book's row: ``BOOK DATE``.
    """

    item: Item
    name: str
    unit: str
    quantity: Decimal
    turn: int | None = None
    price: Decimal | None = None
    per: int = 1
    amount: Decimal | None = None
    currency: str = ""
    priced: str = ""


class Shares(msgspec.Struct, frozen=True, kw_only=True):
    """Of an amount, what was spent for nothing, in the same currencies: on speech that was generated and not heard
    (``waste``), on telling a session that took over what it had to know (``renewal``), on the caller's silence
    (``silence``). Shares of one amount that do not overlap; the first two are told from the provider's counts, the last
    is in proportion to the time."""

    waste: Amounts = msgspec.field(default_factory=dict)
    renewal: Amounts = msgspec.field(default_factory=dict)
    silence: Amounts = msgspec.field(default_factory=dict)


class TurnCost(msgspec.Struct, frozen=True, kw_only=True):
    """The charges of one turn; ``unpriced`` are the names of what has no price."""

    turn: int
    amounts: Amounts = msgspec.field(default_factory=dict)
    shares: Shares = Shares()
    unpriced: tuple[str, ...] = ()


class CallCost(msgspec.Struct, frozen=True, kw_only=True):
    """A call's charges and their sums. ``amounts`` is the sum over all charges, those of turns and of the whole call.
    ``simulated``: nobody is owed this; it is what a provider would have asked for as many tokens.
    """

    book: str
    charges: tuple[Charge, ...] = ()
    turns: tuple[TurnCost, ...] = ()
    amounts: Amounts = msgspec.field(default_factory=dict)
    shares: Shares = Shares()
    unpriced: tuple[str, ...] = ()
    simulated: bool = False


def added(amounts: Iterable[Amounts]) -> dict[str, Decimal]:
    """Their sums, by currency."""
    sums: dict[str, Decimal] = {}
    for one in amounts:
        for currency, amount in one.items():
            sums[currency] = sums.get(currency, Decimal(0)) + amount
    return sums
