"""Calls for the store to keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from vivavoce.events import TokenCounts
from vivavoce.ledger.cost import CallCost, Charge, Item, Shares, TurnCost
from vivavoce.ledger.delivery import Delivery
from vivavoce.ledger.record import CallRecord, TurnKind, TurnRecord, UsageRecord
from vivavoce.store.port import KeptCall

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
TIMELINE = b'{"caller": "a Golf from Wolfsburg"}\n' * 9


def turn(number: int, ms: float | None = 700, kind: TurnKind = TurnKind.CLEAN, **more: Any) -> TurnRecord:
    """One that was answered after that long, by events."""
    ended_us = number * 10_000_000
    sent_us = None if ms is None else ended_us + round(ms * 1000)
    return TurnRecord(number=number, kind=kind, speech_ended_us=ended_us, first_sent_us=sent_us, **more)


def record(call: str, turns: Sequence[TurnRecord] = (), *, minutes_ago: float = 0, **more: Any) -> CallRecord:
    known = {"agent": "clinic", "models": ("nova",), "connected_us": 0, "duration_us": 60_000_000, **more}
    opened = (NOW - timedelta(minutes=minutes_ago)).isoformat()
    return CallRecord(call=call, opened=opened, turns=tuple(turns), **known)


def charge(amount: str | None, name: str = "nova", *, turn: int | None = None, **more: Any) -> Charge:
    known = {"item": Item.MODEL, "unit": "speech_in", "quantity": Decimal(1000), "currency": "USD", **more}
    if amount is None:
        return Charge(name=name, turn=turn, **known)
    return Charge(name=name, turn=turn, amount=Decimal(amount), price=Decimal(3), priced="book 2026", **known)


def cost(*charges: Charge, **more: Any) -> CallCost:
    amounts: dict[str, Decimal] = {}
    for one in charges:
        if one.amount is not None:
            amounts[one.currency] = amounts.get(one.currency, Decimal(0)) + one.amount
    unpriced = tuple(sorted({one.name for one in charges if one.amount is None}))
    return CallCost(book="book", charges=charges, amounts=amounts, unpriced=unpriced, **more)


def kept(made: CallRecord, priced: CallCost | None = None, **more: Any) -> KeptCall:
    known: Mapping[str, Any] = {"timeline": TIMELINE, "folder": f"calls/{made.call}", **more}
    return KeptCall(record=made, cost=priced or cost(), **known)


def delivery(name: str, call: str) -> Delivery:
    return Delivery(delivery=name, call=call, url="https://example.net/hook", body=b'{"said": "Wolfsburg"}')


def full_call() -> KeptCall:
    """With something in every field that is kept."""
    turns = (
        turn(0, None, TurnKind.OPENING, agent="Good morning, \0 Zoë speaking.", heard="Good morning,"),
        turn(1, 700.25, TurnKind.FIRST, model="nova", caller="My Golf, from WOLFSBURG", agent="Which one?", tool_us=9),
        turn(2, 1800, TurnKind.TOOL, model="spare", caller="The red one", interrupted=True, silence_us=5),
    )
    tokens = TokenCounts(speech_in=10, speech_out=20, text_in=30, text_out=40)
    usage = tuple(
        UsageRecord(turn=one, connection=one, model=("", "nova", "spare")[one], tokens=tokens) for one in (1, 2)
    )
    made = record(
        "full-call", turns, tenant="north", channel="twilio", sessions=((1, "nova"), (2, "spare")), usage=usage,
        disposition="caller_hung_up", reason="Goodbye", errors=("ModelLost: away",),
    )  # fmt: skip
    half = {"USD": Decimal("0.25")}
    priced = cost(
        charge("0.5", turn=1),
        charge("0.000000000001", "spare", turn=2),
        charge("1.25", "carrier", item=Item.TELEPHONY, unit="minute", currency="EUR"),
        charge(None, "crm", item=Item.TOOL, currency="", turn=2),
        turns=(TurnCost(turn=1, amounts={"USD": Decimal("0.5")}, shares=Shares(waste=half)),),
        shares=Shares(waste=half, silence={"EUR": Decimal("0.5")}),
    )
    return kept(made, priced, recording_bytes=99, deliveries=(delivery("d1", "full-call"),))
