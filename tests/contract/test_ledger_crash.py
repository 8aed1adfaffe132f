"""Nothing is lost: a server that is killed in the middle of calls, a bookkeeper that is killed in the middle of a
transaction, a database that is full, locked, stopped and started.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from websockets.asyncio.client import connect

from tests.unit.cli.agents import write_agent
from tests.unit.store.keeping import work_off, write_call
from tests.unit.store.postgres import running_server
from vivavoce.ledger.book import default_book
from vivavoce.ledger.pricing import price_call
from vivavoce.ledger.record import CallRecord
from vivavoce.store.books import Books, Duties, sync
from vivavoce.store.opening import open_store
from vivavoce.store.port import CallFilter
from vivavoce.store.reading import read_call
from vivavoce.store.store import Store
from vivavoce.timeline.write import TIMELINE_FILE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

LISTENS = '[[step]]\nwhen = "speak"\nsay = { ms = 100 }\n'
LIVE = 5
LOST_AT_MOST = timedelta(seconds=1)
DUTIES = Duties(price=partial(price_call, book=default_book()))


def wall_clock() -> datetime:
    return datetime.now(UTC)


def until(seconds: float, what: str) -> Iterator[None]:
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        yield
        time.sleep(0.05)
    pytest.fail(f"not within {seconds} s: {what}")


def call_folders(calls: Path) -> list[Path]:
    return sorted(folder for folder in calls.iterdir() if folder.is_dir())


def stored(store: Store) -> dict[str, CallRecord]:
    found = [one.record for one in store.each_call(CallFilter())]
    assert len({record.call for record in found}) == len(found), "a call is there twice"
    return {record.call: record for record in found}


def assert_as_a_fresh_fold(store: Store, calls: Path) -> dict[str, CallRecord]:
    """Each call of the folder once, with the figures and the cost that its file gives now."""
    kept = stored(store)
    assert kept == {folder.name: read_call(folder).record for folder in call_folders(calls)}
    for call, record in kept.items():
        found = store.find(call)
        raw = (calls / call / TIMELINE_FILE).read_bytes()
        assert found is not None
        assert store.timeline(call) == raw
        assert found.cost == price_call(
            record, default_book(), recording_bytes=found.recording_bytes, timeline_bytes=len(raw)
        )
    return kept


# -- a server that is killed -------------------------------------------------------------------------------------------


@contextmanager
def server_on(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int, Path]]:
    """Process, port, and what it says."""
    command = [sys.executable, "-m", "vivavoce", "serve", str(folder / "desk"), "--port", "0", "--json"]
    errors = folder / f"errors-{time.monotonic_ns()}.txt"
    with (
        errors.open("w") as err,
        subprocess.Popen(
            [*command, "--calls", str(folder / "calls")], cwd=folder, stdout=subprocess.PIPE, stderr=err, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, errors.read_text()
            yield process, int(json.loads(line)["url"].rstrip("/").rpartition(":")[2]), errors
        finally:
            process.kill()


async def talk_until_killed(port: int, process: subprocess.Popen[str]) -> datetime:
    """Several calls, with sound at its own pace; one ends by itself before. Gives when the server was killed."""
    frame = json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(bytes(1920)).decode()})
    url = f"ws://127.0.0.1:{port}/v1/realtime?model=desk"
    async with connect(url, compression=None) as first:
        await first.send(frame)
    websockets = [await connect(url, compression=None) for _ in range(LIVE)]
    for _ in range(50):
        for websocket in websockets:
            await websocket.send(frame)
        await asyncio.sleep(0.04)
    killed = wall_clock()
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    await asyncio.gather(*(websocket.wait_closed() for websocket in websockets))
    return killed


def test_a_server_that_is_killed_loses_at_most_the_last_second_and_the_next_one_says_so(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    write_agent(tmp_path / "desk", LISTENS)
    with server_on(tmp_path) as (process, port, _):
        killed = asyncio.run(talk_until_killed(port, process))
    folders = call_folders(calls)
    assert len(folders) == LIVE + 1
    with server_on(tmp_path) as (process, port, said):
        for _ in until(20, "calls are kept"):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                kept = re.search(r"^vivavoce_bookkeeper_kept_total\S* (\d+)", answer.read().decode(), re.MULTILINE)
            if kept and int(kept[1]) >= LIVE:
                break
        process.terminate()
        assert process.wait(30) == 0
        text = said.read_text()
    with open_store(f"sqlite:///{calls}/ledger.db", now=wall_clock) as store:
        records = assert_as_a_fresh_fold(store, calls)
    torn = [record for record in records.values() if record.torn]
    assert len(torn) == LIVE
    for record in torn:
        last = datetime.fromisoformat(record.opened) + timedelta(microseconds=record.duration_us)
        assert killed - last <= LOST_AT_MOST, f"{record.call} lost {killed - last}"
        assert f"may be missing: {record.call}" in text
    assert text.count("cut off") == LIVE


# -- a bookkeeper that is killed ---------------------------------------------------------------------------------------

DIES = """
import os, signal, sys
import sqlalchemy as sa
from pathlib import Path
from tests.contract.test_ledger_crash import DUTIES, wall_clock
from vivavoce.store.books import sync
from vivavoce.store.opening import open_store

