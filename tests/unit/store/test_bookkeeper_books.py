"""What is kept, in which order, and what becomes of it when the database or a call is in trouble."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.store.keeping import NOW, QUICK, Clock, FakeStore, priced, with_deliveries, work_off, write_call
from vivavoce.errors import NotAvailable, ProgrammingError, StoreFault, TimelineError
from vivavoce.ledger.cost import CallCost
from vivavoce.ledger.fold import fold_bytes
from vivavoce.ledger.record import CallRecord
from vivavoce.store.books import BATCH, LONGEST_WAIT_S, TOLD_WITHIN, Books, Duties, OpenStore, sync
from vivavoce.store.intake import LIMIT
from vivavoce.store.reading import ReadCall
from vivavoce.timeline.disk import RawSink
from vivavoce.timeline.write import TIMELINE_FILE


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def books_on(store: FakeStore, calls: Path, clock: Clock, duties: Duties = QUICK) -> Books:
    return Books(lambda: store, calls, duties, now=clock)


def changed(duty: str, done: Any) -> Duties:
    return replace(QUICK, **{duty: done})


@pytest.fixture
def books(store: FakeStore, tmp_path: Path, clock: Clock) -> Books:
    return books_on(store, tmp_path, clock)


# -- what is kept ------------------------------------------------------------------------------------------------------


def test_a_call_is_kept_as_its_file_says(store: FakeStore, books: Books, tmp_path: Path) -> None:
    folder = write_call(tmp_path, "a")
    (folder / "audio.wav").write_bytes(b"no sound at all")
    assert work_off(books.step) is None
    kept = store.kept["a"]
    assert kept.timeline == (folder / TIMELINE_FILE).read_bytes()
    assert kept.record == fold_bytes(kept.timeline)  # a recording that cannot be used says nothing
    assert (kept.folder, kept.recording_bytes) == (str(folder), 15)
    assert kept.cost.book == f"a 15 {len(kept.timeline)}"


def test_at_the_start_all_that_is_missing_is_kept_oldest_first(store: FakeStore, books: Books, tmp_path: Path) -> None:
    for call in ("c", "a", "b"):
        write_call(tmp_path, call)
    work_off(books.step)
    assert store.strokes == [["a", "b", "c"]]


def test_what_is_there_is_not_read_again(store: FakeStore, tmp_path: Path, clock: Clock) -> None:
    def unread(folder: Path) -> ReadCall:
        raise AssertionError(folder)

    write_call(tmp_path, "a")
    sync(store, tmp_path, QUICK, now=clock)
    books = books_on(store, tmp_path, clock, replace(QUICK, read=unread))
    assert work_off(books.step) is None
    assert books.statistics.failed == 0


def test_a_call_that_goes_on_is_left_alone_until_it_ends(store: FakeStore, books: Books, tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    sink = RawSink(tmp_path / "live" / TIMELINE_FILE)
    sink.write((write_call(tmp_path / "other", "live") / TIMELINE_FILE).read_bytes())
    work_off(books.step)
    assert store.kept == {}
    sink.close()
    books.search()
    work_off(books.step)
    assert [*store.kept] == ["live"]


def test_what_ends_now_goes_before_what_was_found(store: FakeStore, books: Books, tmp_path: Path) -> None:
    for number in range(BATCH + 2):
        write_call(tmp_path, f"old-{number:02}")
    books.step()
    write_call(tmp_path, "new")
    books.call_ended("new")
    work_off(books.step)
    assert [len(stroke) for stroke in store.strokes] == [BATCH, 3]
    assert store.strokes[1][0] == "new"


def test_a_large_call_does_not_share_its_stroke(
    store: FakeStore, books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vivavoce.store.books.BATCH_BYTES", 300)  # a call here is about 200
    for call in "abc":
        write_call(tmp_path, call)
    work_off(books.step)
    assert store.strokes == [["a", "b"], ["c"]]


def test_more_calls_than_are_remembered_are_found(store: FakeStore, books: Books, tmp_path: Path) -> None:
    work_off(books.step)
    for number in range(LIMIT):
        books.call_ended(f"gone-{number}")
    write_call(tmp_path, "forgotten")
    books.call_ended("forgotten")
    assert books.statistics.waiting == LIMIT
    work_off(books.step)
    assert [*store.kept] == ["forgotten"]
    assert books.statistics.waiting == 0


def test_a_file_that_is_no_call_and_a_folder_without_one_are_passed_over(
    store: FakeStore, books: Books, tmp_path: Path
) -> None:
    (tmp_path / "ledger.db").write_bytes(b"")
    (tmp_path / "notes").mkdir()
    assert work_off(books.step) is None
    assert books.statistics.waiting == books.statistics.failed == 0


def test_no_folder_of_calls_is_no_trouble(store: FakeStore, tmp_path: Path, clock: Clock) -> None:
    assert work_off(books_on(store, tmp_path / "none", clock).step) is None


# -- a call that was cut off -------------------------------------------------------------------------------------------


def test_a_torn_call_is_kept_as_torn_and_told_by_its_name_alone(
    store: FakeStore, books: Books, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_call(tmp_path, "cut", ended=False, more=b'[0,0,{"type":"CallerTranscribed","text":"my secret')
    work_off(books.step)
    assert store.kept["cut"].record.torn
    assert books.statistics.torn == books.statistics.kept == 1
    assert "cut off" in caplog.text
    assert "cut" in caplog.text
    assert "secret" not in caplog.text


def test_a_file_that_cannot_be_read_is_set_aside_told_once_and_tried_when_it_changes(
    store: FakeStore, books: Books, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad = write_call(tmp_path, "bad", ended=False, more=b"my secret\n") / TIMELINE_FILE
    write_call(tmp_path, "good")
    for _ in range(3):
        books.search()
        assert work_off(books.step) is None
    assert [*store.kept] == ["good"]
    assert books.statistics.failed == 1
    assert caplog.text.count("set aside") == 1
    assert "secret" not in caplog.text
    bad.write_bytes(bad.read_bytes().replace(b"my secret\n", b""))
    books.search()
    work_off(books.step)
    assert [*store.kept] == ["good", "bad"]
    assert books.statistics.failed == 0


@pytest.mark.parametrize("error", [ZeroDivisionError("my secret"), TimelineError("my secret"), PermissionError("no")])
@pytest.mark.parametrize("duty", ["read", "price", "deliveries"])
def test_trouble_with_one_call_holds_up_no_other(
    store: FakeStore, tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture, error: Exception, duty: str
) -> None:
    plain: Callable[..., object] = getattr(QUICK, duty)

    def troubled(first: Path | CallRecord, *more: object, **named: object) -> object:
        if "bad" in (first.name if isinstance(first, Path) else first.call):
            raise error
        return plain(first, *more, **named)

    for call in ("bad", "good"):
        write_call(tmp_path, call)
    books = books_on(store, tmp_path, clock, changed(duty, troubled))
    assert work_off(books.step) is None
    assert [*store.kept] == ["good"]
    assert books.statistics.failed == 1
    assert "bad" in caplog.text
    assert "secret" not in caplog.text


def test_a_folder_with_another_name_than_its_call_is_set_aside(store: FakeStore, books: Books, tmp_path: Path) -> None:
    write_call(tmp_path, "a").rename(tmp_path / "copy-of-a")
    work_off(books.step)
    assert store.kept == {}
    assert books.statistics.failed == 1


# -- a database in trouble ---------------------------------------------------------------------------------------------


def test_while_the_database_is_away_calls_wait_ever_longer_and_nothing_is_read(
    store: FakeStore, tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    books = Books(lambda: store, tmp_path, QUICK, now=clock, jitter=lambda: 1.0)
    store.away = "connection refused"
    books.call_ended("a")
    waits = [books.step() for _ in range(8)]
    assert waits == [0.5, 1, 2, 4, 8, 16, LONGEST_WAIT_S, LONGEST_WAIT_S]
    clock.move(60)
    told = books.statistics
    assert (told.waiting, told.faults, told.away, told.backlog_age_s) == (1, 8, True, 60)
    assert caplog.text.count("connection refused") == 1
    write_call(tmp_path, "a")
    store.away = ""
    assert work_off(books.step) is None
    assert [*store.kept] == ["a"]
    told = books.statistics
    assert (told.waiting, told.away, told.backlog_age_s) == (0, False, 0)
    store.away = "once more"
    books.search()
    assert books.step() == 0.5


def test_jitter_spreads_those_that_come_back(store: FakeStore, tmp_path: Path, clock: Clock) -> None:
    store.away = "away"
    write_call(tmp_path, "a")
    assert Books(lambda: store, tmp_path, QUICK, now=clock, jitter=lambda: 0.0).step() == 0.25


def test_a_store_that_cannot_be_opened_yet_is_tried_again(store: FakeStore, tmp_path: Path, clock: Clock) -> None:
    errors: list[Exception] = [StoreFault("away"), NotAvailable("no psycopg"), ZeroDivisionError()]

    def open_store() -> OpenStore:
        if errors:
            raise errors.pop(0)
        return store

    write_call(tmp_path, "a")
    books = Books(open_store, tmp_path, QUICK, now=clock)
    assert [books.step() for _ in range(3)] == [0.375, 0.75, LONGEST_WAIT_S]
    work_off(books.step)
    assert [*store.kept] == ["a"]


def test_a_database_that_goes_in_the_middle_loses_nothing(store: FakeStore, books: Books, tmp_path: Path) -> None:
    for number in range(2 * BATCH):
        write_call(tmp_path, f"{number:02}")
    keep = store.keep

    def breaks(calls: object) -> None:
        store.keep = keep  # type: ignore[method-assign]
        raise StoreFault("gone")

    assert books.step() == 0
    store.keep = breaks  # type: ignore[method-assign]
    assert books.step() == 0.375
    assert books.statistics.waiting == BATCH
    assert work_off(books.step) is None
    assert sorted(call for stroke in store.strokes for call in stroke) == [f"{n:02}" for n in range(2 * BATCH)]


def test_what_the_database_never_has_room_for_lets_others_by(store: FakeStore, books: Books, tmp_path: Path) -> None:
    for call in ("a-huge-one", "b", "c"):
        write_call(tmp_path, call)
    store.refuses = {"a-huge-one": StoreFault("full")}
    for _ in range(8):
        books.step()
    assert {*store.kept} == {"b", "c"}
    assert books.statistics.waiting == 1
    assert books.statistics.failed == 0
    store.refuses = {}
    work_off(books.step)
    assert "a-huge-one" in store.kept


@pytest.mark.parametrize("error", [ProgrammingError("duplicate"), ZeroDivisionError("my secret")])
def test_what_the_database_refuses_for_what_it_is_is_set_aside(
    store: FakeStore, books: Books, tmp_path: Path, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    for call in "abcd":
        write_call(tmp_path, call)
    store.refuses = {"b": error}
    assert work_off(books.step) is None
    assert {*store.kept} == {"a", "c", "d"}
    assert books.statistics.failed == 1
    assert "secret" not in caplog.text


def test_what_two_keep_at_once_is_tried_again_and_then_found_kept(
    store: FakeStore, books: Books, tmp_path: Path
) -> None:
    write_call(tmp_path, "a")
    store.refuses = {"a": ProgrammingError("duplicate")}
    books.step()
    sync(other := FakeStore(), tmp_path, QUICK, now=lambda: NOW)
    store.kept, store.refuses = other.kept, {}
    assert work_off(books.step) is None
    assert books.statistics.failed == 0
    assert store.strokes == []


# -- those who are told ------------------------------------------------------------------------------------------------


def test_whoever_wants_to_hear_does_once_it_is_kept(store: FakeStore, tmp_path: Path, clock: Clock) -> None:
    heard: list[tuple[str, bool, bool]] = []

    def hears(record: CallRecord, cost: CallCost, *, fresh: bool) -> None:
        heard.append((record.call, fresh, record.call in store.kept))
        raise ZeroDivisionError

    write_call(tmp_path, "old")
    books = books_on(store, tmp_path, clock, replace(QUICK, on_kept=hears))
    work_off(books.step)
    write_call(tmp_path, "new")
    books.call_ended("new")
    assert work_off(books.step) is None
    assert heard == [("old", False, True), ("new", True, True)]
    assert books.statistics.failed == 0


def test_deliveries_go_in_with_the_call_unless_it_is_an_old_one(store: FakeStore, tmp_path: Path, clock: Clock) -> None:
    write_call(tmp_path, "cut-off", ended=False)
    write_call(tmp_path, "old", opened=NOW - TOLD_WITHIN - timedelta(seconds=6))
    work_off(books_on(store, tmp_path, clock, with_deliveries()).step)
    assert [task.call for task in store.tasks] == ["cut-off"]


# -- for a command -----------------------------------------------------------------------------------------------------


def test_sync_keeps_all_that_is_over_and_says_how_much(store: FakeStore, tmp_path: Path, clock: Clock) -> None:
    for number in range(BATCH + 1):
        write_call(tmp_path, f"{number:02}", ended=number > 0)
    write_call(tmp_path, "bad", more=b"nonsense\n")
    told = sync(store, tmp_path, QUICK, now=clock)
    assert (told.kept, told.torn, told.failed, told.waiting) == (BATCH + 1, 1, 1, 0)
    assert sync(store, tmp_path, QUICK, now=clock).kept == 0


def test_sync_says_that_the_database_is_away(store: FakeStore, tmp_path: Path, clock: Clock) -> None:
    store.away = "away"
    write_call(tmp_path, "a")
    with pytest.raises(StoreFault, match="away"):
        sync(store, tmp_path, QUICK, now=clock)


def test_prices_are_asked_with_the_sizes(store: FakeStore, tmp_path: Path, clock: Clock) -> None:
    write_call(tmp_path, "a")
    sync(store, tmp_path, replace(QUICK, price=priced), now=clock)
    assert store.kept["a"].cost.book.startswith("a 0 ")
