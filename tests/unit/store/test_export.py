from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, get_args

import msgspec
import pytest

from tests.unit.store import made
from vivavoce.errors import NotAvailable
from vivavoce.store.export import TABLES, What, export
from vivavoce.store.port import StoredCall

WHATS: tuple[What, ...] = get_args(What)


def stored() -> StoredCall:
    kept = made.full_call()
    return StoredCall(
        record=kept.record, cost=kept.cost, recorded=True, words=True, timeline_bytes=1, recording_bytes=2
    )


def as_json(what: What) -> list[dict[str, Any]]:
    out = io.BytesIO()
    count = export([stored()], what, "json", out)
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(rows) == count
    return rows


@pytest.mark.parametrize("what", WHATS)
def test_every_format_has_the_same_columns_and_rows(what: What) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    rows = as_json(what)
    text, parquet = io.BytesIO(), io.BytesIO()
    assert export([stored()], what, "csv", text) == export([stored()], what, "parquet", parquet) == len(rows)
    told = list(csv.DictReader(io.StringIO(text.getvalue().decode(), newline="")))
    typed = pq.read_table(io.BytesIO(parquet.getvalue()))
    assert list(rows[0]) == list(told[0]) == typed.column_names == list(TABLES[what].columns)
    assert [row["call"] for row in told] == typed.column("call").to_pylist() == ["full-call"] * len(rows)


def test_amounts_are_exact_in_each_format() -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    amounts = [row["amount"] for row in as_json("charges")]
    assert amounts == ["0.5", "0.000000000001", "1.25", None]
    out = io.BytesIO()
    export([stored()], "charges", "parquet", out)
    table = pq.read_table(io.BytesIO(out.getvalue()))
    assert table.column("amount").to_pylist() == [None if one is None else Decimal(one) for one in amounts]
    assert str(table.schema.field("amount").type) == "decimal128(38, 12)"
    assert str(table.schema.field("opened").type) == "timestamp[us, tz=UTC]"
    assert table.column("opened").to_pylist()[0] == made.NOW


def test_several_currencies_are_not_added_up() -> None:
    (row,) = as_json("calls")
    assert (row["amount"], row["currency"]) == (None, None)
    assert row["amounts"] == {"USD": "0.500000000001", "EUR": "1.25"}
    assert row["unpriced"] == ["crm"]
    first = as_json("turns")[1]
    assert (first["amount"], first["currency"], first["waste"]) == ("0.5", "USD", {"USD": "0.25"})


def test_turns_have_latency_words_and_tokens() -> None:
    opening, first, tool = as_json("turns")
    assert (opening["events_ms"], first["events_ms"], tool["kind"]) == (None, 700.25, "tool")
    assert first["caller_words"] == "My Golf, from WOLFSBURG"
    assert (first["speech_in"], opening["speech_in"]) == (10, 0)


def test_instants_are_utc() -> None:
    kept = stored()
    there = datetime.fromisoformat("2026-11-27T14:00:00+02:00")
    moved = StoredCall(
        record=made.record("c", minutes_ago=0), cost=kept.cost, recorded=False, words=True, timeline_bytes=0,
        recording_bytes=0,
    )  # fmt: skip
    assert there == made.NOW
    out = io.BytesIO()
    export([moved], "calls", "json", out)
    assert json.loads(out.getvalue())["opened"] == "2026-11-27T12:00:00+00:00"


def test_calls_are_taken_one_after_the_other() -> None:
    out = io.BytesIO()
    sizes: list[int] = []

    def calls() -> Iterator[StoredCall]:
        for _ in range(3):
            sizes.append(out.tell())
            yield stored()

    assert export(calls(), "calls", "json", out) == 3
    assert 0 == sizes[0] < sizes[1] < sizes[2]


def test_nothing_is_a_header_or_an_empty_table() -> None:
    out = io.BytesIO()
    assert export([], "calls", "csv", out) == 0
    assert out.getvalue().startswith(b"call,opened,agent,")
    pq = pytest.importorskip("pyarrow.parquet")
    parquet = io.BytesIO()
    assert export([], "calls", "parquet", parquet) == 0
    assert pq.read_table(io.BytesIO(parquet.getvalue())).num_rows == 0


def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(NotAvailable, match="needs the package pyarrow") as raised:
        export([], "calls", "parquet", io.BytesIO())
    assert "vivavoce[parquet]" in raised.value.hint


def test_what_a_spreadsheet_would_reckon_is_a_text_in_csv() -> None:
    call = stored()
    turns = [made.turn(1, caller="=HYPERLINK(1)", agent="-1+1"), made.turn(2, -5.0, caller="a = b")]
    record = msgspec.structs.replace(call.record, turns=tuple(turns))
    out = io.BytesIO()
    export([msgspec.structs.replace(call, record=record)], "turns", "csv", out)
    first, second = csv.DictReader(io.StringIO(out.getvalue().decode(), newline=""))
    assert (first["caller_words"], first["agent_words"]) == ("'=HYPERLINK(1)", "'-1+1")
    assert (second["caller_words"], second["events_ms"]) == ("a = b", "-5.0")
