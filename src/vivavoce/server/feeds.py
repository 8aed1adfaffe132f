"""Who may look at which call: the console's view of the door."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from vivavoce.console.feed import CallFeed
from vivavoce.errors import Refused
from vivavoce.server.access import abort_connection, authenticate
from vivavoce.server.desk import LiveCall
from vivavoce.server.door import door
from vivavoce.server.sessions import OpenSession

BEGINS_S = 5.0
"""A session's call begins with its first event."""


class Feeds:
    """Implements :class:`~vivavoce.console.routes.Calls`."""

    async def feed(self, request: Request, call: str) -> CallFeed:
        """Whoever opened a session may look at its call, if they know the session's id, which nobody can guess; a key
        with the scope ``calls:read`` at all. A session that has no call yet is waited for.
        """
        here = door(request)
        caller = authenticate(request, "calls:read", "calls")
        session = here.sessions.find(call)
        theirs = session is not None and session.caller_name == caller.name
        caller.require("calls" if theirs else "calls:read")
        live = here.desk.live.get(call) if session is None else await _in_time(session)
        if live is None:
            raise Refused("there is no such call here, or it is over", status=404, code="call_id_not_found")
        return live.feed

    def cut(self, request: Request) -> None:
        abort_connection(request)


async def _in_time(session: OpenSession) -> LiveCall | None:
    try:
        async with asyncio.timeout(BEGINS_S):
            return await session.answered()
    except TimeoutError:
        return None
