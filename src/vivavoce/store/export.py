"""Calls as flat tables for other programs: JSON Lines, CSV and Parquet, written row by row.

A row has the same fields in each format. Instants are UTC; amounts are exact. ``amount`` and ``currency`` are of what
was charged in one currency only and empty otherwise; ``amounts`` has all of it.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, BinaryIO, Literal, NamedTuple

from vivavoce.errors import NotAvailable
from vivavoce.events import TokenCounts
from vivavoce.ledger.cost import QUANTUM, Shares, TurnCost
from vivavoce.ledger.record import TurnRecord, summed
from vivavoce.store.port import StoredCall

Kind = Literal["text", "names", "flag", "count", "real", "instant", "amount", "amounts"]
What = Literal["calls", "turns", "usage", "charges"]
Format = Literal["json", "csv", "parquet"]
Row = Mapping[str, Any]

_BATCH = 2_000
"""Rows that are in memory at once for Parquet."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_DECIMALS = 12
"""Those of :data:`QUANTUM`."""


class Table(NamedTuple):
    """What one kind of rows is made of, and how a call gives them."""

    columns: Mapping[str, Kind]
    rows: Callable[[StoredCall], Iterator[Row]]


_TOKENS: Mapping[str, Kind] = dict.fromkeys(TokenCounts.__struct_fields__, "count")
_MONEY: Mapping[str, Kind] = {
    "amount": "amount",
    "currency": "text",
    "amounts": "amounts",
    "waste": "amounts",
    "renewal": "amounts",
    "silence": "amounts",
    "unpriced": "names",
}
_CALL: Mapping[str, Kind] = {
    "call": "text",
    "opened": "instant",
    "agent": "text",
    "tenant": "text",
    "channel": "text",
    "simulated": "flag",
    "torn": "flag",
}
_INSTANTS = (
    "began_us",
    "speech_ended_us",
    "forwarded_us",
    "first_byte_us",
    "first_sent_us",
    "first_played_us",
    "silence_us",
    "measured_ended_us",
    "measured_heard_us",
    "tool_us",
)
_LATENCIES = ("events_ms", "played_ms", "audio_ms", "model_ms", "server_ms")


def _of_call(stored: StoredCall) -> dict[str, Any]:
    record = stored.record
    named = {name: getattr(record, name) for name in _CALL}
    return named | {"opened": datetime.fromisoformat(record.opened).astimezone(UTC)}


def _money(cost: TurnCost | None, amounts: Mapping[str, Decimal], shares: Shares) -> dict[str, Any]:
    sole = len(amounts) == 1
    return {
        "amount": next(iter(amounts.values())) if sole else None,
        "currency": next(iter(amounts)) if sole else None,
        "amounts": amounts,
        "waste": shares.waste,
        "renewal": shares.renewal,
        "silence": shares.silence,
        "unpriced": cost.unpriced if cost is not None else (),
    }


def _tokens(tokens: TokenCounts, before: str = "") -> dict[str, int]:
    return {f"{before}{name}": getattr(tokens, name) for name in TokenCounts.__struct_fields__}


def _calls(stored: StoredCall) -> Iterator[Row]:
    record, cost = stored.record, stored.cost
    yield {
        **_of_call(stored),
        "outbound": record.outbound,
        "version": record.version,
        "model": record.sessions[0][1] if record.sessions else next(iter(record.models), ""),
        "duration_ms": record.duration_us / 1000,
        "disposition": record.disposition,
        "reason": record.reason,
        "turns": len(record.turns),
        "barge_ins": record.barge_ins,
        "tool_calls": record.tool_calls,
        "swaps": len(record.swaps),
        "errors": record.errors,
        "recorded": stored.recorded,
        **_tokens(record.tokens),
        "book": cost.book,
        **_money(None, cost.amounts, cost.shares),
        "unpriced": cost.unpriced,
    }


def _turns(stored: StoredCall) -> Iterator[Row]:
    costs = {cost.turn: cost for cost in stored.cost.turns}
    for turn in stored.record.turns:
        yield _of_call(stored) | turn_row(stored, turn, costs.get(turn.number))


def turn_row(stored: StoredCall, turn: TurnRecord, cost: TurnCost | None) -> dict[str, Any]:
    """One turn, without what it has of its call."""
    tokens = summed(usage.tokens for usage in stored.record.usage if usage.turn == turn.number)
    return {
        "turn": turn.number,
        "kind": turn.kind.value,
        "model": turn.model,
        **{name: getattr(turn, name) for name in (*_INSTANTS, *_LATENCIES)},
        "evidence": turn.evidence,
        "generated_samples": turn.generated_samples,
        "played_samples": turn.played_samples,
        "rate_hz": stored.record.rate_hz,
        "interrupted": turn.interrupted,
        "tools": tuple(tool.name for tool in turn.tools),
        "caller_words": turn.caller,
        "agent_words": turn.agent,
        "heard_words": turn.heard,
        **_tokens(tokens),
        **_money(cost, cost.amounts if cost is not None else {}, cost.shares if cost is not None else Shares()),
    }


def _usage(stored: StoredCall) -> Iterator[Row]:
    for usage in stored.record.usage:
        yield {
            **_of_call(stored),
            "turn": usage.turn,
            "connection": usage.connection,
            "model": usage.model,
            **_tokens(usage.tokens),
            **_tokens(usage.renewal, "renewal_"),
        }


def _charges(stored: StoredCall) -> Iterator[Row]:
    for charge in stored.cost.charges:
        own = {name: getattr(charge, name) for name in TABLES["charges"].columns if name not in _CALL}
        yield _of_call(stored) | own | {"item": charge.item.value}


