"""What every route needs, in one place: ``door(connection)`` gives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import HTTPConnection

from vivavoce.server.desk import Desk
from vivavoce.server.keys import Keyring
from vivavoce.server.metrics import Metrics
from vivavoce.server.secrets import Sealer
from vivavoce.server.settings import ServerSettings


@dataclass(frozen=True, slots=True)
class Door:
    """One for each process. ``now`` is the time of day, ``worker`` the process's number."""

    desk: Desk
    settings: ServerSettings
    keyring: Keyring
    sealer: Sealer
    metrics: Metrics
    now: Callable[[], datetime]
    worker: int = 0


def door(connection: HTTPConnection) -> Door:
    """The door that this connection came through."""
    found = connection.app.state.door
    assert isinstance(found, Door)
    return found
