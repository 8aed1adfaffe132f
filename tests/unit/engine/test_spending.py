from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.agent.declaration import Agent, Limits, Spend
from vivavoce.engine.spending import spend_plan, token_prices, why_never_spent
from vivavoce.events import ConnectionId, SpendPlan, TokenPrices, UsageReported
from vivavoce.ledger.prices import BOOK, in_usd


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


TOKENS = st.integers(0, 1_000_000)


@given(st.sampled_from(sorted(BOOK)), TOKENS, TOKENS, TOKENS, TOKENS)
def test_it_counts_what_the_ledger_counts(
    name: str, speech_in: int, speech_out: int, text_in: int, text_out: int
) -> None:
    usage = UsageReported(ConnectionId(1), speech_in, speech_out, text_in, text_out)
    price = token_prices(BOOK[name])
    counted = (
        speech_in * price.speech_in
        + speech_out * price.speech_out
        + text_in * price.text_in
        + text_out * price.text_out
    )
    assert abs(counted - in_usd(usage, BOOK[name]) * 1e9) < 1


def test_a_limit_that_can_end_no_call_is_doubted() -> None:
    assert why_never_spent(agent("1"), ["nova-2-sonic"]) == ""
    assert why_never_spent(Agent("A", "Help."), ["local"]) == ""
    assert "never ends a call" in why_never_spent(agent("1"), ["local", "scripted"])
    assert "while local speaks" in why_never_spent(agent("1"), ["nova-2-sonic", "local"])
