"""Costs: counted by model, and never nothing only because nobody knows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from vivavoce.events import (
    AgentRevised,
    CallPlan,
    CallStarted,
    ConnectionId,
    OpenModel,
    RunTool,
    ToolCallId,
    ToolPlan,
    UsageReported,
)
from vivavoce.ledger.book import default_book
from vivavoce.ledger.prices import CostFold

ONE, TWO = ConnectionId(1), ConnectionId(2)


def fold(*models: str, simulated: bool = False) -> CostFold:
    cost = CostFold(simulated=simulated, book=default_book(), day=date(2026, 11, 27))
    cost.add(CallStarted(CallPlan(agent="a", models=models, tools=(ToolPlan(name="dear", price=2_000_000),))))
    cost.add(OpenModel(ONE, 0))
    return cost


def test_speech_and_text_have_prices_of_their_own() -> None:
    cost = fold("nova-2-sonic")
    cost.add(UsageReported(ONE, speech_in=1_000_000, speech_out=100_000, text_in=1_000_000, text_out=200_000))
    assert cost.cost.usd == Decimal("5.08")


def test_each_session_is_charged_as_its_own_model() -> None:
    cost = fold("nova-2-sonic", "nova-sonic")
    cost.add(UsageReported(ONE, speech_in=1_000_000))
    cost.add(OpenModel(TWO, 1))
    cost.add(UsageReported(TWO, speech_in=1_000_000))
    assert cost.cost.usd == Decimal("6.40")
    assert cost.cost.speech_in == 2_000_000


def test_one_session_without_a_price_leaves_the_call_without_one() -> None:
    cost = fold("nova-2-sonic", "local")
    cost.add(UsageReported(ONE, speech_in=1_000_000))
    cost.add(OpenModel(TWO, 1))
    assert (cost.cost.usd, cost.cost.reason) == (None, "unpriced")
    assert cost.cost.speech_in == 1_000_000


def test_a_stand_in_costs_nothing_that_could_be_told() -> None:
    cost = fold("nova-2-sonic", simulated=True)
    cost.add(UsageReported(ONE, speech_in=5))
    assert (cost.cost.usd, cost.cost.reason, cost.cost.speech_in) == (None, "simulated", 5)
    assert cost.cost.would_be == Decimal("0.000015")


def test_a_stand_in_without_a_price_would_cost_nobody_knows_what() -> None:
    cost = fold("local", simulated=True)
    cost.add(UsageReported(ONE, speech_in=5))
    assert (cost.cost.would_be, cost.cost.reason) == (None, "simulated")


def test_tools_with_a_price_are_counted() -> None:
    cost = fold("nova-2-sonic")
    for name in ("dear", "own"):
        cost.add(RunTool(ToolCallId(name), name, "{}"))
    assert cost.cost.usd == Decimal("0.002")
    cost.add(AgentRevised("model", (ToolPlan(name="own", price=1_000_000), ToolPlan(name="dear"))))
    for name in ("dear", "own"):
        cost.add(RunTool(ToolCallId(name), name, "{}"))
    assert cost.cost.usd == Decimal("0.003")


def test_usage_of_an_unknown_session_is_not_priced() -> None:
    cost = fold("nova-2-sonic")
    cost.add(UsageReported(TWO, speech_in=5))
    assert cost.cost.usd is None


def test_what_has_a_price_is_known_also_beside_what_has_none() -> None:
    fold = CostFold(simulated=False, book=default_book(), day=date(2026, 11, 27))
    fold.add(CallStarted(CallPlan(agent="desk", models=("nova-2-sonic", "nobody's"))))
    fold.add(OpenModel(ConnectionId(1), 0))
    fold.add(UsageReported(ConnectionId(1), speech_in=1_000_000))
    fold.add(OpenModel(ConnectionId(2), 1))
    fold.add(UsageReported(ConnectionId(2), speech_in=1_000_000))
    assert (fold.cost.usd, fold.cost.reason, fold.cost.known) == (None, "unpriced", Decimal(3))
