"""Lists, filters, percentiles and sums."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.store import made
from tests.unit.store.made import NOW
from vivavoce.errors import UsageError
from vivavoce.ledger.cost import Shares
from vivavoce.ledger.record import Basis, TurnKind
from vivavoce.store.port import CallFilter, Dimension, Order
from vivavoce.store.store import Store


def names(store: Store, **which: Any) -> list[str]:
    return [row.call for row in store.list_calls(CallFilter(**which)).rows]


@pytest.mark.parametrize(
    "which",
    [
        {"agent": "bank"}, {"tenant": "south"}, {"channel": "web"}, {"disposition": "failed"}, {"torn": True},
        {"simulated": True}, {"model": "spare"}, {"kind": TurnKind.TOOL}, {"slower_than_ms": 899.999},
        {"dearer_than": Decimal("0.4999")}, {"call": "oth"}, {"text": "wolfsBURG ü"}, {"text": "100%"},
        {"text": "OTHER"}, {"until": NOW - timedelta(minutes=9)}, {"agent": "bank", "text": "wolfs", "tenant": "south"},
    ],
)  # fmt: skip
def test_filter_lets_through_what_it_says(store: Store, which: dict[str, Any]) -> None:
    turns = [made.turn(1, 900, TurnKind.TOOL, model="spare", caller="Wolfsburg Über alles", agent="it cost 90")]
    other = made.record(
        "other", turns, minutes_ago=10, agent="bank", tenant="south", channel="web", disposition="failed", torn=True,
        simulated=True, reason="100% lost",
    )  # fmt: skip
    plain = made.record("plain", [made.turn(0, 9000, TurnKind.OPENING), made.turn(1, 899)], disposition="done")
    store.keep([made.kept(plain, made.cost(made.charge("0.25"))), made.kept(other, made.cost(made.charge("0.5")))])
    assert names(store, **which) == ["other"]
    assert names(store) == ["plain", "other"]
    assert names(store, tenant="") == ["plain"]
    assert names(store, since=NOW - timedelta(minutes=10)) == ["plain", "other"]
    assert names(store, until=NOW) == ["other"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [("newest", "dcba"), ("oldest", "abcd"), ("longest", "badc"), ("slowest", "bdca"), ("dearest", "cdba")],
)
def test_pages_follow_each_other_in_every_order(store: Store, order: Order, expected: str) -> None:
    spans = {"a": (3, None, "-"), "b": (4, 900, "-"), "c": (1, 600, "2"), "d": (2, 600, "2")}
    if order == "dearest":
        expected = "dcba"
    if order == "slowest":
        expected = "bdca"
    for minutes, (name, (duration, ms, amount)) in enumerate(spans.items()):
        turns = [] if ms is None else [made.turn(1, ms)]
        priced = made.cost() if amount == "-" else made.cost(made.charge(amount))
        store.keep([made.kept(made.record(name, turns, minutes_ago=9 - minutes, duration_us=duration), priced)])
    seen, after = "", ""
    while True:
        page = store.list_calls(CallFilter(), order=order, limit=1, after=after)
        seen, after = seen + "".join(row.call for row in page.rows), page.after
        assert page.total == 4
        if not after:
            break
    assert seen == expected


def test_page_that_makes_no_sense_is_refused(store: Store) -> None:
    store.keep([made.kept(made.record(name)) for name in "ab"])
    mark = store.list_calls(CallFilter(), limit=1).after
    with pytest.raises(UsageError, match="another order"):
        store.list_calls(CallFilter(), order="dearest", after=mark)
    with pytest.raises(UsageError, match="no mark"):
        store.list_calls(CallFilter(), after="nonsense")
    with pytest.raises(UsageError, match="a page of 0"):
        store.list_calls(CallFilter(), limit=0)


def test_row_says_what_a_call_was(store: Store) -> None:
    store.keep([made.full_call()])
    (row,) = store.list_calls(CallFilter()).rows
    assert (row.turns, row.barge_ins, row.tool_calls, row.swaps, row.errors) == (3, 1, 0, 0, 1)
    assert (row.model, row.median_ms, row.slowest_ms, row.duration_ms) == ("nova", 700.25, 1800.0, 60_000.0)
    assert row.amounts == {"USD": Decimal("0.500000000001"), "EUR": Decimal("1.25")}
    assert row.unpriced == ("crm",)
    assert row.recorded
    assert row.opened == NOW


def test_each_call_streams_them_oldest_first(store: Store) -> None:
    store.keep([made.kept(made.record(f"{number:03}", minutes_ago=number % 7)) for number in range(120)])
    found = [stored.record for stored in store.each_call(CallFilter())]
    assert [one.opened for one in found] == sorted(one.opened for one in found)
    assert len({one.call for one in found}) == 120


def test_latency_keeps_kinds_and_real_and_simulated_apart(store: Store) -> None:
    clean = [made.turn(number, ms) for number, ms in enumerate((500, 600, 700, 800), 1)]
    tool = made.turn(5, 2000, TurnKind.TOOL, tool_us=1_000_000, model="spare", silence_us=40_000)
    store.keep([
        made.kept(made.record("a", [*clean, tool])),
        made.kept(made.record("b", [made.turn(1, -20), made.turn(2, None)])),
        made.kept(made.record("c", [made.turn(1, 5)], simulated=True)),
    ])  # fmt: skip
    rows = store.latency(CallFilter(), ["agent"])
    seen = [(row.kind, row.simulated, row.turns, row.calls, row.p50_ms, row.p90_ms, row.max_ms) for row in rows]
    assert seen == [
        (TurnKind.TOOL, False, 1, 1, 2000.0, 2000.0, 2000.0),
        (TurnKind.CLEAN, False, 5, 2, 600.0, 800.0, 800.0),
        (TurnKind.CLEAN, True, 1, 1, 5.0, 5.0, 5.0),
    ]
    assert {row.group for row in rows} == {(("agent", "clinic"),)}
    assert (rows[1].call_max_p50_ms, rows[1].call_max_p95_ms) == (-20.0, 800.0)
    assert (rows[0].tool_p50_ms, rows[0].silence_p50_ms, rows[1].silence_p50_ms) == (1000.0, 40.0, None)
    assert store.latency(CallFilter(), ["day"], basis=Basis.AUDIO) == []
    (spare,) = store.latency(CallFilter(model="spare"), ["model", "kind"])
    assert (spare.group, spare.turns) == ((("model", "spare"), ("kind", "tool")), 1)
    assert [row.kind for row in store.latency(CallFilter(kind=TurnKind.TOOL), [])] == [TurnKind.TOOL]


def test_costs_are_exact_and_currencies_apart(store: Store) -> None:
    store.keep([made.full_call()])
    (row,) = store.costs(CallFilter(), [])
    assert (row.calls, row.turns, row.minutes, row.speech_in, row.text_out) == (1, 3, Decimal(1), 20, 80)
    assert row.amounts == {"USD": Decimal("0.500000000001"), "EUR": Decimal("1.25")}
    assert row.shares == Shares(waste={"USD": Decimal("0.25")}, silence={"EUR": Decimal("0.5")})
    assert row.unpriced == ("crm",)
    by_model = {dict(row.group)["model"]: row for row in store.costs(CallFilter(), ["model", "day"])}
    assert {name: dict(row.amounts) for name, row in by_model.items()} == {
        "": {"EUR": Decimal("1.25")},
        "nova": {"USD": Decimal("0.5"), "EUR": 0},
        "spare": {"USD": Decimal("1E-12")},
    }
    with pytest.raises(UsageError, match="kind"):
        store.costs(CallFilter(), ["kind"])


def test_sums_beyond_a_rows_limit_are_exact(store: Store) -> None:
    large = "9000000.000000000001"
    store.keep([made.kept(made.record(name), made.cost(made.charge(large))) for name in "abc"])
    assert store.costs(CallFilter(), ["tenant"])[0].amounts == {"USD": Decimal("27000000.000000000003")}


def test_what_was_spent_counts_real_calls_alone(store: Store) -> None:
    def call(name: str, amount: str, **more: Any) -> None:
        store.keep([made.kept(made.record(name, **more), made.cost(made.charge(amount)))])

    call("a", "0.1")
    call("b", "0.2", tenant="north")
    call("c", "4", simulated=True)
    call("d", "8", minutes_ago=61)
    since = NOW - timedelta(hours=1)
    assert store.spent(since) == {"USD": Decimal("0.3")}
    assert store.spent(since, tenant="north", agent="clinic") == {"USD": Decimal("0.2")}
    assert store.spent(since, agent="bank") == {}


def test_trouble_and_menus(store: Store) -> None:
    ends = {"a": "failed", "b": "failed", "c": ""}
    store.keep([made.kept(made.record(name, disposition=end)) for name, end in ends.items()])
    store.keep([made.full_call()])
    told = [(row.day, row.disposition, row.calls) for row in store.trouble(CallFilter())]
    assert told == [(NOW.date(), "", 1), (NOW.date(), "caller_hung_up", 1), (NOW.date(), "failed", 2)]
    assert store.values("model") == ["nova", "spare"]
    assert store.values("tenant") == ["north"]
    assert store.values("day") == ["2026-11-27"]
    assert store.values("kind") == ["first", "opening", "tool"]


def test_turns_of_another_model_do_not_count_where_one_is_asked_for(store: Store) -> None:
    turns = [made.turn(1, 500, model="nova"), made.turn(2, 900, model="spare")]
    store.keep([made.kept(made.record("both", turns, sessions=((1, "nova"), (2, "spare"))))])
    asked: tuple[list[Dimension], ...] = ([], ["day"], ["model"])
    for by in asked:
        assert [row.max_ms for row in store.latency(CallFilter(model="nova"), by)] == [500]


@pytest.mark.parametrize("amount", ["1e30", "0.2500000000009", "9e999999"])
def test_an_amount_that_no_call_can_have_is_a_filter_all_the_same(store: Store, amount: str) -> None:
    store.keep([made.kept(made.record("a"), made.cost(made.charge("0.25")))])
    assert not names(store, dearer_than=Decimal(amount))
    assert names(store, dearer_than=Decimal("0.2499999999999999")) == ["a"]
    assert names(store, dearer_than=-Decimal(amount)) == ["a"]


def test_the_ends_of_the_calendar_are_instants_as_others(store: Store) -> None:
    store.keep([made.kept(made.record("a"))])
    first = datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))
    last = datetime.max.replace(tzinfo=timezone(timedelta(hours=-14)))
    assert names(store, since=first, until=last) == ["a"]


@pytest.mark.parametrize("mark", ["newest.99999999999999999999.1", "newest.1.99999999999999999999"])
def test_a_mark_that_no_call_can_have_is_refused(store: Store, mark: str) -> None:
    with pytest.raises(UsageError, match="no mark of a page"):
        store.list_calls(CallFilter(), after=mark)
