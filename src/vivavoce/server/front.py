"""The front door put together: the desk, and the routes of every way in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from vivavoce.server.admission import Admission
from vivavoce.server.application import application
from vivavoce.server.desk import Desk, ServedAgent
from vivavoce.server.door import Door
from vivavoce.server.keys import Keyring
from vivavoce.server.metrics import Metrics
from vivavoce.server.secrets import Sealer
from vivavoce.server.settings import ServerSettings
from vivavoce.timeline.disk import Disk


def front_door(
    settings: ServerSettings,
    agents: Sequence[ServedAgent],
    calls: Path,
    disk: Disk,
    now: Callable[[], datetime],
    *,
    sealing_key: bytes,
    worker: int = 0,
) -> Door:
    """``calls`` is the folder that keeps calls; the key of ``ek_`` secrets is the same for all workers."""
    admission = Admission(settings.max_calls, settings.max_lag_ms, settings.quotas)
    metrics = Metrics()
    desk = Desk(agents, calls=calls, disk=disk, now=now, admission=admission, metrics=metrics)
    sealer = Sealer(sealing_key, lambda: now().timestamp())
    return Door(desk, settings, Keyring(settings.keys), sealer, metrics, now, worker)


def front_application(door: Door) -> Starlette:
    return application(door, ways_in(door))


def ways_in(door: Door) -> Sequence[BaseRoute]:
    """The routes by which calls come in, and those of the console."""
    del door
    return ()
