"""What is kept for a while under an id that nobody can guess: for a carrier that comes back for it. Instants are
arguments, in seconds.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Generic, TypeVar

MOST = 1_000
"""The oldest is forgotten first."""
_ID_BYTES = 16

T = TypeVar("T")


class Kept(Generic[T]):
    """``mark`` makes ids find their way to this process."""

    def __init__(self, lifetime_s: float, mark: Callable[[str], str]) -> None:
        self._lifetime_s = lifetime_s
        self._mark = mark
        self._values: dict[str, tuple[float, T]] = {}

    def keep(self, value: T, now_s: float) -> str:
        """The id."""
        self._forget(now_s)
        name = self._mark(secrets.token_hex(_ID_BYTES))
        self._values[name] = now_s + self._lifetime_s, value
        return name

    def look(self, name: str, now_s: float) -> T | None:
        until_s, value = self._values.get(name, (0.0, None))
        return value if now_s < until_s else None

    def take(self, name: str, now_s: float) -> T | None:
        """The same, and it is gone."""
        value = self.look(name, now_s)
        self._values.pop(name, None)
        return value

    def _forget(self, now_s: float) -> None:
        for name in [name for name, (until_s, _) in self._values.items() if until_s <= now_s]:
            del self._values[name]
        while len(self._values) >= MOST:
            del self._values[next(iter(self._values))]
