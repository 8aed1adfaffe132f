"""The ASGI application: routes, and what stands before them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute

from vivavoce.errors import Refused
from vivavoce.server.bodies import BodyLimit
from vivavoce.server.door import Door
from vivavoce.server.refusals import on_http_error, on_mistake, on_refused
from vivavoce.server.routes import ROUTES
from vivavoce.server.routing import Routing

EXPOSED_HEADERS = ("Location", "Retry-After")
"""The Agents SDK takes a WebRTC call's id from ``Location``."""


def application(door: Door, extra_routes: Sequence[BaseRoute] = ()) -> Starlette:
    """``extra_routes`` come after those of :data:`~vivavoce.server.routes.ROUTES`. A handler may raise
    :class:`~vivavoce.errors.Refused` at any time: it is told as the protocol of the connection has it.
    """
    handlers: Mapping[Any, Any] = {Refused: on_refused, HTTPException: on_http_error, Exception: on_mistake}
    app = Starlette(routes=[*ROUTES, *extra_routes], exception_handlers=handlers, middleware=_middleware(door))
    app.state.door = door
    return app


def _middleware(door: Door) -> list[Middleware]:
    chain = [Middleware(BodyLimit, limit_bytes=door.settings.limits.body_bytes)]
    if door.siblings is not None:
        chain.append(Middleware(Routing, worker=door.worker, folder=door.siblings))
    if door.settings.allowed_origins:
        cors = Middleware(
            CORSMiddleware,
            allow_origins=door.settings.allowed_origins,
            allow_methods=("GET", "POST"),
            allow_headers=("*",),  # no cookies are used, so a header cannot make a browser vouch for anybody
            expose_headers=EXPOSED_HEADERS,
        )
        chain.append(cors)
    return chain
