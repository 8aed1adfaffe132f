"""Telnyx: a TeXML webhook and the media stream. The stream's request is not signed: its ticket lets it in."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from vivavoce.channel.telephony.control import Speech, TelnyxAccount, TelnyxControl
from vivavoce.errors import Refused
from vivavoce.server.telephony.carrier import Carrier, Exchange, Seat, rejected, xml
from vivavoce.server.telephony.requests import Webhook, read_webhook
from vivavoce.server.telephony.settings import TelnyxSettings
from vivavoce.server.telephony.signatures import check_telnyx
from vivavoce.wire.telephony.line import Started
from vivavoce.wire.telephony.markup import document, element, parameters
from vivavoce.wire.telephony.telnyx import TelnyxCodec

CODEC = "PCMU"


class Telnyx(Carrier):
    """Its webhooks come by POST alone: the signature is over the body."""

    name = "telnyx"
    methods = ("POST",)

    def __init__(self, exchange: Exchange, settings: TelnyxSettings) -> None:
        self._settings = settings
        self._account: TelnyxAccount | None = None
        if settings.api_key:
            ids = (settings.account_sid, settings.application_id)
            self._account = TelnyxAccount(settings.api_key, *ids, settings.api_url)
        super().__init__(exchange, insecure=settings.insecure, account=self._account)

    async def signed(self, request: Request) -> Webhook:
        hook = await read_webhook(request, self.exchange.public_url)
        if not self._settings.insecure:
            now_s = self.exchange.now_s()
            check_telnyx(hook.headers, hook.body, public_key=self._settings.public_key, now_s=now_s)
        return hook

    def turned_away(self, busy: Refused, *, ringing: bool) -> Response:
        return rejected(busy, ringing=ringing)

    def connected(self, seat: Seat) -> Response:
        """``rtp`` is what makes the stream a way back too; the default takes MP3 files."""
        told = parameters({"agent": seat.agent, "ticket": seat.ticket})
        where = {
            "url": seat.url,
            "track": "inbound_track",
            "codec": CODEC,
            "bidirectionalMode": "rtp",
            "bidirectionalCodec": CODEC,
            "statusCallback": self.exchange.url("/telnyx/status"),
        }
        return xml(document(element("Connect", {}, element("Stream", where, told)), element("Hangup")))

    def codec(self) -> TelnyxCodec:
        return TelnyxCodec(CODEC)

    def control(self, started: Started, speech: Speech) -> TelnyxControl | None:
        return TelnyxControl(self._account, started.call, speech) if self._account and started.call else None

    def shown(self, started: Started) -> tuple[str, str, str]:
        """Webhooks of TeXML and streams may name a call differently, so the ticket has none."""
        agent, ticket, _ = super().shown(started)
        return agent, ticket, ""
