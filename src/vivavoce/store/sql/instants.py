"""Instants as both databases keep them: whole microseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)


def micros(instant: datetime) -> int:
    return (instant.astimezone(UTC) - _EPOCH) // _US


def instant_of(us: int) -> datetime:
    return _EPOCH + us * _US
