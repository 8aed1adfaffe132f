"""Twilio: a voice webhook that answers with TwiML, the media stream, and what Twilio reports about it."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from vivavoce.channel.telephony.control import Speech, TwilioAccount, TwilioControl
from vivavoce.errors import Refused
from vivavoce.server.telephony.carrier import Carrier, Exchange, Seat, rejected, xml
from vivavoce.server.telephony.requests import Webhook, public_address, read_webhook, socket_scheme
from vivavoce.server.telephony.settings import TwilioSettings
from vivavoce.server.telephony.signatures import Pairs, check_twilio, twilio_helper
from vivavoce.wire.telephony.line import Started
from vivavoce.wire.telephony.markup import document, element, parameters
from vivavoce.wire.telephony.twilio import TwilioCodec

_log = logging.getLogger(__name__)


class Twilio(Carrier):
    """Everything of Twilio's is signed, the stream's request too."""

    name = "twilio"

    def __init__(self, exchange: Exchange, settings: TwilioSettings) -> None:
        if not settings.insecure:
            twilio_helper()  # what is missing is told when the server starts, not by the first call
        self._settings = settings
        self._account: TwilioAccount | None = None
        if settings.account_sid and settings.auth_token:
            self._account = TwilioAccount(settings.account_sid, settings.auth_token, settings.api_url)
        super().__init__(exchange, insecure=settings.insecure, account=self._account)

    async def signed(self, request: Request) -> Webhook:
        hook = await read_webhook(request, self.exchange.public_url)
        self._check(hook.headers, hook.url, hook.posted, hook.body)
        return hook

    def turned_away(self, busy: Refused, *, ringing: bool) -> Response:
        return rejected(busy, ringing=ringing)

    def connected(self, seat: Seat) -> Response:
        """The stream blocks the TwiML until our side closes it; then the call is hung up. An address with a query is
        not allowed, so what it has to know comes as parameters.
        """
        told = parameters({"agent": seat.agent, "ticket": seat.ticket})
        where = {"url": seat.url, "statusCallback": self.exchange.url("/twilio/status")}
        return xml(document(element("Connect", {}, element("Stream", where, told)), element("Hangup")))

    def codec(self) -> TwilioCodec:
        return TwilioCodec()

    def control(self, started: Started, speech: Speech) -> TwilioControl | None:
        return TwilioControl(self._account, started.call, speech) if self._account and started.call else None

    def check_socket(self, socket: WebSocket) -> None:
        url = public_address(socket, self.exchange.public_url, socket_scheme(self.exchange.public_url))
        self._check(socket.headers, url, (), b"")

    def call_of(self, hook: Webhook) -> str:
        return hook.value("CallSid")

    def reported(self, hook: Webhook) -> None:
        if hook.value("StreamEvent") == "stream-error":
            _log.warning("Twilio reports an error of a media stream")

    def _check(self, headers: Mapping[str, str], url: str, form: Pairs, body: bytes) -> None:
        own = self._settings
        if not own.insecure:
            secrets = {"auth_token": own.auth_token, "shared_key_secret": own.shared_key_secret}
            check_twilio(headers, url, form, body, **secrets)
