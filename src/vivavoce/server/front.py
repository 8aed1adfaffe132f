"""The front door put together: the desk, and the routes of every way in."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route, WebSocketRoute

from vivavoce.console.routes import console_routes
from vivavoce.errors import UsageError
from vivavoce.server import decisions
from vivavoce.server.application import application
from vivavoce.server.door import Door
from vivavoce.server.feeds import Feeds
from vivavoce.server.realtime.peers import hang_up, make_call, only_for_sip
from vivavoce.server.realtime.socket import realtime_socket
from vivavoce.server.records import RECORD_ROUTES
from vivavoce.server.settings import is_loopback
from vivavoce.server.telephony.routes import routes


def front_application(door: Door) -> Starlette:
    return application(door, ways_in(door))


def ways_in(door: Door) -> Sequence[BaseRoute]:
    """The routes by which calls come in, and those of the console. Raises :class:`~vivavoce.errors.SetupFault`."""
    return (
        *carriers(door),
        *console_routes(Feeds()),
        *decisions.ROUTES,
        *RECORD_ROUTES,
        WebSocketRoute("/v1/realtime", realtime_socket),
        Route("/v1/realtime/calls", make_call, methods=["POST"]),
        Route("/v1/realtime/calls/{call_id}/hangup", hang_up, methods=["POST"]),
        Route("/v1/realtime/calls/{call_id}/{wish:str}", only_for_sip, methods=["POST"]),
    )


def carriers(door: Door) -> Sequence[BaseRoute]:
    """Those of the telephone carriers that are set up."""
    settings = door.settings
    if not settings.telephony.any_carrier:
        return ()
    if settings.telephony.lets_anybody_in and not is_loopback(settings.host):
        hint = "insecure = true is for tests on this machine; set the carrier's secret instead"
        raise UsageError(f"listening on {settings.host} with a carrier that is not checked", hint=hint)
    key = door.sealer.derived("telephony tickets")
    return routes(
        door.desk,
        settings.telephony,
        public_url=settings.public_url,
        ticket_key=key,
        now=door.now,
        mark=door.marked,
        workers=settings.workers,
    )
