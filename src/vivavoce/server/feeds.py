"""Who may look at which call: the console's view of the door."""

from __future__ import annotations

from starlette.requests import Request

from vivavoce.console.feed import CallFeed
from vivavoce.errors import Refused
from vivavoce.server.access import authenticate
from vivavoce.server.desk import LiveCall
from vivavoce.server.door import door


class Feeds:
    """Implements :class:`~vivavoce.console.routes.Calls`."""

    def feed(self, request: Request, call: str) -> CallFeed:
        """Whoever opened a session may look at its call, if they know the session's id, which nobody can guess; a key
        with the scope ``calls:read`` at all.
        """
        here = door(request)
        caller = authenticate(request)
        session = here.sessions.find(call)
        live: LiveCall | None
        if session is not None and session.caller_name == caller.name:
            live = session.live
        else:
            caller.require("calls:read")
            live = session.live if session is not None else here.desk.live.get(call)
        if live is None:
            hint = "a session's call begins with its first event"
            raise Refused("there is no such call here, or it is over", status=404, code="call_id_not_found", hint=hint)
        return live.feed
