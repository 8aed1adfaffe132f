"""Instants as both databases keep them: whole microseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)


def micros(instant: datetime) -> int:
    if instant.tzinfo is None:
        instant = instant.astimezone(UTC)
    return (instant - _EPOCH) // _US  # not by way of UTC, which has no year 0 and no year 10000


def instant_of(us: int) -> datetime:
    return _EPOCH + us * _US
