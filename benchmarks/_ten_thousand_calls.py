"""A store of many made-up calls, and how long it takes to ask it what the console asks. Prints one JSON object."""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from _common import best_us, machine

from vivavoce.events import TokenCounts
from vivavoce.ledger.cost import CallCost, Charge, Item, Shares, TurnCost
from vivavoce.ledger.record import CallRecord, TurnKind, TurnRecord, UsageRecord
from vivavoce.store.opening import open_store
from vivavoce.store.port import CallFilter, KeptCall
from vivavoce.store.store import Store

CALLS, TURNS = 10_000, 8
BUDGET_MS = 100
LAST = datetime(2026, 11, 27, tzinfo=UTC)
MONTH = timedelta(days=30)
_AGENTS = ("dealership", "clinic", "bank", "hotel", "airline")
_MODELS = ("nova-2-sonic", "nova-sonic", "local")
_PRICES = {"speech_in": Decimal(3), "speech_out": Decimal(12), "text_in": Decimal("0.33"), "text_out": Decimal("2.75")}
_WORDS = "could you tell me when the car will be ready and what the service is going to cost please thank you".split()
_BATCH = 250


def made_up_calls(count: int = CALLS, turns: int = TURNS, *, seed: int = 6) -> Iterator[KeptCall]:
    """Calls spread evenly over a month, with words, tokens and charges as calls have them."""
    chance = random.Random(seed)
    for number in range(count):
        yield _call(chance, number, LAST - MONTH * (count - number) / count, turns)


def filled(store: Store, calls: Iterator[KeptCall]) -> float:
    """Keeps them, in batches; the seconds that the store took."""
    took, batch = 0.0, list[KeptCall]()
    for call in (*calls, None):
        if call is not None:
            batch.append(call)
        if batch and (call is None or len(batch) == _BATCH):
            started = time.perf_counter()
            store.keep(batch)
            took += time.perf_counter() - started
            batch.clear()
    return took


def questions(store: Store) -> dict[str, Callable[[], object]]:
    """What the console asks, by name."""
    day = LAST - timedelta(days=2)
    one_day = CallFilter(agent="clinic", since=day, until=day + timedelta(days=1))
    month = CallFilter(since=LAST - MONTH, until=LAST)
    return {
        "newest 50": lambda: store.list_calls(CallFilter()),
        "by agent and day": lambda: store.list_calls(one_day),
        "by words": lambda: store.list_calls(CallFilter(text="number 77")),
        "slowest": lambda: store.list_calls(CallFilter(), order="slowest"),
        "with a tool, dearest": lambda: store.list_calls(CallFilter(kind=TurnKind.TOOL), order="dearest"),
        "latency of a month": lambda: store.latency(month, []),
        "latency of a month by day": lambda: store.latency(month, ["day"]),
        "costs by model and day": lambda: store.costs(month, ["model", "day"]),
        "how calls ended": lambda: store.trouble(month),
    }


def timed(store: Store, *, repeat: int = 3) -> dict[str, float]:
    """Milliseconds for each question, the best of some."""
    return {name: round(best_us(ask, repeat=repeat, number=1) / 1000, 1) for name, ask in questions(store).items()}


def _call(chance: random.Random, number: int, opened: datetime, turns: int) -> KeptCall:
    model = chance.choices(_MODELS, (6, 3, 1))[0]
    talk = tuple(_turn(chance, one, model, number) for one in range(turns))
    usage = tuple(
        UsageRecord(
            turn=one.number, connection=1, model=model, tokens=TokenCounts(*(chance.randrange(10, 900) for _ in "1234"))
        )
        for one in talk
    )
    record = CallRecord(
        call=f"{number:08x}-{chance.getrandbits(64):016x}",
        opened=opened.isoformat(),
        agent=chance.choice(_AGENTS),
        tenant=chance.choice(("north", "south")),
        channel=chance.choice(("websocket", "twilio", "webrtc")),
        models=(model,),
        sessions=((1, model),),
        rate_hz=24_000,
        connected_us=0,
        duration_us=turns * 7_000_000 + chance.randrange(60_000_000),
        disposition=chance.choices(("caller_hung_up", "agent_ended", "failed"), (8, 3, 1))[0],
        turns=talk,
        usage=usage,
        simulated=model == "local",
    )
    timeline = json.dumps([turn.caller + turn.agent for turn in talk]).encode() * 8
    return KeptCall(record=record, cost=_cost(record), timeline=timeline, folder=f"calls/{number}", recording_bytes=1)


def _turn(chance: random.Random, one: int, model: str, call: int) -> TurnRecord:
    kinds = (TurnKind.OPENING, TurnKind.FIRST)
    kind = (
        kinds[one]
        if one < len(kinds)
        else chance.choices((TurnKind.CLEAN, TurnKind.TOOL, TurnKind.INTERRUPTED), (8, 1, 1))[0]
    )
    at_us = one * 7_000_000 + 3_000_000
    first_us = at_us + chance.randrange(400_000, 1_600_000)
    return TurnRecord(
        number=one,
        kind=kind,
        model=model,
        speech_ended_us=None if kind is TurnKind.OPENING else at_us,
        forwarded_us=at_us + 300,
        first_byte_us=first_us - 400,
        first_sent_us=first_us,
        first_played_us=first_us + 20_000,
        silence_us=chance.randrange(90_000),
        caller=" ".join(chance.choices(_WORDS, k=12)),
        agent=f"{' '.join(chance.choices(_WORDS, k=28))}, number {call}",
    )


def _cost(record: CallRecord) -> CallCost:
    charges = tuple(_charge(used, unit) for used in record.usage for unit in _PRICES)
    by_turn: dict[int, Decimal] = {}
    for charge in charges:
        by_turn[charge.turn or 0] = by_turn.get(charge.turn or 0, Decimal(0)) + (charge.amount or 0)
    turns = tuple(TurnCost(turn=turn, amounts={"USD": amount}) for turn, amount in by_turn.items())
    waste = Shares(waste={"USD": turns[-1].amounts["USD"] / 2})
    whole = {"USD": sum(by_turn.values(), Decimal(0))}
    return CallCost(
        book="made up", charges=charges, turns=turns, amounts=whole, shares=waste, simulated=record.simulated
    )


def _charge(used: UsageRecord, unit: str) -> Charge:
    count, price = Decimal(getattr(used.tokens, unit)), _PRICES[unit]
    return Charge(
        item=Item.MODEL,
        name=used.model,
        unit=unit,
        quantity=count,
        turn=used.turn,
        price=price,
        per=1_000_000,
        amount=count * price / 1_000_000,
        currency="USD",
        priced="made up",
    )


def measure(url: str, count: int = CALLS) -> dict[str, Any]:
    with open_store(url, now=lambda: LAST) as store:
        fill_s = filled(store, made_up_calls(count))
        return {"calls": count, "kept_per_s": round(count / fill_s), "ms": timed(store)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="another store than a SQLite file that is thrown away; it should be empty")
    parser.add_argument("--calls", type=int, default=CALLS)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        measured = measure(args.url or f"sqlite:///{path}", args.calls)
        if path.exists():
            measured["mib"] = round(path.stat().st_size / 2**20, 1)
    worst = max(measured["ms"].values())
    print(json.dumps({"machine": machine(), "measured": measured, "budget_ms": BUDGET_MS, "holds": worst < BUDGET_MS}))


if __name__ == "__main__":
    main()
