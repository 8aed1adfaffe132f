"""The console's routes: the page at ``/``, its files, and the stream of a call's timeline."""

from __future__ import annotations

from typing import Protocol

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from vivavoce.console.feed import CallFeed
from vivavoce.console.static_files import static_files


class Calls(Protocol):
    """The live calls, as far as the console needs them."""

    async def feed(self, request: Request, call: str) -> CallFeed:
        """The feed of a call by its own id, its session's (``sess_…``) or its peer connection's (``rtc_…``). Raises
        :class:`~vivavoce.errors.Refused`: 401 or 403 for whoever may not look at it, 404 if there is none.
        """
        ...


def console_routes(calls: Calls) -> list[BaseRoute]:
    """Everything the console needs besides the Realtime protocol and ``/v1/agents``."""

    async def timeline(request: Request) -> Response:
        feed = await calls.feed(request, request.path_params["call"])
        feed.check_room()
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(feed.read(_last_seen(request)), media_type="text/event-stream", headers=headers)

    return [*page_routes(), Route("/v1/calls/{call}/timeline", timeline)]


def page_routes() -> list[BaseRoute]:
    """The page and its files. They hold no secret, so nobody is asked for a key."""
    known = static_files()

    async def page(request: Request) -> Response:
        return known["index.html"].answer(request)

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in known:
            raise HTTPException(404)
        return known[name].answer(request)

    return [Route("/", page), Route("/console/{name}", file)]


def _last_seen(request: Request) -> int:
    """What a reader that comes again has had; one that says it badly begins anew."""
    told = request.headers.get("last-event-id", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 16 else -1
