"""What every route needs, in one place: ``door(connection)`` gives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import HTTPConnection

from vivavoce.server.desk import Desk
from vivavoce.server.settings import ServerSettings


@dataclass(frozen=True, slots=True)
class Door:
    """One for each process. ``now`` is the time of day."""

    desk: Desk
    settings: ServerSettings
    now: Callable[[], datetime]


def door(connection: HTTPConnection) -> Door:
    """The door that this connection came through."""
    found = connection.app.state.door
    assert isinstance(found, Door)
    return found
