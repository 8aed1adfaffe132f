"""Who hears what a session says: the client that opened it, and others who joined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import msgspec

from vivavoce.server.realtime.ids import new_id

NORMAL = 1000
_SOUND = b'{"type":"response.output_audio.delta",'


JOINED = 8
"""So many may join one session."""


class Outlet(Protocol):
    """Where events go."""

    def send(self, message: str) -> None:
        """Never blocks; once closed, does nothing."""
        ...

    def close(self, code: int = ..., reason: str = ...) -> None: ...


class Audience:
    """``first`` hears everything, and whoever joined all but the sound."""

    def __init__(self, first: Outlet) -> None:
        self._first = first
        self._joined: list[Outlet] = []

    def send(self, data: bytes) -> None:
        message = data.decode()
        self._first.send(message)
        if self._joined and not data.startswith(_SOUND):
            for outlet in self._joined:
                outlet.send(message)

    def complain(self, message: str) -> None:
        """Of what a model was to be told and does not take."""
        told = {"type": "invalid_request_error", "code": "invalid_value", "message": message, "param": "session"}
        event = {"type": "error", "event_id": new_id("event"), "error": {**told, "event_id": None}}
        self.send(msgspec.json.encode(event))

    def close(self, code: int, reason: str) -> None:
        """Whoever joined sees by itself that the session is over."""
        self._first.close(code, reason)

    @property
    def full(self) -> bool:
        return len(self._joined) >= JOINED

    @contextmanager
    def joined(self, outlet: Outlet, session: Mapping[str, Any]) -> Iterator[None]:
        """Another one, who is told of the session as it is, while the block runs."""
        created = {"type": "session.created", "event_id": new_id("event"), "session": session}
        outlet.send(msgspec.json.encode(created).decode())
        self._joined.append(outlet)
        try:
            yield
        finally:
            self._joined.remove(outlet)
