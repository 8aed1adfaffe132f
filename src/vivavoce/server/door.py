"""What every route needs, in one place: ``door(connection)`` gives it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from starlette.requests import HTTPConnection

from vivavoce.server.admission import Admission
from vivavoce.server.background import Background
from vivavoce.server.desk import Desk, ServedAgent
from vivavoce.server.keys import Keyring
from vivavoce.server.metrics import Metrics
from vivavoce.server.secrets import Sealer
from vivavoce.server.sessions import Sessions
from vivavoce.server.settings import ServerSettings
from vivavoce.timeline.disk import Disk


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
    sessions: Sessions = field(default_factory=Sessions)
    background: Background = field(default_factory=Background)


def open_door(
    settings: ServerSettings,
    agents: Sequence[ServedAgent],
    calls: Path,
    disk: Disk,
    now: Callable[[], datetime],
    *,
    sealing_key: bytes,
    worker: int = 0,
) -> Door:
    """On the loop that runs the calls. ``calls`` is the folder that keeps them; the key of ``ek_`` secrets is the same
    for all workers."""
    metrics = Metrics()
    admission = Admission(settings.max_calls, settings.max_lag_ms, settings.quotas)
    desk = Desk(agents, calls=calls, disk=disk, now=now, admission=admission, metrics=metrics)
    sealer = Sealer(sealing_key, lambda: now().timestamp())
    return Door(desk, settings, Keyring(settings.keys), sealer, metrics, now, worker)


def door(connection: HTTPConnection) -> Door:
    """The door that this connection came through."""
    found = connection.app.state.door
    assert isinstance(found, Door)
    return found
