"""Asterisk's ``chan_websocket``: a socket that Asterisk opens, with a password."""

from __future__ import annotations

import base64
import hmac

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket

from vivavoce.channel.telephony.control import NoControl
from vivavoce.errors import Refused
from vivavoce.server.telephony.answering import answer_socket
from vivavoce.server.telephony.carrier import Exchange
from vivavoce.server.telephony.guests import Guest
from vivavoce.server.telephony.settings import AsteriskSettings
from vivavoce.wire.telephony.asterisk import AsteriskCodec

SUBPROTOCOL = "media"
ASTERISK_CONTROL = NoControl("Asterisk transfers by ARI or AMI, which are not used here: name a transfer_webhook")


class Asterisk:
    """``/asterisk``. The agent is named in the address, as ``?agent=``; the dial string can do that with ``v()``."""

    def __init__(self, exchange: Exchange, settings: AsteriskSettings) -> None:
        self._exchange = exchange
        self._settings = settings

    def routes(self) -> list[BaseRoute]:
        return [WebSocketRoute("/asterisk", self.stream)]

    async def stream(self, socket: WebSocket) -> None:
        self._check(socket)
        await socket.accept(SUBPROTOCOL if SUBPROTOCOL in socket.scope.get("subprotocols", ()) else None)
        guest = Guest(socket.query_params.get("agent", ""), ASTERISK_CONTROL)
        codec = AsteriskCodec(dict(socket.query_params))
        await answer_socket(self._exchange.desk, socket, codec, lambda _: guest)

    def _check(self, socket: WebSocket) -> None:
        own = self._settings
        if own.insecure:
            return
        if not own.password:
            hint = "set the username and password of Asterisk's websocket_client.conf"
            raise Refused("this server cannot tell who this Asterisk is", status=403, code="no_password", hint=hint)
        expected = base64.b64encode(f"{own.username}:{own.password}".encode())
        scheme, _, given = socket.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic" or not hmac.compare_digest(given.strip().encode(), expected):
            raise Refused("this is not the Asterisk that is known here", status=403, code="password_invalid")
