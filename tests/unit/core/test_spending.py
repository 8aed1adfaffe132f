"""What a call may cost: its own limit, a budget that it shares, and the cheaper model."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.unit.core.scenario import CONNECTED, ONE, T1, THREE, TWO, Script, opening, plan, talking
from vivavoce.events import (
    END_CALL,
    FAREWELL,
    BudgetReached,
    BudgetStep,
    CallPlan,
    CloseCall,
    CloseModel,
    ConnectionId,
    Disposition,
    Ignore,
    ModelLost,
    ModelReady,
    OpenModel,
    Speak,
    SpendPlan,
    SwapModel,
    SwapMoment,
    TokenPrices,
    ToolPlan,
    ToolRequested,
    UsageReported,
)

FOUR = ConnectionId(4)


def with_plan(**changes: object) -> CallPlan:
    return msgspec.structs.replace(plan(farewell="Goodbye."), **changes)


def spending() -> Script:
    prices = TokenPrices(speech_in=10, speech_out=20, text_in=1, text_out=2)
    return talking(
        with_plan(spend=SpendPlan(limit=1_000, warning_at=800, warning="Nearly spent.", prices=(prices, None)))
    )


def test_a_call_that_has_cost_enough_ends_politely() -> None:
    call = spending()
    call.at(1_000, UsageReported(ONE, speech_in=10, speech_out=30))
    assert not call.all(Speak)
    call.at(2_000, UsageReported(ONE, text_in=50, text_out=25))
    assert [wish.text for wish in call.all(Speak)] == ["Nearly spent."]
    call.at(3_000, UsageReported(ONE, speech_in=20))
    assert call.all(Speak)[-1].response == FAREWELL
    call.until(60_000)
    assert [closed.disposition for closed in call.all(CloseCall)] == [Disposition.TOO_DEAR]


def dear(**changes: Any) -> Script:
    prices = TokenPrices(speech_in=10, speech_out=20, text_in=1, text_out=2)
    spend = SpendPlan(limit=10_000, warning_at=0, prices=(prices, prices), downgrade_at=500, downgrade_to=1)
    tools = (ToolPlan(name="find_cars", price=600),)
    return talking(with_plan(spend=msgspec.structs.replace(spend, **changes), tools=tools))


def test_a_dear_call_goes_on_with_a_cheaper_model_from_the_next_turn_on() -> None:
    call = dear()
    call.at(1_000, UsageReported(ONE, speech_in=49))
    assert not [wish for wish in call.all(OpenModel) if wish.model == 1]
    call.at(2_000, UsageReported(ONE, speech_in=1))
    assert [wish for wish in call.all(OpenModel) if wish.model == 1] == [OpenModel(TWO, 1)]
    call.at(2_100, UsageReported(ONE, speech_in=1))  # only once
    assert len(call.all(OpenModel)) == 2
    call.at(3_000, ModelReady(TWO))
    call.until(5_000)
    assert [(swap.connection, swap.old, swap.moment) for swap in call.all(SwapModel)] == [
        (TWO, ONE, SwapMoment.TURN_END)
    ]


def test_what_took_over_is_renewed_as_itself() -> None:
    call = dear()
    call.at(1_000, UsageReported(ONE, speech_in=50))
    call.at(1_100, ModelReady(TWO, lifetime_us=20_000_000))
    call.until(19_000)
    assert [wish.model for wish in call.all(OpenModel)] == [0, 1, 1]


def test_until_the_cheaper_model_is_there_the_call_goes_on_as_it_was() -> None:
    call = dear()
    call.at(1_000, UsageReported(ONE, speech_in=50), ModelLost(TWO, "no"))
    call.until(1_600)
    assert [wish.model for wish in call.all(OpenModel)] == [0, 1, 1]
    assert not call.all(SwapModel)


@pytest.mark.parametrize("model", [-1, 0, 7])
def test_a_model_that_is_none_or_this_one_changes_nothing(model: int) -> None:
    call = dear(downgrade_to=model)
    call.at(1_000, UsageReported(ONE, speech_in=50))
    assert len(call.all(OpenModel)) == 1


def test_a_tool_with_a_price_counts_when_it_is_run() -> None:
    call = dear()
    call.at(1_000, ToolRequested(ONE, T1, "find_cars", "{}"))
    assert call.all(OpenModel)[-1] == OpenModel(TWO, 1)


def test_a_budget_that_others_use_up_warns_changes_the_model_and_ends() -> None:
    call = dear()
    call.at(1_000, BudgetReached(BudgetStep.WARN, "acme", warning="Soon over."))
    assert [wish.text for wish in call.all(Speak)] == ["Soon over."]
    call.at(1_100, BudgetReached(BudgetStep.DOWNGRADE, "acme", model=1))
    assert call.all(OpenModel)[-1] == OpenModel(TWO, 1)
    call.at(1_200, BudgetReached(BudgetStep.END, "acme"))
    assert call.all(Speak)[-1].response == FAREWELL
    call.until(60_000)
    [closed] = call.all(CloseCall)
    assert (closed.disposition, closed.reason) == (Disposition.TOO_DEAR, "the budget of acme is used up")


def test_a_budget_that_is_used_up_before_anybody_talks_opens_the_cheaper_model_instead() -> None:
    call = opening(with_plan(spend=None))
    call.at(0, BudgetReached(BudgetStep.DOWNGRADE, "acme", model=1))
    assert [type(wish) for wish in call.effects[-2:]] == [CloseModel, OpenModel]
    assert call.all(OpenModel)[-1].model == 1


def test_a_budget_changes_nothing_in_a_call_that_ends() -> None:
    call = dear()
    call.at(1_000, ToolRequested(ONE, T1, END_CALL, "{}"))
    assert isinstance(call.at(1_000, BudgetReached(BudgetStep.END, "acme"))[0], Ignore)


def test_a_cheaper_model_that_is_due_while_no_session_is_there_takes_over_once_one_is() -> None:
    call = dear(downgrade_at=0)
    call.at(1_000, ModelLost(ONE, "gone"), ModelLost(TWO, "gone"))
    call.at(1_100, BudgetReached(BudgetStep.DOWNGRADE, "acme", model=1))
    call.until(2_000)
    call.at(2_000, ModelReady(THREE))
    assert [wish.model for wish in call.all(OpenModel)] == [0, 0, 0, 1]
    call.at(2_100, ModelReady(FOUR))
    call.until(4_000)
    assert [swap.connection for swap in call.all(SwapModel)] == [THREE, FOUR]


def test_a_cheaper_model_that_is_lost_for_good_makes_room_for_the_one_before_it() -> None:
    call = dear()
    call.at(1_000, UsageReported(ONE, speech_in=50))
    call.at(1_100, ModelReady(TWO))
    call.until(3_000)
    call.at(3_000, ModelLost(TWO, "no such model any more", retryable=False))
    assert call.all(OpenModel)[-1] == OpenModel(THREE, 0)
    call.at(3_100, ModelReady(THREE, lifetime_us=20_000_000))
    call.until(19_000)
    assert [wish.model for wish in call.all(OpenModel)] == [0, 1, 0, 0]
    assert not call.all(CloseCall)


def test_a_cheaper_model_that_never_comes_does_not_keep_the_session_from_being_renewed() -> None:
    call = opening(with_plan(spend=None))
    call.at(0, CONNECTED, ModelReady(ONE, lifetime_us=20_000_000))
    call.at(1_000, BudgetReached(BudgetStep.DOWNGRADE, "acme", model=1))
    seen = 0
    for at in range(1_100, 20_000, 100):
        call.until(at)
        for wish in call.all(OpenModel)[seen:]:
            seen += 1
            if wish.model == 1:
                call.at(at, ModelLost(wish.connection, "no"))
            elif wish.connection != ONE:
                call.at(at, ModelReady(wish.connection))
    assert [swap.old for swap in call.all(SwapModel)] == [ONE]
    assert call.all(OpenModel)[-1].model == 0
