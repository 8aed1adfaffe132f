"""What every route needs, in one place: ``door(connection)`` gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from starlette.requests import HTTPConnection

from vivavoce.server.admission import Admission
from vivavoce.server.background import Background
from vivavoce.server.desk import Desk, ServedAgent
from vivavoce.server.ids import marked
from vivavoce.server.keys import Keyring
from vivavoce.server.metrics import Metrics, Sample
from vivavoce.server.secrets import Sealer
from vivavoce.server.sessions import Sessions
from vivavoce.server.settings import ServerSettings
from vivavoce.store.port import Records
from vivavoce.timeline.disk import Disk


@dataclass(frozen=True, slots=True)
class Door:
    """One for each process. ``now`` is the time of day, ``worker`` the process's number, 0 if it is the only one;
    ``siblings`` is the folder of the sockets by which workers reach each other.
    """

    desk: Desk
    settings: ServerSettings
    keyring: Keyring
    sealer: Sealer
    metrics: Metrics
    now: Callable[[], datetime]
    worker: int = 0
    sessions: Sessions = field(default_factory=Sessions)
    background: Background = field(default_factory=Background)
    siblings: Path | None = None
    read_for_metrics: list[Callable[[], Iterable[Sample]]] = field(default_factory=list)
    """Each is asked for values when somebody looks at the metrics."""

    @property
    def records(self) -> Records | None:
        """The store of calls that are over, if this process has one."""
        return self.desk.books.records

    def marked(self, plain_id: str) -> str:
        """The id as it is to be told to clients, so that whatever asks for it finds its way to this process."""
        return marked(plain_id, self.worker)


def open_door(
    settings: ServerSettings,
    agents: Sequence[ServedAgent],
    calls: Path,
    disk: Disk,
    now: Callable[[], datetime],
    *,
    sealing_key: bytes,
    worker: int = 0,
    siblings: Path | None = None,
) -> Door:
    """On the loop that runs the calls. ``calls`` is the folder that keeps them; the key of ``ek_`` secrets is the same
    for all workers."""
    metrics = Metrics()
    per_minute = {key.name: key.calls_per_minute for key in settings.keys}
    admission = Admission(settings.calls_at_once, settings.max_lag_ms, settings.quotas, per_minute)
    desk = Desk(agents, calls=calls, disk=disk, now=now, admission=admission, metrics=metrics, worker=worker)
    sealer = Sealer(sealing_key, lambda: now().timestamp())
    return Door(desk, settings, Keyring(settings.keys), sealer, metrics, now, worker, siblings=siblings)


def door(connection: HTTPConnection) -> Door:
    """The door that this connection came through."""
    found = connection.app.state.door
    assert isinstance(found, Door)
    return found
