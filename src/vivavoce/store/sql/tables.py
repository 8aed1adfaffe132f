"""The tables. What is listed, filtered, sorted or summed has a column; what is read whole is a compressed blob; what
people said is in two tables of its own, so that it can be forgotten alone. ``docs/reference/store.md`` explains them.

A change here needs a migration beside it: a test holds the two together.
"""

from __future__ import annotations

from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Date, ForeignKey, Index, Integer, LargeBinary, Table

from vivavoce.errors import ProgrammingError
from vivavoce.ledger.cost import QUANTUM

LARGEST = 2**63 - 1
"""Of an integer of either database."""


class Money(sa.types.TypeDecorator[Decimal]):
    """An amount of one currency as whole 10⁻¹² of it: exact, and up to nine millions a row. Both databases sum
    integers exactly; SQLite has no decimal numbers at all."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> int | None:
        del dialect
        return None if value is None else quanta(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> Decimal | None:
        del dialect
        return None if value is None else money(value)


def quanta(amount: Decimal) -> int:
    """How many 10⁻¹² that is. Raises :class:`~vivavoce.errors.ProgrammingError` for what is no whole number of them,
    or too large for a row."""
    whole = int(amount.scaleb(12)) if amount.is_finite() else LARGEST + 1
    if abs(whole) > LARGEST or whole * QUANTUM != amount:
        raise ProgrammingError(f"{amount} is no amount that can be kept", hint="whole 1E-12, below nine millions")
    return whole


def money(whole: int) -> Decimal:
    """The amount of so many 10⁻¹²."""
    return Decimal(whole).scaleb(-12)


Word = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Compared byte by byte on both databases, so that both list in one order and find by a beginning from an index."""
Key = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts up an INTEGER PRIMARY KEY and no other."""

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

calls = Table(
    "calls",
    METADATA,
    Column("id", Key, primary_key=True),
    Column("call", Word, nullable=False, unique=True),
    Column("opened_us", BigInteger, nullable=False),  # since 1970, UTC
    Column("day", Date, nullable=False),  # UTC's
    *_words("agent", "tenant", "channel", "model", "disposition", "reason", "version"),
    *_truths("outbound", "simulated", "torn"),
    *_counts("duration_us", "talk_us"),
    *_counts("turn_count", "barge_in_count", "tool_count", "swap_count", "error_count"),
    *_figures("median_us", "slowest_us"),
    Column("dearest", Money),  # the largest of its amounts, whatever the currency
    Column("folder", Word, nullable=False),
    *_counts("recording_bytes"),
    *_truths("sound_forgotten", "words_forgotten"),
    Column("kept_us", BigInteger, nullable=False),
    Column("record", LargeBinary, nullable=False),  # CallRecord without words: zlib, JSON
    Column("cost", LargeBinary, nullable=False),  # CallCost without charges: zlib, JSON
    Index(None, "opened_us", "id"),
    Index(None, "agent", "opened_us"),
    Index(None, "tenant", "opened_us"),
    Index(None, "slowest_us", "id"),
    Index(None, "dearest", "id"),
    Index(None, "duration_us", "id"),
)

turns = Table(
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

latencies = Table(
    "latencies",
    METADATA,
    _of_call(),
    Column("models", Word, nullable=False),
    Column("body", LargeBinary, nullable=False),  # the figures of all turns, packed: sql/latency.py
)

usage = Table(
    "usage",
    METADATA,
    _of_call(),
    Column("model", Word, primary_key=True),
    *_counts("turn_count", "talk_us"),  # talk counts for the model that the call began with
    *_counts(*TOKENS, *(f"renewal_{kind}" for kind in TOKENS)),
    sqlite_with_rowid=False,
)

costs = Table(
    "costs",
    METADATA,
    _of_call(),
    Column("model", Word, primary_key=True),  # empty for what is no model's: telephony, tools, storage
    Column("currency", Word, primary_key=True),
    *(Column(name, Money, nullable=False) for name in ("amount", "waste", "renewal", "silence")),
    sqlite_with_rowid=False,
)

unpriced = Table(
    "unpriced",
    METADATA,
    _of_call(),
    Column("model", Word, primary_key=True),
    Column("name", Word, primary_key=True),
    sqlite_with_rowid=False,
)

charges = Table(
    "charges",
    METADATA,
    _of_call(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("turn", Integer),
    *_words("item", "name", "unit", "quantity"),
    Column("price", Word),
    Column("per", BigInteger, nullable=False),
    Column("amount", Money),
    *_words("currency", "priced"),
    sqlite_with_rowid=False,
)

prices = Table(
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

timelines = Table(
    "timelines",
    METADATA,
    _of_call(),
    Column("raw_bytes", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),  # the file: zlib
)

transcripts = Table(
    "transcripts",
    METADATA,
    _of_call(),
    Column("words", LargeBinary, nullable=False),  # by turn, caller, agent, heard: zlib, JSON
    Column("search", Word, nullable=False),  # the same in lower case
)

deliveries = Table(
    "deliveries",
    METADATA,
    Column("delivery", Word, primary_key=True),
    Column("call", Word, nullable=False),
    Column("url", Word, nullable=False),
    Column("body", LargeBinary, nullable=False),  # empty once it was taken
    Column("attempts", Integer, nullable=False),
    Column("due_us", BigInteger),  # None: never again
    Column("delivered_us", BigInteger),
    Column("why", Word, nullable=False),
    Index(None, "due_us"),
    Index(None, "call"),
)

forgotten = Table(
    "forgotten",
    METADATA,
    Column("call", Word, primary_key=True),
    Column("forgotten_us", BigInteger, nullable=False),
)
