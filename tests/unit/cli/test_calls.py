"""Calls listed, shown, exported and checked: from a call that was made here to each of its figures."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.unit.cli.agents import ANSWERS_ONCE, FAST, Command, write_agent
from tests.unit.store import made
from vivavoce import app
from vivavoce.cli.exits import Exit
from vivavoce.events import Disposition, TokenCounts
from vivavoce.ledger.record import CallRecord, SwapRecord, ToolRecord, TurnKind, UsageGap
from vivavoce.store.opening import open_store
from vivavoce.store.port import Ledger

SPEAKS = f"{ANSWERS_ONCE}\n[[step]]\nusage = {{ speech_in = 1000, speech_out = 2000 }}\n"
PRICES = """book = "ours"
[[price]]
item = "model"
name = "scripted"
speech_in = "3.00"
speech_out = "12.00"
text_in = "0"
text_out = "0"
currency = "USD"
effective_from = 2025-01-01
source = "made up"
"""


def a_record(call: str, **more: Any) -> CallRecord:
    turns = [
        made.turn(0, None, TurnKind.OPENING, agent="Hello."),
        made.turn(
            1, 12_345, TurnKind.INTERRUPTED, caller="two\npillows", agent="Two of them, today.", heard="Two of",
            interrupted=True, first_byte_us=22_000_000, forwarded_us=10_001_000, silence_us=40_000,
            tools=(ToolRecord(name="find", status="ok", started_us=0, finished_us=2000, price=Decimal("0.01")),),
        ),
    ]  # fmt: skip
    known = {"disposition": Disposition.COMPLETED.value, "reason": "done", "rate_hz": 8000, "sessions": ((1, "nova"),)}
    return made.record(call, turns, **{**known, **more})


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    url = f"sqlite:///{tmp_path_factory.mktemp('store') / 'ledger.db'}"
    gap = UsageGap(connection=1, model="nova", summed=TokenCounts(1), total=TokenCounts(2))
    swap = SwapRecord(at_us=5, connection=2, old=1, moment="turn_end", gap_ms=3)
    bad = {"errors": ("ModelLost: away",), "audio_lost_samples": 800, "usage_gaps": (gap,), "swaps": (swap,)}
    with open_store(url, now=lambda: made.NOW) as store:
        priced = made.cost(made.charge("0.5", turn=1))
        euros = made.cost(made.charge("123.5", turn=1, currency="EUR"), made.charge(None, "crm", currency=""))
        records = [
            (a_record("20261127-120000-aaaaaa", minutes_ago=3), priced),
            (a_record("20261127-120000-bbbbbb", minutes_ago=2, simulated=True, agent="A b" * 30), priced),
            (a_record("20261127-120000-cccccc", minutes_ago=1, torn=True, disposition="", **bad), euros),
        ]
        store.keep([made.kept(record, cost) for record, cost in records])
        yield store


@pytest.fixture
def kept(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setattr(app, "open_records", lambda *_: contextlib.nullcontext(ledger))
    return ledger


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize(
    "verb",
    [("calls",), ("calls", "show", "20261127-120000-a"), ("calls", "show", "20261127-120000-c"), ("latency", "--by",
     "agent,day"), ("costs",), ("costs", "prices")],
)  # fmt: skip
def test_nothing_is_cut_at_the_width_of_a_terminal(
    vivavoce: Command, kept: Ledger, verb: tuple[str, ...], columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    ran = vivavoce(*verb)
    assert (ran.code, ran.err) == (Exit.OK, "")
    assert max(map(len, ran.out.splitlines())) <= columns
    assert "\N{HORIZONTAL ELLIPSIS}" not in ran.out


def test_a_list(vivavoce: Command, kept: Ledger) -> None:
    out = vivavoce("calls", "--order", "oldest").out
    assert out.splitlines()[0].split() == ["call", "agent", "length", "turns", "slowest", "cost", "ended"]
    assert "20261127-120000-aaaaaa  clinic" in out
    assert "simulated" in out
    assert "torn" in out
    assert "unpriced" in out
    assert "3 calls of 3." in out
    assert "All of them simulated" in vivavoce("calls", "--simulated").out


def test_pages_of_a_list(vivavoce: Command, kept: Ledger) -> None:
    first = vivavoce("calls", "list", "--limit", "2", "--json").told
    then = vivavoce("calls", "list", "--limit", "2", "--after", first["after"], "--json").told
    assert [row["call"][-6:] for row in first["rows"] + then["rows"]] == ["cccccc", "bbbbbb", "aaaaaa"]
    assert (first["total"], then["after"]) == (3, "")
    assert "--after" in vivavoce("calls", "list", "--limit", "2").out


def test_a_list_in_other_formats(vivavoce: Command, kept: Ledger) -> None:
    assert vivavoce("calls", "list", "--format", "json").told == vivavoce("calls", "list", "--json").told
    head, *rows = vivavoce("calls", "list", "--format", "csv").out.splitlines()
    assert head.startswith("call,opened,agent,tenant,")
    assert len(rows) == 3


def test_nothing_found(vivavoce: Command, kept: Ledger) -> None:
    assert vivavoce("calls", "--agent", "nobody").out == "No call is like that.\n"
    missing = vivavoce("calls", "show", "2025")
    assert missing.code == Exit.SETUP
    assert "there is no finished call '2025'" in missing.err


def test_one_call(vivavoce: Command, kept: Ledger) -> None:
    out = vivavoce("calls", "show", "20261127-120000-a").out
    assert "caller  two pillows" in out
    assert "agent   Two of them, today." in out
    assert "heard   Two of" in out
    assert "tool    find: ok, 2 ms, declared at 0.0100" in out
    assert "12345" in out


def test_what_is_to_be_noticed_of_a_call(vivavoce: Command, kept: Ledger) -> None:
    words = " ".join(vivavoce("calls", "show", "20261127-120000-c").out.split())
    for notice in (
        "Torn: its process did not live to end it",
        "Unpriced: crm.",
        "the provider's total is speech 2 in",
        "100 ms of the caller's speech were dropped",
        "Error: ModelLost: away",
        "session 1 to 2, turn_end, gap 3 ms",
    ):
        assert notice in words
    assert "Simulated" in vivavoce("calls", "show", "20261127-120000-b").out


def test_one_call_as_json(vivavoce: Command, kept: Ledger) -> None:
    told = vivavoce("calls", "show", "20261127-120000-a", "--json").told
    assert told["call"] == "20261127-120000-aaaaaa"
    assert told["turns"][1]["events_ms"] == 12_345
    assert told["turns"][1]["tools"][0]["name"] == "find"
    assert told["cost"]["amounts"] == {"USD": "0.5"}


def test_latency(vivavoce: Command, kept: Ledger) -> None:
    ran = vivavoce("latency", "--interval", "--json").told
    assert (ran["basis"], ran["error_ms"]) == ("events", 20)
    assert [(row["kind"], row["simulated"], row["turns"]) for row in ran["rows"]] == [
        ("interrupted", False, 2),
        ("interrupted", True, 1),
    ]
    real, simulated = ran["rows"]
    assert (real["p95_ms"], real["few"], real["p95_interval_ms"]) == (12_345, True, [12_345, 12_345])
    assert simulated["p95_interval_ms"] is None  # one call says nothing of others
    shown = vivavoce("latency", "--interval").out
    assert "interrupted *" in shown
    assert "20 ms more or less" in " ".join(shown.split())
    assert "12345 to 12345" in shown
    assert "No turn of such calls has a latency by audio." in vivavoce("latency", "--basis", "audio").out


@pytest.mark.parametrize("by", ["agent", "tenant", "model", "channel", "day"])
def test_intervals_belong_to_the_rows(vivavoce: Command, kept: Ledger, by: str) -> None:
    rows = vivavoce("latency", "--by", by, "--interval", "--json").told["rows"]
    assert rows
    assert all("p95_interval_ms" in row for row in rows)


def test_costs(vivavoce: Command, kept: Ledger) -> None:
    told = vivavoce("costs", "--by", "agent", "--real", "--json").told["rows"]
    (clinic,) = told
    amounts = {currency: Decimal(value) for currency, value in clinic["amounts"].items()}
    assert amounts == {"USD": Decimal("0.5"), "EUR": Decimal("123.5")}
    assert Decimal(clinic["per_call"]["USD"]) == Decimal("0.25")
    out = vivavoce("costs").out
    assert "Unpriced, and not in these sums: crm." in out
    assert out.index("123.50 EUR") < out.index("Simulated: what a provider would have asked for.")


def test_a_price_book_is_listed_with_its_sources(vivavoce: Command, tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text(PRICES)
    told = vivavoce("costs", "prices", "--prices", "prices.toml", "--json").told
    (own,) = (row for row in told["rows"] if row["name"] == "scripted")
    assert (own["book"], own["prices"]["speech_out"], own["source"]) == ("ours", "12.00", "made up")
    shown = vivavoce("costs", "prices", "--prices", "prices.toml").out
    assert "scripted: made up" in shown


def test_a_call_from_its_making_to_its_cost(vivavoce: Command, tmp_path: Path, tone: Path) -> None:
    (tmp_path / "prices.toml").write_text(PRICES)
    call = vivavoce("call", write_agent(tmp_path / "agent", SPEAKS), "--wav", tone, "--json", *FAST).told["call"]
    (row,) = vivavoce("calls", "--json").told["rows"]
    assert (row["call"], row["amounts"], row["unpriced"]) == (call, {}, ["scripted"])
    (turn,) = (turn for turn in vivavoce("calls", "show", call, "--json").told["turns"] if turn["kind"] == "first")
    assert (turn["caller_words"], turn["speech_out"]) == ("what do I owe", 2000)
    assert vivavoce("latency", "--json").told["rows"] == [], "the call ran at another speed"
    assert vivavoce("calls", "check", call, "--json").told == {"checked": 1, "holds": True, "found": []}

    compared = vivavoce("costs", "--prices", "prices.toml", "--by", "model,day", "--json").told["rows"]
    assert [one["difference"] for one in compared] == [{"USD": "0.027000000000"}]
    unasked = vivavoce("costs", "reprice", "--prices", "prices.toml", "--json").told
    assert (unasked["stored"], vivavoce("calls", "--json").told["rows"][0]["amounts"]) == (0, {})
    assert vivavoce("costs", "reprice", "--prices", "prices.toml", "--yes", "--json").told["stored"] == 1
    (row,) = vivavoce("costs", "--json").told["rows"]
    assert Decimal(row["amounts"]["USD"]) == Decimal("0.027")
    assert vivavoce("calls", "check").out == "1 call checked, all hold.\n"

    lines = vivavoce("calls", "export", "--what", "turns").out.splitlines()
    assert [json.loads(line)["turn"] for line in lines] == [0, 1]
    told = vivavoce("calls", "export", "--format", "csv", "--what", "charges", "--to", "c.csv", "--json").told
    assert told == {"what": "charges", "format": "csv", "rows": 2, "file": "c.csv"}
    assert len((tmp_path / "c.csv").read_text().splitlines()) == 3


def test_what_does_not_hold_is_found(
    vivavoce: Command, tmp_path: Path, tone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = vivavoce("call", write_agent(tmp_path / "agent"), "--wav", tone, "--json", *FAST).told["call"]
    with app.open_records(None, None) as ledger:
        stored = ledger.find(call)
    assert stored is not None
    wrong = msgspec.structs.replace(stored, record=msgspec.structs.replace(stored.record, duration_us=1))
    monkeypatch.setattr(type(ledger), "find", lambda *_: wrong)
    ran = vivavoce("calls", "check", call, "--json")
    assert ran.code == Exit.NOT_HELD
    assert ran.told["found"] == [{"call": call, "what": "folded again, duration_us differs", "wrong": True}]
