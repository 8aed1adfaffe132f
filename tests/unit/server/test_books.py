"""A process's books: budgets that hear of the store, calls that are told, and a store that may be away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from vivavoce.engine.answer import AnsweredCall
from vivavoce.engine.call import CallResult
from vivavoce.engine.clock import run
from vivavoce.engine.inbox import InboxStatistics
from vivavoce.errors import AccessFault, StoreFault, VivavoceError
from vivavoce.events import BudgetReached, BudgetStep, Disposition, TokenCounts
from vivavoce.ledger.record import CallRecord, TurnKind, TurnRecord, UsageRecord
from vivavoce.server.books import REFRESH_S, Books, Shelf
from vivavoce.server.budgets import Spent
from vivavoce.server.settings import BudgetLine
from vivavoce.store.books import Statistics

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
LINE = BudgetLine(name="shop", most="10")


class Kept:
    """The store, as far as budgets ask it."""

    def __init__(self) -> None:
        self.sum = Decimal(0)
        self.calls: set[str] = set()
        self.away: VivavoceError | None = None

    def missing(self, calls: Sequence[str]) -> set[str]:
        return set(calls) - self.calls

    def spent(self, since: datetime, *, agent: str = "", tenant: str = "") -> dict[str, Decimal]:
        assert (since, agent, tenant) == (datetime(2026, 3, 2, tzinfo=UTC), "", "")
        if self.away is not None:
            raise self.away
        return {"USD": self.sum}


class Thread:
    """The bookkeeper."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.statistics = Statistics(kept=3, waiting=2, faults=1, backlog_age_s=4.5)

    def start(self) -> None:
        self.heard.append("start")

    def call_ended(self, folder: Path) -> None:
        self.heard.append(folder)

    def stop(self, limit_s: float) -> int:
        self.heard.append("stop")
        return 0


def books_of(store: Any, keeping: Thread | None = None, on_stop: Callable[[], object] | None = None) -> Books:
    shelf = Shelf(lambda: store)
    shelf.open()
    return Books(now=lambda: NOW, budgets=[LINE], keeping=keeping, shelf=shelf, on_stop=on_stop)


def ended(call: str = "c1", *, simulated: bool = False) -> AnsweredCall:
    usage = (UsageRecord(turn=0, connection=1, model="nova-2-sonic", tokens=TokenCounts(speech_in=1_000_000)),)
    record = CallRecord(
        call=call,
        opened=NOW.isoformat(),
        agent="Desk",
        simulated=simulated,
        turns=(TurnRecord(number=0, kind=TurnKind.OPENING),),
        usage=usage,
        sessions=((1, "nova-2-sonic"),),
    )
    result = CallResult(Disposition.COMPLETED, "", InboxStatistics(0, 0, 0))
    return AnsweredCall(call, Path("calls") / call, None, result, "", record)


def test_the_end_of_a_call_is_priced_told_to_the_bookkeeper_and_counted() -> None:
    thread = Thread()
    books = books_of(Kept(), thread)
    cost = run(books.call_ended(ended()), virtual=True)
    assert cost.amounts == {"USD": Decimal(3)}
    assert books.budgets.spent(LINE) == 3
    assert thread.heard == [Path("calls/c1")]


def test_a_simulated_call_costs_no_budget_anything() -> None:
    books = books_of(Kept())
    cost = run(books.call_ended(ended(simulated=True)), virtual=True)
    assert cost.simulated
    assert cost.amounts == {"USD": Decimal(3)}
    assert books.budgets.spent(LINE) == 0


async def until(holds: Callable[[], bool]) -> None:
    """The store is asked in a thread, which virtual time does not wait for."""
    async with asyncio.timeout(1_000_000):
        while not holds():  # noqa: ASYNC110  # a thread, which tells nobody
            await asyncio.sleep(REFRESH_S)


@pytest.mark.parametrize("away", [StoreFault("it is away"), AccessFault("the password is another now")])
def test_live_calls_are_told_what_the_store_and_they_themselves_have_spent(away: VivavoceError) -> None:
    store = Kept()
    books = books_of(store)
    told: list[tuple[str, BudgetStep]] = []

    def tell(call: str, news: BudgetReached) -> None:
        told.append((call, news.step))

    async def serve() -> None:
        live = [Spent("a", "Desk", "", {"USD": Decimal(2)})]
        async with books.opened(lambda: live, tell):
            await asyncio.sleep(0.5)
            assert told == []
            store.sum = Decimal(6)
            await until(lambda: told == [("a", BudgetStep.WARN)])
            store.away = away  # what it said last holds
            await asyncio.sleep(2 * REFRESH_S)
            live[0] = Spent("a", "Desk", "", {"USD": Decimal(4)})
            await until(lambda: told == [("a", BudgetStep.WARN), ("a", BudgetStep.END)])

    run(serve(), virtual=True)


def test_the_bookkeeper_runs_while_the_books_are_open_and_then_the_rest_is_sent() -> None:
    thread = Thread()
    books = books_of(Kept(), thread, lambda: thread.heard.append("sent"))

    async def serve() -> None:
        async with books.opened(list, lambda *_: None):
            assert thread.heard == ["start"]

    run(serve(), virtual=True)
    assert thread.heard == ["start", "stop", "sent"]


def test_metrics_tell_how_far_the_bookkeeper_is() -> None:
    told = {
        sample.name.removeprefix("vivavoce_bookkeeper_"): sample.value
        for sample in books_of(Kept(), Thread()).read_for_metrics()
    }
    assert told == {"backlog_calls": 2, "oldest_seconds": 4.5, "kept_total": 3, "failures_total": 1}
    assert list(Books(now=lambda: NOW).read_for_metrics()) == []


def test_without_a_store_calls_are_counted_all_the_same() -> None:
    books = Books(now=lambda: NOW, budgets=[LINE])
    run(books.call_ended(ended()), virtual=True)
    assert books.records is None
    assert books.budgets.spent(LINE) == 3
