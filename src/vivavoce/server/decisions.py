"""What somebody beside a live call may decide: whether a tool runs, and whether the caller waits."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vivavoce.errors import Refused
from vivavoce.server.access import authenticate
from vivavoce.server.desk import LiveCall
from vivavoce.server.door import Door, door
from vivavoce.server.forward import fetched
from vivavoce.server.routing import socket_of

NOBODY = "somebody without a key"
"""Who decided, where the server has no keys."""


class _Denial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


async def approve(request: Request) -> Response:
    """``POST /v1/calls/{call}/tools/{tool_call}/approve``."""
    live, by = _asked(request)
    approval = live.feed.decisions.answer(request.path_params["tool_call"], approved=True)
    live.answering.approve(approval.tool_call, by)
    return JSONResponse({"call": live.call, "tool_call": approval.tool_call, "approved": True, "by": by})


async def deny(request: Request) -> Response:
    """``POST /v1/calls/{call}/tools/{tool_call}/deny``; ``{"reason": "..."}`` may say why, and the model is told."""
    live, by = _asked(request)
    reason = _denial(await request.body()).reason
    approval = live.feed.decisions.answer(request.path_params["tool_call"], approved=False)
    live.answering.deny(approval.tool_call, by, reason)
    return JSONResponse({"call": live.call, "tool_call": approval.tool_call, "approved": False, "by": by})


async def hold(request: Request) -> Response:
    """``POST /v1/calls/{call}/hold``."""
    return _hold(request, held=True)


async def resume(request: Request) -> Response:
    """``POST /v1/calls/{call}/resume``."""
    return _hold(request, held=False)


async def live_calls(request: Request) -> Response:
    """``GET /v1/calls``: of all workers, and what waits for an answer in each; with ``worker`` in the query, of this
    one alone.
    """
    authenticate(request, "calls:read")
    here = door(request)
    data = _live_here(here)
    if here.siblings is not None and "worker" not in request.query_params:
        headers = request.scope["headers"]
        others = [socket_of(here.siblings, number) for number in range(1, here.settings.workers + 1)]
        del others[here.worker - 1]
        for body in await asyncio.gather(*(fetched(path, "/v1/calls?worker", headers) for path in others)):
            data += msgspec.json.decode(body)["data"] if body else []
    return JSONResponse({"object": "list", "data": data})


def _live_here(here: Door) -> list[dict[str, object]]:
    return [
        {
            "id": live.call,
            "object": "call",
            "agent": live.agent.name,
            "opened": live.opened.isoformat(),
            "held": live.feed.decisions.held,
            "approvals": [
                {"tool_call": one.tool_call, "name": one.name, "arguments": one.arguments}
                for one in live.feed.decisions.waiting
            ],
        }
        for live in here.desk.live.values()
    ]


def _hold(request: Request, *, held: bool) -> Response:
    live, by = _asked(request)
    live.feed.decisions.hold(held=held)
    live.answering.hold(held, by)
    return JSONResponse({"call": live.call, "held": held, "by": by})


def _asked(request: Request) -> tuple[LiveCall, str]:
    """The call that the request names, and who decides about it: the key that opened it, by its session's id, or one
    with the scope ``calls:control``. A browser's secret may not: it is the caller's own. Raises
    :class:`~vivavoce.errors.Refused`.
    """
    here = door(request)
    caller = authenticate(request, "calls:control", "calls")
    name = request.path_params["call"]
    session = here.sessions.find(name)
    theirs = session is not None and session.caller_name == caller.name and caller.session_config is None
    caller.require("calls" if theirs else "calls:control")
    live = here.desk.live.get(name) if session is None else session.live
    if live is None or live.call not in here.desk.live:
        raise Refused("there is no such call here, or it is over", status=404, code="call_id_not_found")
    return live, caller.name or NOBODY


def _denial(body: bytes) -> _Denial:
    try:
        return msgspec.json.decode(body, type=_Denial) if body.strip() else _Denial()
    except msgspec.ValidationError as error:
        raise Refused(f"a denial cannot be read: {error}", status=400, code="invalid_value") from error
    except msgspec.DecodeError as error:
        raise Refused("the body is no JSON", status=400, code="invalid_json") from error


ROUTES = (
    Route("/v1/calls", live_calls),
    Route("/v1/calls/{call}/tools/{tool_call:path}/approve", approve, methods=["POST"]),
    Route("/v1/calls/{call}/tools/{tool_call:path}/deny", deny, methods=["POST"]),
    Route("/v1/calls/{call}/hold", hold, methods=["POST"]),
    Route("/v1/calls/{call}/resume", resume, methods=["POST"]),
)
