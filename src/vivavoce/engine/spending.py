"""The most that a call may cost, as the core counts it: whole billionths of the currency, so that replay is exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from vivavoce.agent.declaration import Agent
from vivavoce.events import SpendPlan, TokenPrices
from vivavoce.ledger.prices import BOOK, Price

_BILLION = 1_000_000_000
_BILLIONTHS_OF_A_MILLIONTH = 1_000
"""A price for a million tokens, in billionths for one."""


def spend_plan(agent: Agent, model_names: Sequence[str], book: Mapping[str, Price] = BOOK) -> SpendPlan | None:
    """None where the agent has no limit. A model that the book does not have counts as nothing."""
    spend = agent.limits.spend
    if spend is None:
        return None
    limit = round(spend.most * _BILLION)
    return SpendPlan(
        limit=limit,
        warning_at=round(limit * Decimal(str(spend.warn_at))),
        warning=spend.warning,
        prices=tuple(token_prices(book[name]) if name in book else None for name in model_names),
    )


def why_never_spent(agent: Agent, model_names: Sequence[str], book: Mapping[str, Price] = BOOK) -> str:
    """Why the agent's limit can end no call, or not every one; empty if it can, or if there is none."""
    unpriced = [name for name in model_names if name not in book]
    if agent.limits.spend is None or not unpriced:
        return ""
    if len(unpriced) == len(model_names):
        return "no model of this agent has a price here, so the limit never ends a call"
    return f"a call counts as nothing while {', '.join(unpriced)} speaks: there is no price for it here"


def token_prices(price: Price) -> TokenPrices:
    """What one token costs."""
    return TokenPrices(
        speech_in=round(price.speech_in * _BILLIONTHS_OF_A_MILLIONTH),
        speech_out=round(price.speech_out * _BILLIONTHS_OF_A_MILLIONTH),
        text_in=round(price.text_in * _BILLIONTHS_OF_A_MILLIONTH),
        text_out=round(price.text_out * _BILLIONTHS_OF_A_MILLIONTH),
    )
