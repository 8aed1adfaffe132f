"""What is forgotten is gone from rows and from the file, stays gone, and figures stay."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.unit.store import made
from tests.unit.store.made import NOW
from vivavoce.store.port import CallFilter
from vivavoce.store.sql.database import connect
from vivavoce.store.sql.rows import record_of
from vivavoce.store.sql.tables import METADATA, calls
from vivavoce.store.store import Store

SAID = ("wolfsburg", "golf", "which one", "the red", "good morning")


def everything(url: str) -> str:
    """Every value of every row, and of every blob what it unpacks to."""
    database = connect(url)
    with database.reading() as connection:
        rows = [connection.execute(sa.select(table)).all() for table in METADATA.sorted_tables]
        records = [repr(record_of(body, None)) for body in connection.scalars(sa.select(calls.c.record))]
    database.close()
    return (repr(rows) + "".join(records)).lower()


def test_words_are_gone_and_figures_stay(store: Store, url: str) -> None:
    call = made.full_call()
    store.keep([call])
    before = store.list_calls(CallFilter()), store.latency(CallFilter(), []), store.costs(CallFilter(), [])
    assert "wolfsburg" in everything(url)
    assert store.forget_words("full-call") == store.forget_words("full-call") == "calls/full-call"
    assert [word for word in SAID if word in everything(url)] == []
    assert (store.list_calls(CallFilter()), store.latency(CallFilter(), []), store.costs(CallFilter(), [])) == before
    found = store.find("full-call")
    assert found is not None
    assert (found.words, found.timeline_bytes, found.record.turns[1].caller) == (False, 0, "")
    assert store.timeline("full-call") is None
    assert store.list_calls(CallFilter(text="golf")).rows == ()
    store.keep([call])
    assert [word for word in SAID if word in everything(url)] == []


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_words_are_overwritten_in_the_file(store: Store, url: str) -> None:
    store.keep([made.full_call()])
    files = Path(url.removeprefix("sqlite:///")).parent

    def holds(text: bytes) -> bool:
        return any(text in file.read_bytes().lower() for file in files.iterdir())

    assert holds(b"wolfsburg")
    store.forget_words("full-call")
    assert not any(holds(text.encode()) for text in SAID)


def test_sound_is_gone(store: Store) -> None:
    store.keep([made.full_call()])
    assert store.forget_sound("full-call") == store.forget_sound("full-call") == "calls/full-call"
    store.keep([made.full_call()])
    found = store.find("full-call")
    assert found is not None
    assert (found.recorded, found.recording_bytes, found.words) == (False, 0, True)


def test_forgotten_call_is_not_missed(store: Store, url: str) -> None:
    store.keep([made.full_call()])
    assert store.forget_call("full-call") == "calls/full-call"
    assert store.forget_call("full-call") is None
    assert store.missing(["full-call", "other"]) == {"other"}
    store.keep([made.full_call()])
    assert (store.find("full-call"), store.list_calls(CallFilter()).total) == (None, 0)
    assert "twilio" not in everything(url)
    assert store.due(NOW, 9) == []
    assert (store.forget_words("nobody"), store.forget_sound("nobody")) == (None, None)


def test_those_that_are_old_enough(store: Store) -> None:
    for minutes in (3, 2, 1):
        call = made.record(f"call-{minutes}", minutes_ago=minutes)
        store.keep([made.kept(call, recording_bytes=minutes % 2)])
    limit = NOW - timedelta(minutes=2)
    assert store.older_than(NOW, "call") == ["call-3", "call-2", "call-1"]
    assert store.older_than(limit, "words") == ["call-3"]
    assert store.older_than(NOW, "sound") == ["call-3", "call-1"]
    store.forget_sound("call-3")
    store.forget_words("call-3")
    assert (store.older_than(NOW, "sound"), store.older_than(limit, "words")) == (["call-1"], [])
