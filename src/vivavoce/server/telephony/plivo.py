"""Plivo: an answer webhook and the media stream. Both are signed."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from vivavoce.channel.telephony.control import PlivoAccount, PlivoControl, Speech
from vivavoce.errors import Refused
from vivavoce.server.telephony.carrier import Carrier, Exchange, Paper, Seat, xml
from vivavoce.server.telephony.requests import Webhook, public_address, read_webhook, socket_scheme
from vivavoce.server.telephony.settings import PlivoSettings
from vivavoce.server.telephony.signatures import Pairs, check_plivo, forms_of
from vivavoce.wire.telephony.line import Started
from vivavoce.wire.telephony.markup import document, element, text
from vivavoce.wire.telephony.plivo import PlivoCodec


class Plivo(Carrier):
    """A call that is handed over goes on with XML that Plivo fetches here."""

    name = "plivo"

    def __init__(self, exchange: Exchange, settings: PlivoSettings) -> None:
        self._settings = settings
        self._account: PlivoAccount | None = None
        if settings.auth_id and settings.auth_token:
            self._account = PlivoAccount(settings.auth_id, settings.auth_token, settings.api_url)
        super().__init__(exchange, insecure=settings.insecure, account=self._account)

    async def signed(self, request: Request) -> Webhook:
        hook = await read_webhook(request, self.exchange.public_url)
        self._check(hook.headers, hook.method, [hook.url], hook.posted)
        return hook

    def turned_away(self, busy: Refused, *, ringing: bool) -> Response:
        reason = {"reason": "busy" if busy.status != 404 else "rejected"} if ringing else {}
        return xml(document(element("Hangup", reason)))

    def connected(self, seat: Seat) -> Response:
        """Headers may hold letters and digits alone, so the agent's name is told in hex."""
        how = {
            "bidirectional": "true",
            "keepCallAlive": "true",
            "contentType": "audio/x-mulaw;rate=8000",
            "statusCallbackUrl": self.exchange.url("/plivo/status"),
            "extraHeaders": f"agent={seat.agent.encode().hex()};ticket={seat.ticket}",
        }
        return xml(document(element("Stream", how, text(seat.url)), element("Hangup")))

    def codec(self) -> PlivoCodec:
        return PlivoCodec()

    def control(self, started: Started, speech: Speech) -> PlivoControl | None:
        if self._account is None or not started.call:
            return None
        return PlivoControl(self._account, started.call, lambda markup: self.publish(Paper(markup)), speech)

    def check_socket(self, socket: WebSocket) -> None:
        own = socket_scheme(self.exchange.public_url)
        # Plivo's guide says "full URI including protocol", and not which.
        schemes = (own, "https" if own == "wss" else "http")
        urls = [public_address(socket, self.exchange.public_url, scheme) for scheme in schemes]
        self._check(socket.headers, "GET", urls, ())

    def shown(self, started: Started) -> tuple[str, str, str]:
        agent, ticket, _ = super().shown(started)
        try:
            return bytes.fromhex(agent).decode(), ticket, ""
        except ValueError as error:
            raise Refused("a media stream for no agent", status=403, code="ticket_invalid") from error

    def spoken(self, words: str, language: str) -> Paper:
        return Paper(document(element("Speak", {"language": language}, text(words))))

    def _check(self, headers: Mapping[str, str], method: str, urls: list[str], form: Pairs) -> None:
        if not self._settings.insecure:
            forms = [form_url for url in urls for form_url in forms_of(url)]
            check_plivo(headers, method, forms, form, auth_token=self._settings.auth_token)
