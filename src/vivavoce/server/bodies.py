"""A limit on what a request may bring along, for every route at once."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vivavoce.errors import Refused
from vivavoce.server.refusals import refusal


class BodyLimit:
    """ASGI middleware. A body that is said to be too long is refused at once; one that turns out to be, when it does:
    whoever reads it gets a :class:`~vivavoce.errors.Refused`.
    """

    def __init__(self, app: ASGIApp, limit_bytes: int) -> None:
        self._app = app
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = dict(scope["headers"]).get(b"content-length", b"0")
        if not said.isdigit() or int(said) > self._limit_bytes:
            await refusal(self._too_large())(scope, receive, send)
            return
        received_bytes = 0

        async def counted() -> Message:
            nonlocal received_bytes
            message = await receive()
            received_bytes += len(message.get("body", b""))
            if received_bytes > self._limit_bytes:
                raise self._too_large()
            return message

        await self._app(scope, counted, send)

    def _too_large(self) -> Refused:
        return Refused(
            f"a body may have {self._limit_bytes} bytes",
            status=413,
            code="request_too_large",
        )
