"""Plivo: an answer webhook and the media stream. Both are signed."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from vivavoce.channel.telephony.control import PlivoControl
from vivavoce.errors import Refused
from vivavoce.server.telephony.answering import answer_socket
from vivavoce.server.telephony.carrier import Exchange, xml
from vivavoce.server.telephony.markup import document, element
from vivavoce.server.telephony.requests import public_address, read_webhook, socket_scheme
from vivavoce.server.telephony.settings import PlivoSettings
from vivavoce.server.telephony.signatures import Pairs, check_plivo, forms_of
from vivavoce.server.telephony.tickets import Tickets
from vivavoce.wire.telephony.line import Started
from vivavoce.wire.telephony.plivo import PlivoCodec


class Plivo:
    """Its routes, under ``/plivo``."""

    def __init__(self, exchange: Exchange, settings: PlivoSettings) -> None:
        self._exchange = exchange
        self._settings = settings
        self._tickets = Tickets("plivo", exchange.ticket_key)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/plivo/voice", self.voice, methods=["GET", "POST"]),
            Route("/plivo/voice/{agent}", self.voice, methods=["GET", "POST"]),
            Route("/plivo/status", self.status, methods=["POST"]),
            WebSocketRoute("/plivo/stream", self.stream),
        ]

    async def voice(self, request: Request) -> Response:
        await self._signed(request)
        agent = request.path_params.get("agent", "")
        if busy := self._exchange.why_not(agent):
            return xml(document(element("Hangup", {"reason": "busy" if busy.status != 404 else "rejected"})))
        return xml(self._connect(agent))

    async def status(self, request: Request) -> Response:
        await self._signed(request)
        return Response(status_code=204)

    async def stream(self, socket: WebSocket) -> None:
        own = socket_scheme(self._exchange.public_url)
        # Plivo's guide says "full URI including protocol", and not which.
        schemes = (own, "https" if own == "wss" else "http")
        urls = [public_address(socket, self._exchange.public_url, scheme) for scheme in schemes]
        self._check(socket.headers, "GET", urls, ())
        await socket.accept()
        await answer_socket(self._exchange.desk, socket, PlivoCodec(), self._vet, self._control)

    async def _signed(self, request: Request) -> None:
        hook = await read_webhook(request, self._exchange.public_url)
        self._check(hook.headers, hook.method, [hook.url], hook.posted)

    def _check(self, headers: Mapping[str, str], method: str, urls: list[str], form: Pairs) -> None:
        if not self._settings.insecure:
            forms = [form_url for url in urls for form_url in forms_of(url)]
            check_plivo(headers, method, forms, form, auth_token=self._settings.auth_token)

    def _connect(self, agent: str) -> str:
        """Headers may hold letters and digits alone, so the agent's name is told in hex."""
        ticket = self._tickets.issue(agent, "", self._exchange.now_s())
        how = {
            "bidirectional": "true",
            "keepCallAlive": "true",
            "contentType": "audio/x-mulaw;rate=8000",
            "statusCallbackUrl": self._exchange.url("/plivo/status"),
            "extraHeaders": f"agent={agent.encode().hex()};ticket={ticket}",
        }
        return document(element("Stream", how, self._exchange.socket_url("/plivo/stream")), element("Hangup"))

    def _vet(self, started: Started) -> str:
        try:
            agent = bytes.fromhex(started.parameters.get("agent", "")).decode()
        except ValueError as error:
            raise Refused("a media stream for no agent", status=403, code="ticket_invalid") from error
        if not self._settings.insecure:
            self._tickets.redeem(started.parameters.get("ticket", ""), agent, "", self._exchange.now_s())
        return agent

    def _control(self, started: Started) -> PlivoControl | None:
        own = self._settings
        if not (own.auth_id and own.auth_token and started.call):
            return None
        return PlivoControl(own.auth_id, own.auth_token, started.call, own.transfer_url, own.api_url)
