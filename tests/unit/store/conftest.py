"""The store on either database: what holds on SQLite holds on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.store.made import NOW
from tests.unit.store.postgres import PostgresServer, running_server
from vivavoce.store.opening import open_store
from vivavoce.store.store import Store

BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with running_server() as started:
        yield started


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    started: PostgresServer = request.getfixturevalue("server")
    return started.new_database()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url, now=lambda: NOW) as opened:
        yield opened
