"""Vonage: an answer webhook that answers with an NCCO, and the socket, whose ticket lets it in."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vivavoce.channel.telephony.control import Speech, VonageAccount, VonageControl
from vivavoce.errors import Refused
from vivavoce.server.telephony.carrier import JSON, Carrier, Exchange, Paper, Seat
from vivavoce.server.telephony.requests import Webhook, read_webhook
from vivavoce.server.telephony.settings import VonageSettings
from vivavoce.server.telephony.signatures import check_vonage, jwt_module
from vivavoce.wire.telephony.jsonframes import write
from vivavoce.wire.telephony.line import Started
from vivavoce.wire.telephony.vonage import VonageCodec


class _Call(msgspec.Struct):
    uuid: str = ""


class Vonage(Carrier):
    """The call ends with the NCCO, once our side closes the socket."""

    name = "vonage"

    def __init__(self, exchange: Exchange, settings: VonageSettings) -> None:
        if not settings.insecure:
            jwt_module()  # what is missing is told when the server starts, not by the first call
        self._settings = settings
        self._account: VonageAccount | None = None
        if settings.application_id and settings.private_key:
            own = (settings.application_id, settings.private_key)
            self._account = VonageAccount(*own, exchange.now_s, settings.api_url)
        super().__init__(exchange, insecure=settings.insecure, account=self._account)

    async def signed(self, request: Request) -> Webhook:
        hook = await read_webhook(request, self.exchange.public_url)
        if not self._settings.insecure:
            now_s = self.exchange.now_s()
            check_vonage(hook.headers, hook.body, signature_secret=self._settings.signature_secret, now_s=now_s)
        return hook

    def turned_away(self, busy: Refused, *, ringing: bool) -> Response:
        """Busy has no word in an NCCO; an error lets Vonage go to the fallback address, or end the call."""
        del ringing
        raise busy

    def connected(self, seat: Seat) -> Response:
        """The headers come back with the first frame."""
        endpoint = {
            "type": "websocket",
            "uri": seat.url,
            "content-type": f"audio/l16;rate={self._settings.rate_hz}",
            "headers": {"uuid": seat.call, "agent": seat.agent, "ticket": seat.ticket},
        }
        return JSONResponse([{"action": "connect", "endpoint": [endpoint]}])

    def codec(self) -> VonageCodec:
        return VonageCodec()

    def control(self, started: Started, speech: Speech) -> VonageControl | None:
        return VonageControl(self._account, started.call, speech) if self._account and started.call else None

    def call_of(self, hook: Webhook) -> str:
        return hook.value("uuid") or _uuid_in(hook.body)

    def spoken(self, words: str, language: str) -> Paper:
        return Paper(write([{"action": "talk", "text": words, "language": language}]), JSON)


def _uuid_in(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Call).uuid if body else ""
    except (msgspec.MsgspecError, UnicodeError):
        return ""
