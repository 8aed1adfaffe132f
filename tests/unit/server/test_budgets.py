"""Budgets that calls share, and what is told of them to whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import msgspec
import pytest

from vivavoce.errors import Refused
from vivavoce.events import BudgetReached, BudgetStep
from vivavoce.server.budgets import Budgets, Spent, begun
from vivavoce.server.settings import BudgetLine

LINE = BudgetLine(name="shop", most="10", warning="Soon over.", downgrade_at=0.9, downgrade_to="small")


def call(name: str, usd: str, agent: str = "Desk", tenant: str = "acme") -> Spent:
    return Spent(name, agent, tenant, {"USD": Decimal(usd)}, ("large", "small"))


def steps(budgets: Budgets, *live: Spent) -> list[tuple[str, BudgetStep]]:
    return [(whose, news.step) for whose, news in budgets.look(live)]


def test_each_call_is_told_each_step_once() -> None:
    budgets = Budgets([LINE])
    assert steps(budgets, call("a", "7.99")) == []
    assert steps(budgets, call("a", "8")) == [("a", BudgetStep.WARN)]
    assert steps(budgets, call("a", "8"), call("b", "1")) == [
        ("a", BudgetStep.DOWNGRADE),
        ("b", BudgetStep.WARN),
        ("b", BudgetStep.DOWNGRADE),
    ]
    assert steps(budgets, call("a", "9"), call("b", "1")) == [("a", BudgetStep.END), ("b", BudgetStep.END)]
    assert steps(budgets, call("a", "9"), call("b", "1")) == []


def test_what_is_told_says_what_to_say_and_which_model_to_go_on_with() -> None:
    told = [news for _, news in Budgets([LINE]).look([call("a", "9")])]
    assert told == [
        BudgetReached(BudgetStep.WARN, "shop", 1, "Soon over."),
        BudgetReached(BudgetStep.DOWNGRADE, "shop", 1, ""),
    ]


def test_a_call_that_does_not_have_the_model_goes_on_as_it_is() -> None:
    alone = msgspec.structs.replace(LINE, downgrade_to="tiny")
    assert steps(Budgets([alone]), call("a", "9")) == [("a", BudgetStep.WARN)]


def test_with_refuse_live_calls_go_on_and_no_new_one_is_let_in() -> None:
    budgets = Budgets([msgspec.structs.replace(LINE, then="refuse")])
    assert steps(budgets, call("a", "10")) == [("a", BudgetStep.WARN), ("a", BudgetStep.DOWNGRADE)]
    with pytest.raises(Refused) as caught:
        budgets.check("Desk", "acme")
    assert (caught.value.status, caught.value.code) == (429, "budget_used_up")


@pytest.mark.parametrize(
    ("agent", "tenant", "counts"),
    [
        ("", "", True),
        ("Desk", "", True),
        ("", "acme", True),
        ("Desk", "acme", True),
        ("Sales", "", False),
        ("", "x", False),
    ],
)
def test_only_calls_of_its_agent_and_tenant_count_and_are_told(agent: str, tenant: str, counts: bool) -> None:
    budgets = Budgets([msgspec.structs.replace(LINE, agent=agent, tenant=tenant)])
    assert bool(steps(budgets, call("a", "8"))) is counts
    budgets.check("Other", "other")


def test_a_call_that_ended_counts_until_the_store_has_it_and_then_once() -> None:
    budgets = Budgets([LINE])
    budgets.look([call("a", "3")])
    budgets.call_ended(call("a", "4"))
    assert steps(budgets) == []
    assert budgets.spent(LINE) == 4
    assert list(budgets.ended) == ["a"]
    budgets.hear({"shop": Decimal("4.5")}, {"a"})
    assert budgets.spent(LINE) == Decimal("4.5")
    assert not budgets.ended


def test_other_currencies_are_no_part_of_it() -> None:
    budgets = Budgets([msgspec.structs.replace(LINE, currency="EUR")])
    assert steps(budgets, call("a", "99")) == []


def test_days_and_months_begin_at_midnight() -> None:
    now = datetime(2026, 3, 17, 15, 4, 5, 6, tzinfo=UTC)
    assert begun(LINE, now) == datetime(2026, 3, 17, tzinfo=UTC)
    assert begun(msgspec.structs.replace(LINE, period="month"), now) == datetime(2026, 3, 1, tzinfo=UTC)
    elsewhere = datetime(2026, 4, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    assert begun(LINE, elsewhere) == datetime(2026, 3, 31, tzinfo=UTC)
    assert begun(msgspec.structs.replace(LINE, period="month"), elsewhere) == datetime(2026, 3, 1, tzinfo=UTC)


def test_a_call_that_has_just_ended_is_not_counted_as_a_live_one_too() -> None:
    budgets = Budgets([LINE])
    assert steps(budgets, call("a", "4")) == []
    budgets.call_ended(call("a", "5"))
    assert budgets.spent(LINE) == 5


def test_a_new_day_begins_with_nothing_spent_even_where_the_store_is_away() -> None:
    month = msgspec.structs.replace(LINE, name="month", period="month")
    budgets = Budgets([LINE, month])
    budgets.pass_time(datetime(2026, 3, 17, 23, 59, 59, tzinfo=UTC))
    budgets.hear({"shop": Decimal(5), "month": Decimal(6)}, set())
    budgets.call_ended(call("a", "4"))
    assert [budgets.spent(line) for line in (LINE, month)] == [9, 10]
    budgets.pass_time(datetime(2026, 3, 18, 0, 0, 1, tzinfo=UTC))
    assert [budgets.spent(line) for line in (LINE, month)] == [0, 10]
    budgets.call_ended(call("b", "1"))
    assert [budgets.spent(line) for line in (LINE, month)] == [1, 11]


def test_what_no_period_counts_any_more_is_forgotten() -> None:
    budgets = Budgets([LINE])
    budgets.pass_time(datetime(2026, 3, 17, tzinfo=UTC))
    budgets.call_ended(call("a", "4"))
    budgets.pass_time(datetime(2026, 3, 18, tzinfo=UTC))
    assert not budgets.ended
