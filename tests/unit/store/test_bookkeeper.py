"""The two threads: they work by themselves, end when they are asked to, and say what they leave."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.unit.store.keeping import NOW, QUICK, FakeStore, with_deliveries, write_call
from vivavoce.errors import StoreFault
from vivavoce.ledger.cost import CallCost
from vivavoce.ledger.delivery import Again, Delivery, GivenUp, Outcome, Taken
from vivavoce.ledger.record import CallRecord
from vivavoce.store.bookkeeper import Bookkeeper
from vivavoce.store.books import Duties
from vivavoce.store.posting import MISTAKE_S, ROUND, Courier, Delivering

WAIT_S = 20


class FakeCourier:
    """Says of each address what it is told to say; ``gate`` holds it up."""

    def __init__(self, **says: Outcome | Exception) -> None:
        self.says = says
        self.sent: list[str] = []
        self.gate = threading.Event()
        self.began = threading.Event()
        self.gate.set()

    def send(self, delivery: Delivery) -> Outcome:
        self.began.set()
        assert self.gate.wait(WAIT_S)
        self.sent.append(delivery.delivery)
        said = self.says.get(delivery.url, Taken())
        if isinstance(said, Exception):
            raise said
        return said


class Heard:
    """Waits for calls to be kept."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._more = threading.Condition()

    def __call__(self, record: CallRecord, cost: CallCost, *, fresh: bool) -> None:
        with self._more:
            self.calls.append(record.call)
            self._more.notify()

    def wait_for(self, call: str) -> None:
        with self._more:
            assert self._more.wait_for(lambda: call in self.calls, WAIT_S)


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def made() -> Iterator[list[Bookkeeper]]:
    keepers: list[Bookkeeper] = []
    yield keepers
    for keeper in keepers:
        keeper.stop(WAIT_S)


def keeper_on(
    store: FakeStore, calls: Path, duties: Duties = QUICK, courier: Courier | None = None, gather_s: float = 0.0
) -> Bookkeeper:
    now, half = lambda: NOW, lambda: 0.5
    return Bookkeeper(lambda: store, calls, duties, now=now, jitter=half, courier=courier, gather_s=gather_s)


def delivery(name: str, url: str = "a") -> Delivery:
    return Delivery(delivery=name, call="c", url=url, body=b"")


# -- keeping -----------------------------------------------------------------------------------------------------------


def test_it_keeps_what_was_there_and_what_ends(
    store: FakeStore, heard: Heard, tmp_path: Path, made: list[Bookkeeper]
) -> None:
    write_call(tmp_path, "old")
    keeper = keeper_on(store, tmp_path, replace(QUICK, on_kept=heard))
    made.append(keeper)
    keeper.start()
    heard.wait_for("old")
    keeper.call_ended(write_call(tmp_path, "new"))
    heard.wait_for("new")
    write_call(tmp_path, "another's")
    keeper.search()
    heard.wait_for("another's")
    assert keeper.stop(WAIT_S) == 0
    assert store.closed
    assert keeper.statistics.kept == 3


def test_stop_works_off_what_waits_and_does_not_wait_for_more(store: FakeStore, tmp_path: Path) -> None:
    keeper = keeper_on(store, tmp_path, gather_s=3600.0)
    keeper.start()
    for number in range(50):
        keeper.call_ended(write_call(tmp_path, f"{number:02}"))
    assert keeper.stop(WAIT_S) == 0
    assert len(store.kept) == 50


