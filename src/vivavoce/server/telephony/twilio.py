"""Twilio: a voice webhook that answers with TwiML, the media stream, and what Twilio reports about it."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from vivavoce.server.telephony.answering import answer_socket
from vivavoce.server.telephony.carrier import Exchange, xml
from vivavoce.server.telephony.markup import document, element, parameters
from vivavoce.server.telephony.requests import Webhook, public_address, read_webhook, socket_scheme
from vivavoce.server.telephony.settings import TwilioSettings
from vivavoce.server.telephony.signatures import Pairs, check_twilio, twilio_helper
from vivavoce.server.telephony.tickets import Tickets
from vivavoce.wire.telephony.line import Started
from vivavoce.wire.telephony.twilio import TwilioCodec

_log = logging.getLogger(__name__)


class Twilio:
    """Its routes, under ``/twilio``."""

    def __init__(self, exchange: Exchange, settings: TwilioSettings) -> None:
        if not settings.insecure:
            twilio_helper()  # what is missing is told when the server starts, not by the first call
        self._exchange = exchange
        self._settings = settings
        self._tickets = Tickets("twilio", exchange.ticket_key)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/twilio/voice", self.voice, methods=["GET", "POST"]),
            Route("/twilio/voice/{agent}", self.voice, methods=["GET", "POST"]),
            Route("/twilio/status", self.status, methods=["POST"]),
            WebSocketRoute("/twilio/stream", self.stream),
        ]

    async def voice(self, request: Request) -> Response:
        """Somebody calls: TwiML that connects them with the agent, or turns them away."""
        hook = await read_webhook(request, self._exchange.public_url)
        self._check(hook.headers, hook.url, hook.posted, hook.body)
        agent = request.path_params.get("agent", "")
        if busy := self._exchange.why_not(agent):
            return xml(document(element("Reject", {"reason": "busy"} if busy.status != 404 else {})))
        return xml(self._connect(agent, hook))

    async def status(self, request: Request) -> Response:
        hook = await read_webhook(request, self._exchange.public_url)
        self._check(hook.headers, hook.url, hook.posted, hook.body)
        if hook.value("StreamEvent") == "stream-error":
            _log.warning("Twilio reports an error of a media stream")
        return Response(status_code=204)

    async def stream(self, socket: WebSocket) -> None:
        url = public_address(socket, self._exchange.public_url, socket_scheme(self._exchange.public_url))
        self._check(socket.headers, url, (), b"")
        await socket.accept()
        await answer_socket(self._exchange.desk, socket, TwilioCodec(), self._vet)

    def _check(self, headers: Mapping[str, str], url: str, form: Pairs, body: bytes) -> None:
        own = self._settings
        if not own.insecure:
            secrets = {"auth_token": own.auth_token, "shared_key_secret": own.shared_key_secret}
            check_twilio(headers, url, form, body, **secrets)

    def _connect(self, agent: str, hook: Webhook) -> str:
        """The stream blocks the TwiML until our side closes it; then the call is hung up. An address with a query is
        not allowed, so what it has to know comes as parameters.
        """
        ticket = self._tickets.issue(agent, hook.value("CallSid"), self._exchange.now_s())
        told = parameters({"agent": agent, "ticket": ticket})
        where = {
            "url": self._exchange.socket_url("/twilio/stream"),
            "statusCallback": self._exchange.url("/twilio/status"),
        }
        return document(element("Connect", {}, element("Stream", where, told)), element("Hangup"))

    def _vet(self, started: Started) -> str:
        agent = started.parameters.get("agent", "")
        if not self._settings.insecure:
            ticket = started.parameters.get("ticket", "")
            self._tickets.redeem(ticket, agent, started.call, self._exchange.now_s())
        return agent
