"""The console's routes: its pages, their files, and the stream of a call's timeline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Protocol

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Send

from vivavoce.console.feed import CallFeed
from vivavoce.console.static_files import static_files

STALLED_S = 20.0
PAGES = {
    "/": "index.html",
    "/calls": "calls.html",
    "/calls/{call}": "record.html",
    "/dashboards": "dashboards.html",
}
"""Where each is, and its file."""


class Calls(Protocol):
    """The live calls, as far as the console needs them."""

    async def feed(self, request: Request, call: str) -> CallFeed:
        """The feed of a call by its own id, its session's (``sess_…``) or its peer connection's (``rtc_…``). Raises
        :class:`~vivavoce.errors.Refused`: 401 or 403 for whoever may not look at it, 404 if there is none.
        """
        ...

    def cut(self, request: Request) -> None:
        """Ends the connection of a request at once, whatever is still to be sent."""
        ...


class _TimelyStream(StreamingResponse):
    """A reader that takes nothing for :data:`STALLED_S` is cut off."""

    def __init__(self, events: AsyncIterator[bytes], cut: Callable[[], None], headers: Mapping[str, str]) -> None:
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._cut = cut

    async def stream_response(self, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(STALLED_S):
                await send(message)

        try:
            await super().stream_response(send_in_time)
        except TimeoutError:
            self._cut()


def console_routes(calls: Calls) -> list[BaseRoute]:
    """Everything the console needs besides the Realtime protocol and ``/v1/agents``."""

    async def timeline(request: Request) -> Response:
        feed = await calls.feed(request, request.path_params["call"])
        feed.check_room()
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return _TimelyStream(feed.read(_last_seen(request)), lambda: calls.cut(request), headers)

    return [*page_routes(), Route("/v1/calls/{call}/timeline", timeline)]


def page_routes() -> list[BaseRoute]:
    """The pages and their files. They hold no secret, so nobody is asked for a key."""
    known = static_files()

    def page(path: str, name: str) -> Route:
        async def answer(request: Request) -> Response:
            return known[name].answer(request)

        return Route(path, answer)

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in known:
            raise HTTPException(404)
        return known[name].answer(request)

    return [*(page(path, name) for path, name in PAGES.items()), Route("/console/{name}", file)]


def _last_seen(request: Request) -> int:
    """What a reader that comes again has had; one that says it badly begins anew."""
    told = request.headers.get("last-event-id", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 16 else -1
