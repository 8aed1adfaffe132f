"""Forgetting a call's sound, its words, or all of it. Done twice is done once."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from vivavoce.store.sql.database import Database
from vivavoce.store.sql.instants import micros
from vivavoce.store.sql.tables import calls, deliveries, forgotten, timelines, transcripts

What = Literal["sound", "words", "call"]


def forget_sound(database: Database, call: str) -> str | None:
    """The folder in which it lies, for whoever deletes the file; None where the call is not kept."""
    with database.writing() as connection:
        connection.execute(sa.update(calls).where(calls.c.call == call).values(sound_forgotten=True, recording_bytes=0))
        return connection.scalar(sa.select(calls.c.folder).where(calls.c.call == call))


def forget_words(database: Database, call: str) -> str | None:
    """Timeline, transcript and what was to be told of them; the figures stay. Gives the folder as above."""
    with database.writing() as connection:
        row = connection.execute(sa.select(calls.c.id, calls.c.folder).where(calls.c.call == call)).first()
        if row is not None:
            connection.execute(sa.update(calls).where(calls.c.id == row.id).values(words_forgotten=True))
            for table in (timelines, transcripts):
                connection.execute(sa.delete(table).where(table.c.call_id == row.id))
        connection.execute(sa.delete(deliveries).where(deliveries.c.call == call))
    _overwrite(database)
    return None if row is None else row.folder


def forget_call(database: Database, call: str, now: datetime) -> str | None:
    """All of it but its id, by which it is not taken for one that is missing. Gives the folder as above."""
    with database.writing() as connection:
        folder = connection.scalar(sa.select(calls.c.folder).where(calls.c.call == call))
        connection.execute(sa.delete(calls).where(calls.c.call == call))
        connection.execute(sa.delete(deliveries).where(deliveries.c.call == call))
        if connection.scalar(sa.select(forgotten.c.call).where(forgotten.c.call == call)) is None:
            connection.execute(sa.insert(forgotten).values(call=call, forgotten_us=micros(now)))
    _overwrite(database)
    return folder


def older_than(database: Database, instant: datetime, what: What) -> list[str]:
    """Calls that were opened before then and still have that, oldest first."""
    has = {
        "sound": calls.c.sound_forgotten.is_(False) & (calls.c.recording_bytes > 0),
        "words": calls.c.words_forgotten.is_(False),
        "call": sa.true(),
    }[what]
    query = sa.select(calls.c.call).where(calls.c.opened_us < micros(instant), has).order_by(calls.c.opened_us)
    with database.reading() as connection:
        return list(connection.scalars(query))


def _overwrite(database: Database) -> None:
    """On SQLite the log still has the old pages, until they are taken over; as far as no reader holds them."""
    if database.is_sqlite:
        with database.faults(), database.engine.connect() as connection:
            assert connection.connection.dbapi_connection is not None
            cursor = connection.connection.dbapi_connection.cursor()  # a checkpoint cannot be in a transaction
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.close()