url, calls, left = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
store = open_store(url, now=wall_clock)

@sa.event.listens_for(sa.Engine, "after_cursor_execute")
def count(connection, cursor, statement, *_):
    global left
    left -= statement.startswith("INSERT")
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

sync(store, calls, DUTIES, now=wall_clock)
"""


def killed_at(url: str, calls: Path, statement: int) -> None:
    command = [sys.executable, "-c", DIES, url, str(calls), str(statement)]
    here = Path(__file__).parents[2]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, cwd=here)
    assert done.returncode == -signal.SIGKILL, done.stderr


def some_calls(calls: Path, count: int = 50) -> None:
    for number in range(count):
        write_call(calls, f"20260302-0915{number:02}-aaaaaa", ended=number % 3 > 0)


def check_killed(url: str, calls: Path) -> None:
    some_calls(calls)
    for statement in (1, 11, 22, 40):  # of the first stroke, and, as that is undone each time, of the next
        killed_at(url, calls, statement)
    with open_store(url, now=wall_clock) as store:
        assert len(stored(store)) % 20 == 0, "half a stroke"
        told = sync(store, calls, DUTIES, now=wall_clock)
        assert told.kept + told.waiting > 0
        assert len(assert_as_a_fresh_fold(store, calls)) == 50
        assert sync(store, calls, DUTIES, now=wall_clock).kept == 0


def test_a_bookkeeper_killed_in_a_transaction_leaves_no_half_call(tmp_path: Path) -> None:
    check_killed(f"sqlite:///{tmp_path}/ledger.db", tmp_path / "calls")


# -- a database in trouble ---------------------------------------------------------------------------------------------


def test_a_disk_without_room_for_the_database_is_waited_for(tmp_path: Path) -> None:
    pages = 1_000_000

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    sa.event.listen(sa.Engine, "connect", limit)
    try:
        with open_store(f"sqlite:///{tmp_path}/ledger.db", now=wall_clock) as store:
            pages = 1  # as many as there are: it grows no more
            store._database.engine.dispose()
            calls = tmp_path / "calls"
            some_calls(calls, 45)
            books = Books(lambda: store, calls, DUTIES, now=wall_clock)
            assert work_off(books.step) == pytest.approx(0.375)
            assert books.statistics.away
            left = books.statistics.waiting
            assert left == 45 - books.statistics.kept > 0
            pages = 1_000_000
            store._database.engine.dispose()
            assert work_off(books.step) is None
            assert books.statistics.kept == 45
            assert_as_a_fresh_fold(store, calls)
    finally:
        sa.event.remove(sa.Engine, "connect", limit)


def test_a_database_that_another_process_has_locked_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vivavoce.store.sql.database.BUSY_MS", 100)
    database, calls = tmp_path / "ledger.db", tmp_path / "calls"
    some_calls(calls, 3)
    with (
        open_store(f"sqlite:///{database}", now=wall_clock) as store,
        closing(sqlite3.connect(database, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        books = Books(lambda: store, calls, DUTIES, now=wall_clock)
        assert work_off(books.step) == pytest.approx(0.375)
        assert books.statistics.waiting == 3
        other.execute("ROLLBACK")
        assert work_off(books.step) is None
        assert_as_a_fresh_fold(store, calls)


def test_postgresql_may_be_killed_at_be_stopped_and_come_back(tmp_path: Path) -> None:
    with running_server() as server:
        check_killed(server.new_database(), tmp_path / "killed")
        calls = tmp_path / "calls"
        some_calls(calls, 25)
        with open_store(server.new_database(), now=wall_clock) as store:
            books = Books(lambda: store, calls, DUTIES, now=wall_clock)
            assert books.step() == 0  # the first twenty
            server.stop()
            assert work_off(books.step) == pytest.approx(0.375)
            write_call(calls, "20260302-101500-aaaaaa")
            books.call_ended("20260302-101500-aaaaaa")
            assert books.step() == pytest.approx(0.75)
            assert books.statistics.waiting == 6
            server.start()
            assert work_off(books.step) is None
            assert len(assert_as_a_fresh_fold(store, calls)) == 26