def test_stop_says_what_is_left_where_the_database_is_away(
    store: FakeStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    store.away = "away"
    keeper = keeper_on(store, tmp_path)
    keeper.call_ended(write_call(tmp_path, "a"))
    keeper.start()
    assert keeper.stop(WAIT_S) == 1
    assert "next start" in caplog.text


def test_a_stop_has_an_end_though_the_database_has_none(store: FakeStore, tmp_path: Path) -> None:
    goes_on, asked = threading.Event(), threading.Event()

    def hangs(calls: object) -> None:
        asked.set()
        assert goes_on.wait(WAIT_S)
        raise StoreFault("away")

    store.keep = hangs  # type: ignore[method-assign]
    keeper = keeper_on(store, tmp_path)
    write_call(tmp_path, "a")
    keeper.start()
    assert asked.wait(WAIT_S)
    assert keeper.stop(0.01) == 1
    assert not store.closed  # it may still be used
    goes_on.set()
    assert keeper.stop(WAIT_S) == 1


def test_one_that_was_never_started_stops_too(store: FakeStore, tmp_path: Path) -> None:
    keeper = keeper_on(store, tmp_path, courier=FakeCourier())
    keeper.call_ended(tmp_path / "a")
    assert keeper.stop(WAIT_S) == 1


# -- delivering --------------------------------------------------------------------------------------------------------


def test_a_slow_address_does_not_hold_up_what_is_kept(store: FakeStore, heard: Heard, tmp_path: Path) -> None:
    courier = FakeCourier()
    courier.gate.clear()
    keeper = keeper_on(store, tmp_path, with_deliveries(replace(QUICK, on_kept=heard)), courier)
    write_call(tmp_path, "first")
    keeper.start()
    assert courier.began.wait(WAIT_S)
    for call in ("second", "third"):
        keeper.call_ended(write_call(tmp_path, call))
        heard.wait_for(call)
    assert courier.sent == []
    courier.gate.set()
    keeper.stop(WAIT_S)


def test_a_round_does_as_each_try_comes_out(store: FakeStore, caplog: pytest.LogCaptureFixture) -> None:
    store.tasks = [delivery("d1", "ok"), delivery("d2", "busy"), delivery("d3", "gone"), delivery("d4", "odd")]
    courier = FakeCourier(busy=Again(7.0, "status 503"), gone=GivenUp("status 410"), odd=ValueError("my secret"))
    assert not Delivering(courier, lambda: NOW).step(store, lambda: False)
    assert store.told == [
        ("d1", "taken", NOW),
        ("d2", "status 503", NOW + timedelta(seconds=7)),
        ("d3", "status 410", None),
        ("d4", "a mistake of ours", NOW + timedelta(seconds=MISTAKE_S)),
    ]
    assert "status 410" in caplog.text
    assert "secret" not in caplog.text


def test_an_address_that_is_away_is_tried_once_a_round(store: FakeStore) -> None:
    store.tasks = [*(delivery(f"b{number}", "busy") for number in range(9)), delivery("ok", "ok")]
    courier = FakeCourier(busy=Again(30.0, "timed out"))
    Delivering(courier, lambda: NOW).step(store, lambda: False)
    assert courier.sent == ["b0", "ok"]
    assert [at for name, _, at in store.told if name != "ok"] == [NOW + timedelta(seconds=30)] * 9


def test_what_somebody_else_tries_just_now_is_left_to_them(store: FakeStore) -> None:
    store.tasks = [delivery("d1"), delivery("d2")]
    store.claimed = {"d1"}
    courier = FakeCourier()
    Delivering(courier, lambda: NOW).step(store, lambda: False)
    assert courier.sent == ["d2"]
    assert [name for name, *_ in store.told] == ["d2"]


def test_a_full_round_is_followed_by_another(store: FakeStore) -> None:
    store.tasks = [delivery(f"{number}") for number in range(ROUND + 1)]
    delivering = Delivering(FakeCourier(), lambda: NOW)
    assert delivering.step(store, lambda: False)
    assert not delivering.step(store, lambda: False)
    assert store.tasks == []


def test_a_round_ends_when_it_is_asked_to(store: FakeStore) -> None:
    store.tasks = [delivery("d1"), delivery("d2")]
    courier = FakeCourier()
    assert Delivering(courier, lambda: NOW).step(store, lambda: bool(courier.sent))
    assert courier.sent == ["d1"]
    assert [task.delivery for task in store.tasks] == ["d2"]


def test_deliveries_wait_for_a_database_that_is_away(store: FakeStore, tmp_path: Path, made: list[Bookkeeper]) -> None:
    store.tasks = [delivery("d1")]
    store.away = "away"
    courier = FakeCourier()
    keeper = keeper_on(store, tmp_path, courier=courier)
    made.append(keeper)
    keeper.start()
    store.away = ""
    keeper.search()
    assert courier.began.wait(WAIT_S)
