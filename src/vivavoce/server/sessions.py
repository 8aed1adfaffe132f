"""Which sessions are open in this process, by the ids that clients know them by."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from vivavoce.errors import Refused
from vivavoce.server.desk import LiveCall


class OpenSession(Protocol):
    """One client at the door, whatever way it came in."""

    @property
    def caller_name(self) -> str:
        """The name of the API key that it came with, empty where there are none."""
        ...

    @property
    def live(self) -> LiveCall | None:
        """The call, while there is one."""
        ...

    async def answered(self) -> LiveCall | None:
        """The call, as soon as there is one; None if the session ends before."""
        ...

    def hang_up(self, reason: str) -> None: ...


class Sessions:
    """One for each process."""

    def __init__(self) -> None:
        self._open: dict[str, OpenSession] = {}

    @contextmanager
    def holding(self, session: OpenSession, *ids: str) -> Iterator[None]:
        """The session is found by each of ``ids`` while the block runs."""
        self._open.update(dict.fromkeys(ids, session))
        try:
            yield
        finally:
            for one in ids:
                del self._open[one]

    def find(self, session_id: str) -> OpenSession | None:
        """By an id that it was given. Those nobody can guess; that of its call says when it began and is short."""
        return self._open.get(session_id)

    def get(self, session_id: str) -> OpenSession:
        """Raises :class:`~vivavoce.errors.Refused`."""
        found = self.find(session_id)
        if found is None:
            raise Refused("there is no such call here, or it is over", status=404, code="call_id_not_found")
        return found

    def end_those_without_a_call(self, reason: str) -> None:
        """Whoever came and has not begun."""
        for session in {id(one): one for one in self._open.values()}.values():
            if session.live is None:
                session.hang_up(reason)
