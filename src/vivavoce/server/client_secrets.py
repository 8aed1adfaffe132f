"""``POST /v1/realtime/client_secrets``: a secret for a browser, so that it need not have an API key.

Body and answer are OpenAI's: ``{expires_after?: {anchor, seconds}, session?: {type, ...}}`` gives
``{value, expires_at, session}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vivavoce.errors import Refused
from vivavoce.server.access import authenticate
from vivavoce.server.door import door
from vivavoce.server.realtime.ids import new_id
from vivavoce.server.realtime.offers import new_front
from vivavoce.server.secrets import LONGEST_S, SHORTEST_S, USUAL_S, Ticket
from vivavoce.wire.realtime.configuration import AudioOver


async def client_secrets(request: Request) -> Response:
    here = door(request)
    caller = authenticate(request, "secrets")
    body = _object(await request.body())
    session = _session(body.get("session"))
    served = here.desk.find(str(session.get("model", "")))
    caller.require_agent(served.name)
    session["model"] = served.name
    expires_at = int(here.now().timestamp()) + _seconds(body.get("expires_after"))
    value = here.sealer.seal(Ticket(caller.name, served.name, session, expires_at))
    effective = new_front(here, served, new_id("sess"), AudioOver.EVENTS, session).configuration.session
    return JSONResponse({"value": value, "expires_at": expires_at, "session": effective})


def _object(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused("the body is no JSON", status=400, code="invalid_json") from error
    if not isinstance(told, dict):
        raise Refused("the body is no JSON object", status=400, code="invalid_json")
    unknown = sorted(set(told) - {"expires_after", "session"})
    if unknown:
        raise _invalid(f"there is no {unknown[0]!r} here", "unknown_parameter")
    return told


def _session(told: object) -> dict[str, Any]:
    if told is None:
        return {"type": "realtime"}
    if not isinstance(told, dict):
        raise _invalid("'session' is no object")
    if not isinstance(told.get("model", ""), str):
        raise _invalid("'session.model' is no text")
    return {"type": "realtime", **told}


def _seconds(told: object) -> int:
    if told is None:
        return USUAL_S
    if not isinstance(told, Mapping) or told.get("anchor", "created_at") != "created_at":
        raise _invalid("'expires_after' is an object with the anchor 'created_at'")
    seconds = told.get("seconds", USUAL_S)
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not SHORTEST_S <= seconds <= LONGEST_S:
        raise _invalid(f"'expires_after.seconds' is {SHORTEST_S} to {LONGEST_S}")
    return seconds


def _invalid(message: str, code: str = "invalid_value") -> Refused:
    return Refused(message, status=400, code=code)
