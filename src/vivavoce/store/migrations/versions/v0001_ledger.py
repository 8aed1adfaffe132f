"""The ledger's first tables, as they were then; later ones change nothing here."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Date, ForeignKey, Index, Integer, LargeBinary, Table

revision = "0001"
down_revision = None

Word = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
Key = BigInteger().with_variant(Integer, "sqlite")

METADATA = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


def _of_call() -> Column[int]:
    return Column("call_id", Key, ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)


def _words(*names: str) -> list[Column[str]]:
    return [Column(name, Word, nullable=False) for name in names]


def _counts(*names: str) -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=False) for name in names]


def _figures(*names: str) -> list[Column[int]]:
    return [Column(name, BigInteger) for name in names]


def _truths(*names: str) -> list[Column[bool]]:
    return [Column(name, Boolean, nullable=False) for name in names]


TOKENS = ("speech_in", "speech_out", "text_in", "text_out")

Table(
    "calls",
    METADATA,
    Column("id", Key, primary_key=True),
    Column("call", Word, nullable=False, unique=True),
    Column("opened_us", BigInteger, nullable=False),
    Column("day", Date, nullable=False),
    *_words("agent", "tenant", "channel", "model", "disposition", "reason", "version"),
    *_truths("outbound", "simulated", "torn"),
    *_counts("duration_us", "talk_us"),
    *_counts("turn_count", "barge_in_count", "tool_count", "swap_count", "error_count"),
    *_figures("median_us", "slowest_us"),
    Column("dearest", BigInteger),
    Column("folder", Word, nullable=False),
    *_counts("recording_bytes"),
    *_truths("sound_forgotten", "words_forgotten"),
    Column("kept_us", BigInteger, nullable=False),
    Column("record", LargeBinary, nullable=False),
    Column("cost", LargeBinary, nullable=False),
    Index(None, "opened_us", "id"),
    Index(None, "agent", "opened_us"),
    Index(None, "tenant", "opened_us"),
    Index(None, "slowest_us", "id"),
    Index(None, "dearest", "id"),
    Index(None, "duration_us", "id"),
)

Table(
    "turns",
    METADATA,
    _of_call(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    *_words("kind", "model"),
    *_truths("interrupted"),
    *_figures("events_us", "played_us", "audio_us", "model_us", "server_us", "silence_us"),
    *_counts("tool_us"),
    sqlite_with_rowid=False,
)

Table(
    "latencies",
    METADATA,
    _of_call(),
    Column("models", Word, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

Table(
    "usage",
    METADATA,
    _of_call(),
    Column("model", Word, primary_key=True),
    *_counts("turn_count", "talk_us"),
    *_counts(*TOKENS, *(f"renewal_{kind}" for kind in TOKENS)),
    sqlite_with_rowid=False,
)

Table(
    "costs",
    METADATA,
    _of_call(),
    Column("model", Word, primary_key=True),
    Column("currency", Word, primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in ("amount", "waste", "renewal", "silence")),
    sqlite_with_rowid=False,
)

Table(
    "unpriced",
    METADATA,
    _of_call(),
    Column("model", Word, primary_key=True),
    Column("name", Word, primary_key=True),
    sqlite_with_rowid=False,
)

Table(
    "charges",
    METADATA,
    _of_call(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("turn", Integer),
    *_words("item", "name", "unit", "quantity"),
    Column("price", Word),
    Column("per", BigInteger, nullable=False),
    Column("amount", BigInteger),
    *_words("currency", "priced"),
    sqlite_with_rowid=False,
)

Table(
    "prices",
    METADATA,
    Column("book", Word, primary_key=True),
    Column("item", Word, primary_key=True),
    Column("name", Word, primary_key=True),
    Column("unit", Word, primary_key=True),
    Column("effective_from", Date, primary_key=True),
    *_words("price", "currency", "source"),
    Column("looked_up", Date),
    Column("increment_s", Integer, nullable=False),
    *_words("rounded_by"),
    Column("kept_us", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

Table(
    "timelines",
    METADATA,
    _of_call(),
    Column("raw_bytes", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

Table(
    "transcripts",
    METADATA,
    _of_call(),
    Column("words", LargeBinary, nullable=False),
    Column("search", Word, nullable=False),
)

Table(
    "deliveries",
    METADATA,
    Column("delivery", Word, primary_key=True),
    Column("call", Word, nullable=False),
    Column("url", Word, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_us", BigInteger),
    Column("delivered_us", BigInteger),
    Column("why", Word, nullable=False),
    Index(None, "due_us"),
    Index(None, "call"),
)

Table(
    "forgotten",
    METADATA,
    Column("call", Word, primary_key=True),
    Column("forgotten_us", BigInteger, nullable=False),
)


def upgrade() -> None:
    METADATA.create_all(op.get_bind(), checkfirst=False)
