"""A call as rows of the tables, and back."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from statistics import median_low
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from vivavoce.events import TokenCounts
from vivavoce.ledger.cost import Amounts, CallCost, Charge, Item, Shares, added
from vivavoce.ledger.record import CallRecord, TurnKind, TurnRecord, UsageRecord
from vivavoce.store.port import KeptCall
from vivavoce.store.sql.instants import instant_of, micros
from vivavoce.store.sql.latency import packed
from vivavoce.store.sql.tables import TOKENS

_LEVEL = 6

Row = dict[str, Any]
Words = tuple[tuple[int, str, str, str], ...]
"""Of each turn that has any: number, caller, agent, heard."""

_RECORD = msgspec.json.Decoder(CallRecord)
_COST = msgspec.json.Decoder(CallCost)
_WORDS = msgspec.json.Decoder(Words)


class CallRows(NamedTuple):
    """All rows of one call but its deliveries, without the ``call_id`` that the database gives."""

    call: Row
    turns: list[Row]
    latencies: list[Row]
    usage: list[Row]
    costs: list[Row]
    unpriced: list[Row]
    charges: list[Row]
    timeline: Row
    transcript: Row


def rows_of(kept: KeptCall, now: datetime) -> CallRows:
    """Everything that is kept of a call."""
    record = kept.record
    priced, costs, unpriced, charges = cost_rows(record, kept.cost)
    return CallRows(
        call={**_call(kept, now), **priced},
        turns=[_turn(turn) for turn in record.turns],
        latencies=[packed(record.turns)],
        usage=_usage(record),
        costs=costs,
        unpriced=unpriced,
        charges=charges,
        timeline={"raw_bytes": len(kept.timeline), "body": zlib.compress(kept.timeline, _LEVEL)},
        transcript=_transcript(record),
    )


def cost_rows(record: CallRecord, cost: CallCost) -> tuple[Row, list[Row], list[Row], list[Row]]:
    """What changes where a call is priced again: columns of the call, costs, unpriced, charges."""
    own = {"dearest": max(cost.amounts.values(), default=None), "cost": packed_cost(cost)}
    names = sorted(set(cost.unpriced))
    models = _models(record)
    unpriced = [{"model": name if name in models else "", "name": _plain(name)} for name in names]
    return own, _costs(record, cost), unpriced, [_charge(number, charge) for number, charge in enumerate(cost.charges)]


def packed_record(record: CallRecord) -> bytes:
    return _packed(wordless(record))


def packed_cost(cost: CallCost) -> bytes:
    return _packed(msgspec.structs.replace(cost, charges=()))


def wordless(record: CallRecord) -> CallRecord:
    turns = tuple(msgspec.structs.replace(turn, caller="", agent="", heard="") for turn in record.turns)
    return msgspec.structs.replace(record, turns=turns)


def record_of(body: bytes, words: bytes | None) -> CallRecord:
    """The record as it was, with its words where they are kept."""
    record = _RECORD.decode(zlib.decompress(body))
    if words is None:
        return record
    said = {number: texts for number, *texts in _WORDS.decode(zlib.decompress(words))}
    turns = tuple(
        msgspec.structs.replace(turn, caller=caller, agent=agent, heard=heard)
        for turn in record.turns
        for caller, agent, heard in [said.get(turn.number, ("", "", ""))]
    )
    return msgspec.structs.replace(record, turns=turns)


def cost_of(body: bytes, charges: Sequence[sa.RowMapping]) -> CallCost:
    """The cost as it was; ``charges`` in their order."""
    cost = _COST.decode(zlib.decompress(body))
    return msgspec.structs.replace(cost, charges=tuple(_charged(row) for row in charges))


def _packed(value: object) -> bytes:
    return zlib.compress(msgspec.json.encode(value), _LEVEL)


def _plain(text: str) -> str:
    """PostgreSQL takes every character but this."""
    return text.replace("\0", "\ufffd")


def _call(kept: KeptCall, now: datetime) -> Row:
    record = kept.record
    opened_us = micros(datetime.fromisoformat(record.opened))
    latencies = [_us(turn.events_ms) for turn in record.turns if turn.kind is not TurnKind.OPENING]
    known = [us for us in latencies if us is not None]
    return {
        **{name: _plain(getattr(record, name)) for name in (*_NAMES, "version")},
        **{name: getattr(record, name) for name in ("outbound", "simulated", "torn", "duration_us")},
        "opened_us": opened_us,
        "day": instant_of(opened_us).date(),
        "model": _plain(_first_model(record)),
        "talk_us": 0 if record.connected_us is None else max(0, record.duration_us - record.connected_us),
        "turn_count": len(record.turns),
        "barge_in_count": record.barge_ins,
        "tool_count": record.tool_calls,
        "swap_count": len(record.swaps),
        "error_count": len(record.errors),
        "median_us": median_low(known) if known else None,
        "slowest_us": max(known, default=None),
        "folder": _plain(kept.folder),
        "recording_bytes": kept.recording_bytes,
        "sound_forgotten": False,
        "words_forgotten": False,
        "kept_us": micros(now),
        "record": packed_record(record),
    }


_NAMES = ("call", "agent", "tenant", "channel", "disposition", "reason")


def _us(ms: float | None) -> int | None:
    """Instants are whole microseconds, so nothing is lost."""
    return None if ms is None else round(ms * 1000)


def _turn(turn: TurnRecord) -> Row:
    figures = ("events", "played", "audio", "model", "server")
    return {
        "number": turn.number,
        "kind": turn.kind.value,
        "model": _plain(turn.model),
        "interrupted": turn.interrupted,
        **{f"{name}_us": _us(getattr(turn, f"{name}_ms")) for name in figures},
        "silence_us": turn.silence_us,
        "tool_us": turn.tool_us,
    }


def _first_model(record: CallRecord) -> str:
    if record.sessions:
        return record.sessions[0][1]
    return record.models[0] if record.models else ""


def _models(record: CallRecord) -> dict[str, None]:
    """Every model that had a part in the call, the one that it began with first."""
    names = [_first_model(record), *(name for _, name in record.sessions)]
    names += [turn.model for turn in record.turns] + [one.model for one in record.usage]
    return {name: None for name in names if name} or {"": None}


def _usage(record: CallRecord) -> list[Row]:
    turns: dict[str, int] = defaultdict(int)
    used: dict[str, list[UsageRecord]] = defaultdict(list)
    first = next(iter(_models(record)))
    for turn in record.turns:
        turns[turn.model or first] += 1
    for one in record.usage:
        used[one.model or first].append(one)
    talk_us = 0 if record.connected_us is None else max(0, record.duration_us - record.connected_us)
    return [
        {
            "model": _plain(model),
            "turn_count": turns[model],
            "talk_us": talk_us if model == first else 0,
            **_tokens("", [one.tokens for one in used[model]]),
            **_tokens("renewal_", [one.renewal for one in used[model]]),
        }
        for model in _models(record)
    ]


def _tokens(prefix: str, counts: list[TokenCounts]) -> dict[str, int]:
    return {f"{prefix}{kind}": sum(getattr(count, kind) for count in counts) for kind in TOKENS}


def _costs(record: CallRecord, cost: CallCost) -> list[Row]:
    """By model and currency. A turn's shares count for its model, the rest for the one that the call began with."""
    amounts: dict[str, list[Amounts]] = defaultdict(list)
    for charge in cost.charges:
        if charge.amount is not None:
            model = charge.name if charge.item is Item.MODEL else ""
            amounts[model].append({charge.currency: charge.amount})
    sums = {model: added(parts) for model, parts in amounts.items()}
    shares = _shares(record, cost)
    found = {(model, currency) for model, parts in sums.items() for currency in parts}
    found |= {(model, currency) for model, _, currency in shares}
    return [
        {
            "model": _plain(model),
            "currency": currency,
            "amount": sums.get(model, {}).get(currency, Decimal(0)),
            **{name: shares.get((model, name, currency), Decimal(0)) for name in Shares.__struct_fields__},
        }
        for model, currency in sorted(found)
    ]


