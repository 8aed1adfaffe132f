"""Telnyx: a TeXML webhook and the media stream. The stream's request is not signed: its ticket lets it in."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from vivavoce.channel.telephony.control import TelnyxControl
from vivavoce.server.telephony.answering import answer_socket
from vivavoce.server.telephony.carrier import Exchange, xml
from vivavoce.server.telephony.markup import document, element, parameters
from vivavoce.server.telephony.requests import Webhook, read_webhook
from vivavoce.server.telephony.settings import TelnyxSettings
from vivavoce.server.telephony.signatures import check_telnyx
from vivavoce.server.telephony.tickets import Tickets
from vivavoce.wire.telephony.line import Started
from vivavoce.wire.telephony.telnyx import TelnyxCodec

CODEC = "PCMU"


class Telnyx:
    """Its routes, under ``/telnyx``."""

    def __init__(self, exchange: Exchange, settings: TelnyxSettings) -> None:
        self._exchange = exchange
        self._settings = settings
        self._tickets = Tickets("telnyx", exchange.ticket_key)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/telnyx/voice", self.voice, methods=["POST"]),
            Route("/telnyx/voice/{agent}", self.voice, methods=["POST"]),
            Route("/telnyx/status", self.status, methods=["POST"]),
            WebSocketRoute("/telnyx/stream", self.stream),
        ]

    async def voice(self, request: Request) -> Response:
        await self._signed(request)
        agent = request.path_params.get("agent", "")
        if busy := self._exchange.why_not(agent):
            return xml(document(element("Reject", {"reason": "busy"} if busy.status != 404 else {})))
        return xml(self._connect(agent))

    async def status(self, request: Request) -> Response:
        await self._signed(request)
        return Response(status_code=204)

    async def stream(self, socket: WebSocket) -> None:
        await socket.accept()
        await answer_socket(self._exchange.desk, socket, TelnyxCodec(CODEC), self._vet, self._control)

    async def _signed(self, request: Request) -> Webhook:
        hook = await read_webhook(request, self._exchange.public_url)
        if not self._settings.insecure:
            now_s = self._exchange.now_s()
            check_telnyx(hook.headers, hook.body, public_key=self._settings.public_key, now_s=now_s)
        return hook

    def _connect(self, agent: str) -> str:
        """``rtp`` is what makes the stream a way back too; the default takes MP3 files."""
        told = parameters({"agent": agent, "ticket": self._tickets.issue(agent, "", self._exchange.now_s())})
        where = {
            "url": self._exchange.socket_url("/telnyx/stream"),
            "track": "inbound_track",
            "codec": CODEC,
            "bidirectionalMode": "rtp",
            "bidirectionalCodec": CODEC,
            "statusCallback": self._exchange.url("/telnyx/status"),
        }
        return document(element("Connect", {}, element("Stream", where, told)), element("Hangup"))

    def _vet(self, started: Started) -> str:
        agent = started.parameters.get("agent", "")
        if not self._settings.insecure:
            self._tickets.redeem(started.parameters.get("ticket", ""), agent, "", self._exchange.now_s())
        return agent

    def _control(self, started: Started) -> TelnyxControl | None:
        own = self._settings
        return TelnyxControl(own.api_key, started.call, own.api_url) if own.api_key and started.call else None
