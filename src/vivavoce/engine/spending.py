"""The most that a call may cost, as the core counts it: whole billionths of the currency, so that replay is exact."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date
from decimal import Decimal

from vivavoce.agent.declaration import Agent, Tool
from vivavoce.engine.clock import wall_clock
from vivavoce.events import SpendPlan, TokenPrices
from vivavoce.ledger.book import SPEECH_IN, SPEECH_OUT, TEXT_IN, TEXT_OUT, Book, Row, default_book
from vivavoce.ledger.prices import BILLION, usd_row

_BILLIONTHS_OF_A_MILLIONTH = 1_000
"""A price for a million tokens, in billionths for one."""


def spend_plan(
    agent: Agent, model_names: Sequence[str], book: Book | None = None, day: date | None = None
) -> SpendPlan | None:
    """None where the agent has no limit. A model that the book (else the one that comes with Vivavoce) does not have on
    that day (else today) counts as nothing. None is changed to that is not among ``model_names``, or is their first."""
    spend = agent.limits.spend
    if spend is None:
        return None
    limit = round(spend.most * BILLION)
    below = model_names.index(spend.downgrade_to) if spend.downgrade_to in model_names else -1
    return SpendPlan(
        limit=limit,
        warning_at=_share(limit, spend.warn_at),
        warning=spend.warning,
        prices=tuple(None if row is None else token_prices(row) for row in _rows(model_names, book, day)),
        downgrade_at=_share(limit, spend.downgrade_at) if below > 0 else 0,
        downgrade_to=below if below > 0 else -1,
    )


def why_never_spent(agent: Agent, model_names: Sequence[str], book: Book | None = None, day: date | None = None) -> str:
    """Why the agent's limit can end no call, or not every one; empty if it can, or if there is none."""
    rows = _rows(model_names, book, day)
    unpriced = [name for name, row in zip(model_names, rows, strict=True) if row is None]
    if agent.limits.spend is None or not unpriced:
        return ""
    if any(tool.price for tool in agent.tools):
        return f"only tools count while {', '.join(unpriced)} speaks: there is no price for it here"
    if len(unpriced) == len(model_names):
        return "no model of this agent has a price here, so the limit never ends a call"
    return f"a call counts as nothing while {', '.join(unpriced)} speaks: there is no price for it here"


def token_prices(row: Row) -> TokenPrices:
    """What one token costs."""
    prices = row.prices
    return TokenPrices(
        speech_in=_billionths(prices[SPEECH_IN]),
        speech_out=_billionths(prices[SPEECH_OUT]),
        text_in=_billionths(prices[TEXT_IN]),
        text_out=_billionths(prices[TEXT_OUT]),
    )


def tool_price(tool: Tool) -> int:
    """What one call of it costs; 0 where the agent file says nothing."""
    return round(tool.price * BILLION) if tool.price is not None else 0


def _rows(model_names: Sequence[str], book: Book | None, day: date | None) -> list[Row | None]:
    prices = book if book is not None else default_book()
    today = day if day is not None else wall_clock().astimezone(UTC).date()
    return [usd_row(prices, name, today) for name in model_names]


def _billionths(price: Decimal) -> int:
    return round(price * _BILLIONTHS_OF_A_MILLIONTH)


def _share(limit: int, share: float) -> int:
    return round(limit * Decimal(str(share)))
