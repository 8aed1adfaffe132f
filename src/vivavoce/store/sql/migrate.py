"""Bringing a database up to this version, when it is opened, by however many processes at once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from vivavoce.errors import SetupFault
from vivavoce.store import migrations
from vivavoce.store.sql.database import Database

_LOCK = 0x7669766176
"""Of PostgreSQL's advisory locks, ours."""
_ONE_AT_A_TIME = threading.Lock()
"""Alembic's scripts find their database by a global name."""


def upgrade(database: Database) -> None:
    """Does nothing to a database that is of this version. Raises :class:`~vivavoce.errors.SetupFault` for one of a
    newer one, which is left alone."""
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    with database.reading() as connection:
        if _version(connection) == scripts.get_current_head():
            return
    with _ONE_AT_A_TIME, database.writing() as connection:
        if not database.is_sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        _run(connection, scripts, database.place)


def _version(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _run(connection: sa.Connection, scripts: ScriptDirectory, place: str) -> None:
    def steps(revision: Any, _: MigrationContext) -> Any:
        return scripts._upgrade_revs("head", revision)  # as Alembic's own command does

    current = _version(connection)
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise SetupFault(
            f"the store ({place}) is of a newer version of Vivavoce: its tables are at {current!r}",
            hint="run that version, or name another store",
        )
    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(connection=connection)
        environment.run_migrations()
