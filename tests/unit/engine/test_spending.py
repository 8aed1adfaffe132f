from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.agent.declaration import Agent, Limits, Spend, Tool
from vivavoce.engine.planning import tool_plans
from vivavoce.engine.spending import spend_plan, token_prices, why_never_spent
from vivavoce.events import ConnectionId, SpendPlan, TokenPrices, UsageReported
from vivavoce.ledger.book import UNITS, Book, Row, default_book
from vivavoce.ledger.cost import Item
from vivavoce.ledger.prices import in_usd


def agent(most: str, **more: object) -> Agent:
    return Agent("A", "Help.", limits=Limits(spend=Spend(Decimal(most), **more)))  # type: ignore[arg-type]


def test_without_a_limit_there_is_no_plan() -> None:
    assert spend_plan(Agent("A", "Help."), ["nova-2-sonic"]) is None


def test_all_is_in_billionths_and_in_the_order_of_the_models() -> None:
    assert spend_plan(agent("0.50", warning="Soon.", warn_at=0.7), ["local", "nova-2-sonic"]) == SpendPlan(
        limit=500_000_000,
        warning_at=350_000_000,
        warning="Soon.",
        prices=(None, TokenPrices(speech_in=3000, speech_out=12_000, text_in=330, text_out=2750)),
    )


def test_the_smallest_amount_is_not_lost() -> None:
    plan = spend_plan(agent("0.000000001"), [])
    assert plan is not None
    assert plan.limit == 1


def test_the_prices_are_those_of_the_book_on_the_day_and_in_dollars() -> None:
    rows = (priced("m", "1", "2026-03-01"), priced("m", "2", "2026-06-01"), priced("e", "1", "2026-01-01", "EUR"))
    book = Book("own", rows)
    for day, price in (("2026-02-28", None), ("2026-03-01", 1000), ("2026-07-01", 2000)):
        plan = spend_plan(agent("1"), ["m", "e"], book, date.fromisoformat(day))
        assert plan is not None
        assert plan.prices == (TokenPrices(price, price, price, price) if price else None, None)


@pytest.mark.parametrize(
    ("names", "downgrade"),
    [(["a", "b"], (250_000_000, 1)), (["b", "a"], (0, -1)), (["a"], (0, -1))],
)
def test_a_call_goes_on_with_a_model_that_it_did_not_begin_with(names: list[str], downgrade: tuple[int, int]) -> None:
    plan = spend_plan(agent("1", downgrade_at=0.25, downgrade_to="b"), names)
    assert plan is not None
    assert (plan.downgrade_at, plan.downgrade_to) == downgrade


def test_a_tool_with_a_price_is_one_that_the_core_counts() -> None:
    tools = (Tool("a", "", {}, print, price=Decimal("0.002")), Tool("b", "", {}, print, price=Decimal(0)))
    assert [(tool.name, tool.price) for tool in tool_plans(Agent("A", "Help.", tools=tools))] == [("a", 2_000_000)]


def priced(name: str, price: str, day: str, currency: str = "USD") -> Row:
    prices = dict.fromkeys(UNITS[Item.MODEL], Decimal(price))
    since = date.fromisoformat(day)
    return Row(item=Item.MODEL, name=name, prices=prices, currency=currency, effective_from=since, source="s")


MODELS = [row for row in default_book().rows if row.item is Item.MODEL]
TOKENS = st.integers(0, 1_000_000)


@given(st.sampled_from(MODELS), TOKENS, TOKENS, TOKENS, TOKENS)
def test_it_counts_what_the_ledger_counts(
    row: Row, speech_in: int, speech_out: int, text_in: int, text_out: int
) -> None:
    usage = UsageReported(ConnectionId(1), speech_in, speech_out, text_in, text_out)
    price = token_prices(row)
    counted = (
        speech_in * price.speech_in
        + speech_out * price.speech_out
        + text_in * price.text_in
        + text_out * price.text_out
    )
    assert counted == in_usd(usage, row) * 1_000_000_000


def test_a_limit_that_can_end_no_call_is_doubted() -> None:
    assert why_never_spent(agent("1"), ["nova-2-sonic"]) == ""
    assert why_never_spent(Agent("A", "Help."), ["local"]) == ""
    assert "never ends a call" in why_never_spent(agent("1"), ["local", "scripted"])
    assert "while local speaks" in why_never_spent(agent("1"), ["nova-2-sonic", "local"])


def test_tools_with_a_price_count_while_a_model_without_one_speaks() -> None:
    limited = agent("1")
    tools = (Tool("a", "", {}, print, price=Decimal("0.002")),)
    with_tools = Agent("A", "Help.", limits=limited.limits, tools=tools)
    assert "only tools count while local speaks" in why_never_spent(with_tools, ["local"])
