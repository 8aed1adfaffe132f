"""One database: its engine, the two kinds of transaction, and its errors as ours.

Messages never hold a value that was stored, nor the password. No statement is logged.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import exc

from vivavoce.errors import (
    AccessFault,
    NotAvailable,
    ProgrammingError,
    SetupFault,
    StoreFault,
    UsageError,
    VivavoceError,
)

BUSY_MS = 10_000
"""How long a writer waits for another process's transaction on SQLite: far longer than any of ours lasts."""
CONNECT_S = 5
SILENT_MS = 15_000
"""After so long without an answer of its network a connection to PostgreSQL is given up."""
_EXAMPLES = "sqlite:///calls/ledger.db or postgresql://user:password@host/database"
_TRIES = 100
_WRITES = "vivavoce_writes"


class Database:
    """An engine with what we expect of it. ``place`` names it in messages."""

    def __init__(self, engine: sa.Engine, place: str) -> None:
        self.engine = engine
        self.place = place

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees one state of the database and changes nothing."""
        with self.faults(), self.engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that is kept as a whole, or not at all where the body raises."""
        with self.faults(), self.engine.connect() as plain:
            connection = plain.execution_options(**{_WRITES: True})
            with connection.begin():
                yield connection

    @contextlib.contextmanager
    def faults(self) -> Iterator[None]:
        """The driver's errors become ours. The chain is cut: PostgreSQL's details quote values."""
        try:
            yield
        except exc.SQLAlchemyError as error:
            raise _fault(error, self.place) from None
        except sqlite3.Error as error:
            raise StoreFault(f"the store ({self.place}) failed: {_said(error)}") from None

    def close(self) -> None:
        self.engine.dispose()


def connect(url: str) -> Database:
    """The database of that URL, not asked for anything yet. Raises :class:`~vivavoce.errors.UsageError` for a URL that
    is none, and :class:`~vivavoce.errors.NotAvailable` where its driver is not installed."""
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    try:
        engine = sa.create_engine(
            parsed, pool_pre_ping=True, pool_timeout=CONNECT_S, hide_parameters=True, connect_args=_patience(parsed)
        )
    except ImportError:
        raise NotAvailable(
            "the driver for PostgreSQL is not installed", hint="pip install 'vivavoce[postgres]'"
        ) from None
    return Database(engine, f"PostgreSQL at {parsed.host or 'its socket'}, database {parsed.database or '(default)'}")


def prepare(database: Database) -> None:
    """SQLite's log goes beside the file, so that nobody who reads waits for one who writes. The file remembers."""
    if not database.is_sqlite:
        return
    with database.faults(), database.engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        for attempt in range(_TRIES):
            try:
                raw.execute("PRAGMA journal_mode=WAL").fetchone()
                return
            except sqlite3.OperationalError:  # another process is about it, and SQLite does not wait for this
                if attempt == _TRIES - 1:
                    raise
                time.sleep(0.05)


def _parsed(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except (exc.ArgumentError, ValueError):
        raise UsageError("the store is named by no URL", hint=f"like {_EXAMPLES}") from None
    match parsed.drivername:
        case "postgres" | "postgresql" | "postgresql+psycopg":
            return parsed.set(drivername="postgresql+psycopg")
        case "sqlite":
            if parsed.database in {None, "", ":memory:"}:
                raise UsageError("the store's URL names no file", hint="like sqlite:///calls/ledger.db")
            return parsed
        case other:
            raise UsageError(f"the store's URL is of {other!r}, which cannot be used", hint=f"like {_EXAMPLES}")


def _patience(url: sa.URL) -> dict[str, int]:
    """What a connection does when nothing answers, as far as the URL does not say."""
    wanted = {
        "connect_timeout": CONNECT_S,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 2,
        "tcp_user_timeout": SILENT_MS,
    }
    return {name: value for name, value in wanted.items() if name not in url.query}


def _sqlite(url: sa.URL) -> Database:
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # SQLite itself would let the group read it
    except OSError as error:
        raise SetupFault(
            f"the store's file {path} cannot be written: {error.strerror}", hint="name another in the store's URL"
        ) from None
    engine = sa.create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_MS / 1000})
    sa.event.listen(engine, "connect", _tuned)
    sa.event.listen(engine, "begin", _begun)
    return Database(engine, f"SQLite file {path}")


def _tuned(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves: sqlite3 says it too late
    for setting in (
        f"busy_timeout={BUSY_MS}",
        "foreign_keys=ON",
        "synchronous=NORMAL",
        "secure_delete=ON",  # what is forgotten is overwritten
        "cache_size=-65536",
        "mmap_size=268435456",
    ):
        connection.execute(f"PRAGMA {setting}")


def _begun(connection: sa.Connection) -> None:
    """A writer takes its turn at the beginning: SQLite refuses one that read first and was overtaken."""
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _fault(error: exc.SQLAlchemyError, place: str) -> VivavoceError:
    if isinstance(error, exc.StatementError) and isinstance(error.orig, VivavoceError):
        return error.orig  # a value that a column does not take
    if not isinstance(error, exc.DBAPIError):
        return StoreFault(f"the store ({place}) does not answer: {type(error).__name__}")
    said = _said(error.orig)
    if _is_refusal(error.orig, said):
        return AccessFault(f"the store ({place}) does not let us in: {said}", hint="see user and password in its URL")
    match error:
        case exc.IntegrityError() | exc.DataError():
            return ProgrammingError(f"the store ({place}) was given what its tables do not take: {said}")
        case _ if "not a database" in said:
            return SetupFault(f"{place} is something else: {said}", hint="name another file in the store's URL")
        case _ if "does not exist" in said and "database" in said:
            return SetupFault(f"{place}: {said}", hint="create it: createdb NAME")
        case _:
            return StoreFault(f"the store ({place}) failed: {said}")


def _is_refusal(error: BaseException | None, said: str) -> bool:
    """SQLSTATE class 28; a connection that was never made has no state, only words."""
    state = getattr(error, "sqlstate", None) or ""
    return state.startswith("28") or "authentication failed" in said or "no password supplied" in said


def _said(error: BaseException | None) -> str:
    """Its first line. PostgreSQL puts values of rows into its details, which come apart."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    return (primary or str(error) or type(error).__name__).strip().splitlines()[0]
