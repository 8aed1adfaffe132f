"""What is kept comes back as it was, once, and whole."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
import sqlalchemy as sa

from tests.unit.store import made
from tests.unit.store.made import NOW
from vivavoce.errors import ProgrammingError, UsageError
from vivavoce.ledger.book import default_book
from vivavoce.store.port import CallFilter
from vivavoce.store.sql import tables
from vivavoce.store.sql.database import connect
from vivavoce.store.store import Store


def test_call_comes_back_as_it_was(store: Store) -> None:
    call = made.full_call()
    store.keep([call])
    found = store.find("full-call")
    assert found is not None
    assert (found.record, found.cost) == (call.record, call.cost)
    assert (found.recorded, found.words) == (True, True)
    assert (found.timeline_bytes, found.recording_bytes) == (len(made.TIMELINE), 99)
    assert store.timeline("full-call") == made.TIMELINE
    assert list(store.each_call(CallFilter())) == [found]


def test_beginning_of_an_id_is_enough_if_one_has_it(store: Store) -> None:
    store.keep([made.kept(made.record(name)) for name in ("abc-1", "abc-2", "abc", "b%_")])
    assert [found and found.record.call for found in map(store.find, ["abc-1", "abc", "b", "b%", "%", "", "z"])] == [
        "abc-1", "abc", "b%_", "b%_", None, None, None,
    ]  # fmt: skip
    with pytest.raises(UsageError, match="abc-"):
        store.find("abc-")


def test_kept_again_is_replaced_but_told_once(store: Store) -> None:
    call = made.full_call()
    store.keep([call])
    store.delivered("d1", NOW)
    again = msgspec.structs.replace(call, record=msgspec.structs.replace(call.record, agent="bank"))
    store.keep([msgspec.structs.replace(again, deliveries=(made.delivery("d2", "full-call"),))])
    page = store.list_calls(CallFilter())
    assert [(row.agent, page.total) for row in page.rows] == [("bank", 1)]
    assert store.due(NOW + timedelta(days=1), 9) == []


def test_deliveries_come_with_whoever_has_some(store: Store) -> None:
    """A command may have kept the call before the server did, and knows of no addresses."""
    call = made.full_call()
    store.keep([msgspec.structs.replace(call, deliveries=())])
    store.keep([call])
    assert store.due(NOW, 9) == list(call.deliveries)
    store.forget_words("full-call")
    store.keep([call])
    assert store.due(NOW, 9) == []


def test_all_or_nothing(store: Store) -> None:
    good = made.kept(made.record("good"))
    dear = made.kept(made.record("dear"), made.cost(made.charge("9999999")))
    with pytest.raises(ProgrammingError, match="9999999 is no amount"):
        store.keep([good, dear])
    fine = made.kept(made.record("fine"), made.cost(made.charge("1e-13")))
    with pytest.raises(ProgrammingError, match="no amount"):
        store.keep([fine])
    twice = msgspec.structs.replace(good, deliveries=(made.delivery("d", "good"), made.delivery("d", "good")))
    with pytest.raises(ProgrammingError):
        store.keep([twice])
    assert store.missing(["good", "dear", "fine"]) == {"good", "dear", "fine"}


def test_missing_are_those_that_are_not_there(store: Store) -> None:
    store.keep([made.kept(made.record(f"call-{number}")) for number in range(3)])
    names = [f"call-{number}" for number in range(1200)]
    assert store.missing(names) == set(names[3:])
    assert store.missing([]) == set()


def test_deliveries_are_due_until_they_are_taken_or_given_up(store: Store) -> None:
    tasks = tuple(made.delivery(name, "call") for name in ("a", "b", "c"))
    store.keep([made.kept(made.record("call"), deliveries=tasks)])
    later = NOW + timedelta(minutes=5)
    assert store.due(NOW, 9) == list(tasks)
    assert len(store.due(NOW, 2)) == 2
    store.delivered("a", NOW)
    store.postpone("b", later, "503")
    store.postpone("c", None, "gone")
    assert store.due(NOW, 9) == []
    assert store.due(later, 9) == [msgspec.structs.replace(tasks[1], attempts=1)]
    store.postpone("a", later, "too late")
    assert [task.delivery for task in store.due(later, 9)] == ["b"]


def test_another_price_replaces_the_old_one(store: Store) -> None:
    call = made.full_call()
    store.keep([call])
    other = made.cost(made.charge("7", "spare", turn=2))
    store.reprice({"full-call": other, "full": other})
    found = store.find("full-call")
    assert found is not None
    assert (found.record, found.cost) == (call.record, other)
    assert store.list_calls(CallFilter(dearer_than=Decimal("6.9"))).rows[0].amounts == {"USD": 7}
    assert {row.group: row.amounts for row in store.costs(CallFilter(), ["model"])} == {
        (("model", "nova"),): {}, (("model", "spare"),): {"USD": 7},
    }  # fmt: skip


def test_book_is_kept_with_its_sources(store: Store, url: str) -> None:
    store.put_book(default_book())
    store.put_book(default_book())
    database = connect(url)
    with database.reading() as connection:
        rows = connection.execute(sa.select(tables.prices)).mappings().all()
    database.close()
    assert len(rows) == sum(len(row.prices) for row in default_book().rows)
    assert all(row["source"] for row in rows)


def test_one_of_several_that_look_at_once_makes_the_try(store: Store) -> None:
    store.keep([made.kept(made.record("call"), deliveries=(made.delivery("a", "call"),))])
    until = NOW + timedelta(minutes=1)
    assert [store.claim("a", NOW, until) for _ in range(2)] == [True, False]
    assert store.due(NOW, 9) == []
    assert [task.attempts for task in store.due(until, 9)] == [0]  # whoever had it died
    assert store.claim("a", until, until + timedelta(minutes=1))
    store.delivered("a", until)
    assert not store.claim("a", until, until + timedelta(minutes=1))
    assert not store.claim("none", NOW, until)
