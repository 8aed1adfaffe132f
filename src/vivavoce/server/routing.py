"""Which worker has a call: its ids say so.

A connection goes to any worker; what it asks of a call that another one has is passed on to that one.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from vivavoce.server.forward import forward
from vivavoce.server.ids import worker_of

_ID_QUERY = "call_id"


def socket_of(folder: Path, worker: int) -> Path:
    """Where a worker listens for the others."""
    return folder / f"{worker}.sock"


class Routing:
    """ASGI middleware of a worker: passes on what is another's. ``folder`` holds the workers' sockets."""

    def __init__(self, app: ASGIApp, worker: int, folder: Path) -> None:
        self._app = app
        self._worker = worker
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        owner = _owner(scope)
        path = socket_of(self._folder, owner)
        if owner in (0, self._worker) or not path.exists():  # whose worker is gone, is gone as well: 404 says so
            await self._app(scope, receive, send)
        else:
            await forward(scope, receive, send, path)


def _owner(scope: Scope) -> int:
    """0 if nothing in the request's address tells one."""
    if not scope["path"].startswith("/v1/"):
        return 0
    query = parse_qsl(scope["query_string"].decode("latin-1"))
    ids = [*scope["path"].split("/"), *(value for name, value in query if name == _ID_QUERY)]
    return next((owner for owner in map(worker_of, ids) if owner), 0)
