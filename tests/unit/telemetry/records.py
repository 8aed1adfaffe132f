"""A finished call, for tests."""

from __future__ import annotations

from decimal import Decimal

from vivavoce.events import TokenCounts
from vivavoce.ledger.cost import CallCost, Charge, Item, Shares, TurnCost
from vivavoce.ledger.record import CallRecord, SwapRecord, ToolRecord, TurnKind, TurnRecord, UsageRecord

USD = {"USD": Decimal("0.012")}

CALL = CallRecord(
    call="c-1",
    opened="2026-11-27T10:00:00+01:00",
    agent="desk",
    tenant="acme",
    channel="twilio",
    models=("nova-2-sonic",),
    rate_hz=8000,
    duration_us=20_000_000,
    connected_us=100_000,
    answered_us=600_000,
    disposition="completed",
    reason="said goodbye",
    turns=(
        TurnRecord(number=0, kind=TurnKind.OPENING, model="nova-2-sonic", connection=1, first_sent_us=600_000),
        TurnRecord(
            number=1,
            kind=TurnKind.TOOL,
            model="nova-2-sonic",
            connection=1,
            began_us=3_000_000,
            speech_ended_us=5_000_000,
            forwarded_us=5_002_000,
            first_byte_us=6_200_000,
            first_sent_us=6_201_000,
            first_played_us=6_221_000,
            silence_us=30_000,
            tool_us=400_000,
            interrupted=True,
            tools=(ToolRecord(name="find_car", status="ok", started_us=5_300_000, finished_us=5_700_000),),
            caller="a red estate",
            agent="We have two of them",
            heard="We have",
        ),
    ),
    usage=(UsageRecord(turn=1, connection=1, model="nova-2-sonic", tokens=TokenCounts(100, 200, 30, 40)),),
    swaps=(SwapRecord(at_us=9_000_000, connection=2, old=1, moment="turn_end", gap_ms=120.0),),
    sessions=((1, "nova-2-sonic"), (2, "nova-2-sonic")),
    audio_lost_samples=4000,
)
COST = CallCost(
    book="book",
    charges=(
        Charge(
            item=Item.MODEL,
            name="nova-2-sonic",
            unit="speech_out",
            quantity=Decimal(200),
            turn=1,
            amount=Decimal("0.012"),
            currency="USD",
        ),
    ),
    turns=(TurnCost(turn=1, amounts=USD),),
    amounts=USD,
    shares=Shares(waste={"USD": Decimal("0.004")}),
    unpriced=("twilio",),
)
