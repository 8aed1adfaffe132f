"""How an error is told over HTTP: OpenAI's shape, so that every client of theirs can read it."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket, WebSocketState

from vivavoce.errors import Refused
from vivavoce.server.door import door

POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013
"""WebSocket close codes: RFC 6455 section 7.4.1, and the registry of its section 11.7."""


def error_body(message: str, *, kind: str, code: str | None = None, param: str | None = None) -> dict[str, object]:
    """The body of every error answer under ``/v1``."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def kind_of(status: int) -> str:
    if status == 429:
        return "rate_limit_error"
    return "server_error" if status >= 500 else "invalid_request_error"


def refusal(refused: Refused) -> Response:
    """The answer to a request that is not let in."""
    headers: dict[str, str] = {}
    if refused.retry_after_s:
        headers["retry-after"] = str(refused.retry_after_s)
    if refused.status == 401:
        headers["www-authenticate"] = "Bearer"
    return _answer(refused.status, str(refused), refused.code, headers)


async def on_refused(connection: HTTPConnection, error: Exception) -> Response | None:
    """For Starlette, which gives a request's handler or a socket's here. A socket is refused before it is accepted, by
    an ordinary answer; after that, by a close code.
    """
    assert isinstance(error, Refused)
    door(connection).metrics.count("vivavoce_requests_refused_total", reason=error.code)
    if not isinstance(connection, WebSocket):
        return refusal(error)
    if connection.application_state is WebSocketState.CONNECTING:
        await connection.send_denial_response(refusal(error))
    elif connection.application_state is WebSocketState.CONNECTED:
        code = TRY_AGAIN_LATER if error.status in (429, 503) else POLICY_VIOLATION
        await connection.close(code, error.code)
    return None


async def on_http_error(connection: HTTPConnection, error: Exception) -> Response | None:
    """A path that is not there, a method that is not taken."""
    assert isinstance(error, HTTPException)
    answer = _answer(error.status_code, error.detail, _CODES.get(error.status_code), error.headers or {})
    if isinstance(connection, WebSocket):
        await connection.send_denial_response(answer)
        return None
    return answer


async def on_mistake(_request: Request, _error: Exception) -> Response:
    return _answer(500, "a mistake in this server", "internal_error", {})


_CODES: Mapping[int, str] = {404: "unknown_url", 405: "method_not_allowed"}


def _answer(status: int, message: str, code: str | None, headers: Mapping[str, str]) -> Response:
    body = error_body(message, kind=kind_of(status), code=code)
    return JSONResponse(body, status_code=status, headers=dict(headers))