TABLES: Mapping[What, Table] = {
    "calls": Table(
        {
            **_CALL,
            "outbound": "flag",
            "version": "text",
            "model": "text",
            "duration_ms": "real",
            "disposition": "text",
            "reason": "text",
            "turns": "count",
            "barge_ins": "count",
            "tool_calls": "count",
            "swaps": "count",
            "errors": "names",
            "recorded": "flag",
            **_TOKENS,
            "book": "text",
            **_MONEY,
        },
        _calls,
    ),
    "turns": Table(
        {
            **_CALL,
            "turn": "count",
            "kind": "text",
            "model": "text",
            **dict.fromkeys(_INSTANTS, "count"),
            **dict.fromkeys(_LATENCIES, "real"),
            "evidence": "text",
            "generated_samples": "count",
            "played_samples": "count",
            "rate_hz": "count",
            "interrupted": "flag",
            "tools": "names",
            "caller_words": "text",
            "agent_words": "text",
            "heard_words": "text",
            **_TOKENS,
            **_MONEY,
        },
        _turns,
    ),
    "usage": Table(
        {
            **_CALL,
            "turn": "count",
            "connection": "count",
            "model": "text",
            **_TOKENS,
            **{f"renewal_{name}": kind for name, kind in _TOKENS.items()},
        },
        _usage,
    ),
    "charges": Table(
        {
            **_CALL,
            "turn": "count",
            "item": "text",
            "name": "text",
            "unit": "text",
            "quantity": "amount",
            "price": "amount",
            "per": "count",
            "amount": "amount",
            "currency": "text",
            "priced": "text",
        },
        _charges,
    ),
}
"""What can be exported. ``docs/reference/commands.md`` lists the columns."""


def export(calls: Iterable[StoredCall], what: What, form: Format, out: BinaryIO) -> int:
    """Write their rows, a few in memory at once; how many there were. Raises :class:`NotAvailable` for Parquet where
    its package is missing."""
    columns, rows_of = TABLES[what]
    rows = (row for call in calls for row in rows_of(call))
    match form:
        case "json":
            return write_json(columns, rows, out)
        case "csv":
            return write_csv(columns, rows, out)
        case "parquet":
            return _write_parquet(columns, rows, out)


def as_json(columns: Mapping[str, Kind], row: Row) -> dict[str, Any]:
    """A row as JSON has it: amounts are texts, for they are exact."""
    return {name: _json_value(kind, row[name]) for name, kind in columns.items()}


def _json_value(kind: Kind, value: Any) -> Any:
    match kind:
        case "instant":
            return value.isoformat()
        case "amount":
            return None if value is None else _exact(value)
        case "amounts":
            return {currency: _exact(amount) for currency, amount in value.items()}
        case "names":
            return list(value)
        case _:
            return value


def _exact(value: Decimal) -> str:
    """Without exponent and idle zeros."""
    return f"{value.normalize():f}"


def write_json(columns: Mapping[str, Kind], rows: Iterable[Row], out: BinaryIO) -> int:
    """An object a line."""
    count = 0
    for row in rows:
        out.write(json.dumps(as_json(columns, row), ensure_ascii=False).encode() + b"\n")
        count += 1
    return count


def write_csv(columns: Mapping[str, Kind], rows: Iterable[Row], out: BinaryIO) -> int:
    """RFC 4180, in UTF-8, with a header. What is no single value is JSON in its cell; what is missing is empty. A text
    that a spreadsheet would take for a formula has ' before it: a caller may have said it."""
    count = 0
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        told = as_json(columns, row)
        writer.writerow(_csv_value(kind, told[name]) for name, kind in columns.items())
        out.write(text.getvalue().encode())
        text.seek(0)
        text.truncate()
        count += 1
    out.write(text.getvalue().encode())
    return count


def _csv_value(kind: Kind, value: Any) -> Any:
    match value:
        case str() if kind == "text" and value.startswith(_FORMULA):
            return f"'{value}"
        case bool():
            return "true" if value else "false"
        case list() | dict():
            return json.dumps(value, ensure_ascii=False) if value else ""
        case _:
            return value


def _write_parquet(columns: Mapping[str, Kind], rows: Iterable[Row], out: BinaryIO) -> int:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise NotAvailable(
            "Parquet needs the package pyarrow", hint="pip install 'vivavoce[parquet]', or --format csv"
        ) from error
    money = pa.decimal128(38, _DECIMALS)
    types = {
        "text": pa.string(),
        "names": pa.list_(pa.string()),
        "flag": pa.bool_(),
        "count": pa.int64(),
        "real": pa.float64(),
        "instant": pa.timestamp("us", tz="UTC"),
        "amount": money,
        "amounts": pa.map_(pa.string(), money),
    }
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    count = 0
    remaining = iter(rows)
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        while batch := list(itertools.islice(remaining, _BATCH)):
            arrays = [pa.array(_parquet_values(kind, name, batch), types[kind]) for name, kind in columns.items()]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            count += len(batch)
    return count


def _parquet_values(kind: Kind, name: str, rows: Sequence[Row]) -> list[Any]:
    values = [row[name] for row in rows]
    match kind:
        case "amount":
            return [None if value is None else value.quantize(QUANTUM) for value in values]
        case "amounts":
            return [[(key, amount.quantize(QUANTUM)) for key, amount in value.items()] for value in values]
        case "names":
            return [list(value) for value in values]
        case _:
            return values
