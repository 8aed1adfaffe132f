"""The console's routes: the page at ``/``, its files, and the stream of a call's timeline."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from vivavoce.console.static_files import static_files


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
