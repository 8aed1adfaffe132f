"""Opening: by whom, how often, and what goes wrong."""

from __future__ import annotations

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from tests.unit.store import made
from tests.unit.store.made import NOW
from tests.unit.store.postgres import PostgresServer
from vivavoce.errors import AccessFault, NotAvailable, SetupFault, StoreFault, UsageError
from vivavoce.store.opening import open_store
from vivavoce.store.port import CallFilter
from vivavoce.store.sql.database import connect
from vivavoce.store.sql.tables import METADATA
from vivavoce.store.store import Store


def opened(url: str) -> Store:
    return open_store(url, now=lambda: NOW)


def test_migrations_lead_to_the_tables(store: Store, url: str) -> None:
    database = connect(url)
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    database.close()


def test_opened_again_it_is_as_it_was(store: Store, url: str) -> None:
    store.keep([made.full_call()])
    with opened(url) as again:
        assert again.find("full-call") == store.find("full-call")


def test_newer_tables_are_left_alone(store: Store, url: str) -> None:
    database = connect(url)
    with database.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SetupFault, match="9999"):
        opened(url)
    with database.reading() as connection:
        assert connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == "9999"
    database.close()


def test_several_threads_may_open_write_and_read(url: str) -> None:
    def work(number: int) -> int:
        with opened(url) as store:
            store.keep([made.kept(made.record(f"{number}-{one}")) for one in range(3)])
            return store.list_calls(CallFilter(call=f"{number}-")).total

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [3] * 4


@pytest.mark.slow
def test_several_processes_may_open_at_once(url: str) -> None:
    script = (
        "import sys; from datetime import datetime, UTC; from vivavoce.store.opening import open_store\n"
        "with open_store(sys.argv[1], now=lambda: datetime.now(UTC)) as store: print(store.missing(['x']))"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", script, url], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(4)
    ]
    assert [process.communicate(timeout=60)[0] for process in processes] == [b"{'x'}\n"] * 4


def test_file_is_private_and_its_folder_made(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ledger.db"
    with opened(f"sqlite:///{path}") as store:
        store.keep([made.full_call()])
        assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "is named by no URL"), ("no url", "is named by no URL"),
        ("mysql://me:secret@host/db", "'mysql'"), ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"), ("postgresql://me:secret@host:port/db", "is named by no URL"),
    ],
)  # fmt: skip
def test_url_that_cannot_be_used(url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        opened(url)
    assert "secret" not in str(caught.value)
    assert "sqlite:///" in caught.value.hint


def test_file_that_is_something_else(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("These are no tables, and there is enough of it. " * 99)
    with pytest.raises(SetupFault, match="not a database"):
        opened(f"sqlite:///{tmp_path}/notes.txt")
    with pytest.raises(SetupFault, match="cannot be written"):
        opened(f"sqlite:///{tmp_path}/notes.txt/ledger.db")


def test_driver_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(NotAvailable, match=r"vivavoce\[postgres\]"):
        opened("postgres://me@host/db")


def test_nobody_there() -> None:
    with pytest.raises(StoreFault) as caught:
        opened("postgres://me:secret@127.0.0.1:1/db")
    assert caught.value.retryable
    assert "secret" not in str(caught.value)


def test_import_waits_for_nothing() -> None:
    script = (
        "import sys, vivavoce.store.opening; print({'sqlalchemy', 'alembic', 'sqlite3', 'numpy'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert ran.stdout == "set()\n"


@pytest.mark.slow
def test_wrong_password_and_no_such_database(server: PostgresServer) -> None:
    with pytest.raises(AccessFault, match="password") as caught:
        opened(server.url("postgres", password="hidden"))
    assert "hidden" not in str(caught.value)
    with pytest.raises(SetupFault, match="nowhere") as absent:
        opened(server.url("nowhere"))
    assert "createdb" in absent.value.hint


@pytest.mark.slow
def test_server_that_goes_away_and_comes_back(server: PostgresServer) -> None:
    with opened(server.new_database()) as store:
        store.keep([made.full_call()])
        server.stop()
        try:
            for _ in range(2):
                with pytest.raises(StoreFault) as caught:
                    store.keep([made.kept(made.record("late"))])
                assert caught.value.retryable
            with pytest.raises(StoreFault):
                store.find("full-call")
        finally:
            server.start()
        store.keep([made.kept(made.record("late"))])
        assert [row.call for row in store.list_calls(CallFilter()).rows] == ["late", "full-call"]
