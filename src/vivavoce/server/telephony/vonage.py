"""Vonage: an answer webhook that answers with an NCCO, and the socket, whose ticket lets it in."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from vivavoce.channel.telephony.control import VonageControl
from vivavoce.server.telephony.answering import answer_socket
from vivavoce.server.telephony.carrier import Exchange
from vivavoce.server.telephony.requests import Webhook, read_webhook
from vivavoce.server.telephony.settings import VonageSettings
from vivavoce.server.telephony.signatures import check_vonage, jwt_module
from vivavoce.server.telephony.tickets import Tickets
from vivavoce.wire.telephony.line import Started
from vivavoce.wire.telephony.vonage import VonageCodec


class _Call(msgspec.Struct):
    uuid: str = ""


class Vonage:
    """Its routes, under ``/vonage``."""

    def __init__(self, exchange: Exchange, settings: VonageSettings) -> None:
        if not settings.insecure:
            jwt_module()  # what is missing is told when the server starts, not by the first call
        self._exchange = exchange
        self._settings = settings
        self._tickets = Tickets("vonage", exchange.ticket_key)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/vonage/voice", self.voice, methods=["GET", "POST"]),
            Route("/vonage/voice/{agent}", self.voice, methods=["GET", "POST"]),
            Route("/vonage/status", self.status, methods=["GET", "POST"]),
            WebSocketRoute("/vonage/stream", self.stream),
        ]

    async def voice(self, request: Request) -> Response:
        """Busy has no word in an NCCO; an error lets Vonage go to the fallback address, or end the call."""
        hook = await self._signed(request)
        agent = request.path_params.get("agent", "")
        if busy := self._exchange.why_not(agent):
            raise busy
        return JSONResponse(self._connect(agent, hook.value("uuid") or _uuid_in(hook.body)))

    async def status(self, request: Request) -> Response:
        await self._signed(request)
        return Response(status_code=204)

    async def stream(self, socket: WebSocket) -> None:
        await socket.accept()
        await answer_socket(self._exchange.desk, socket, VonageCodec(), self._vet, self._control)

    async def _signed(self, request: Request) -> Webhook:
        hook = await read_webhook(request, self._exchange.public_url)
        if not self._settings.insecure:
            now_s = self._exchange.now_s()
            check_vonage(hook.headers, hook.body, signature_secret=self._settings.signature_secret, now_s=now_s)
        return hook

    def _connect(self, agent: str, call: str) -> list[dict[str, Any]]:
        """The headers come back with the first frame; the call ends with the NCCO, once our side closes the socket."""
        ticket = self._tickets.issue(agent, call, self._exchange.now_s())
        endpoint = {
            "type": "websocket",
            "uri": self._exchange.socket_url("/vonage/stream"),
            "content-type": f"audio/l16;rate={self._settings.rate_hz}",
            "headers": {"uuid": call, "agent": agent, "ticket": ticket},
        }
        return [{"action": "connect", "endpoint": [endpoint]}]

    def _vet(self, started: Started) -> str:
        agent = started.parameters.get("agent", "")
        if not self._settings.insecure:
            ticket = started.parameters.get("ticket", "")
            self._tickets.redeem(ticket, agent, started.call, self._exchange.now_s())
        return agent

    def _control(self, started: Started) -> VonageControl | None:
        own = self._settings
        if not (own.application_id and own.private_key and started.call):
            return None
        return VonageControl(own.application_id, own.private_key, started.call, self._exchange.now_s, own.api_url)


def _uuid_in(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Call).uuid if body else ""
    except (msgspec.MsgspecError, UnicodeError):
        return ""