def _shares(record: CallRecord, cost: CallCost) -> dict[tuple[str, str, str], Decimal]:
    first = next(iter(_models(record)))
    model_of = {turn.number: turn.model or first for turn in record.turns}
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for name in Shares.__struct_fields__:
        for currency, amount in getattr(cost.shares, name).items():
            sums[first, name, currency] += amount
        for turn in cost.turns:
            for currency, amount in getattr(turn.shares, name).items():
                sums[first, name, currency] -= amount
                sums[model_of.get(turn.turn, first), name, currency] += amount
    return {key: amount for key, amount in sums.items() if amount}


def _charge(number: int, charge: Charge) -> Row:
    return {
        "number": number,
        "turn": charge.turn,
        "item": charge.item.value,
        "quantity": str(charge.quantity),
        "price": None if charge.price is None else str(charge.price),
        **{name: getattr(charge, name) for name in ("per", "amount")},
        **{name: _plain(getattr(charge, name)) for name in ("name", "unit", "currency", "priced")},
    }


def _charged(row: sa.RowMapping) -> Charge:
    return Charge(
        item=Item(row["item"]),
        quantity=Decimal(row["quantity"]),
        price=None if row["price"] is None else Decimal(row["price"]),
        **{name: row[name] for name in ("name", "unit", "turn", "per", "amount", "currency", "priced")},
    )


def _transcript(record: CallRecord) -> Row:
    words: Words = tuple(
        (turn.number, turn.caller, turn.agent, turn.heard)
        for turn in record.turns
        if turn.caller or turn.agent or turn.heard
    )
    search = "\n".join(text for _, *texts in words for text in texts[:2] if text)
    return {"words": _packed(words), "search": _plain(search).lower()}
