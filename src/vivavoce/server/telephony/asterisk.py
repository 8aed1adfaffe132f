"""Asterisk: the socket of ``chan_websocket``, and the TCP connections of AudioSocket."""

from __future__ import annotations

import asyncio
import base64
import hmac
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket

from vivavoce.engine.clock import loop_time_s
from vivavoce.errors import ChannelFault, Refused, VivavoceError
from vivavoce.server.desk import Desk
from vivavoce.server.telephony.answering import START_S, answer, answer_socket
from vivavoce.server.telephony.carrier import Exchange
from vivavoce.server.telephony.settings import AsteriskSettings
from vivavoce.wire.telephony.asterisk import AsteriskCodec
from vivavoce.wire.telephony.audiosocket import AudioSocketCodec
from vivavoce.wire.telephony.line import Message, Started

SUBPROTOCOL = "media"
FIRST_AUDIO_S = 1.0
"""After its name, so long is waited for a line's first audio, which tells the rate; then it is 8 kHz."""
_READ_BYTES = 16_384

_log = logging.getLogger(__name__)


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
        agent = socket.query_params.get("agent", "")
        codec = AsteriskCodec(dict(socket.query_params))
        await answer_socket(self._exchange.desk, socket, codec, lambda _: agent)

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


class StreamTransport:
    """A :class:`~vivavoce.channel.telephony.line.Transport` over TCP."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def receive(self) -> Message | None:
        try:
            return await self._reader.read(_READ_BYTES) or None
        except OSError as error:
            raise ChannelFault("Asterisk's connection broke") from error

    async def send(self, message: Message) -> None:
        assert isinstance(message, bytes)
        try:
            self._writer.write(message)
            await self._writer.drain()
        except OSError as error:
            raise ChannelFault("Asterisk's connection broke") from error

    async def close(self) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


@asynccontextmanager
async def serve_audiosocket(
    desk: Desk, host: str, port: int, agent: str, *, allowed: Collection[str] = ("127.0.0.1", "::1")
) -> AsyncIterator[int]:
    """Takes AudioSocket connections while the block runs, and gives the port. The protocol knows no password, so only
    the addresses in ``allowed`` are let in: those of your Asterisks. Leave the block when the desk was drained: what is
    still live then is ended.
    """
    addresses = {ip_address(address) for address in allowed}
    connections: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transport = StreamTransport(reader, writer)
        try:
            if ip_address(writer.get_extra_info("peername")[0]) in addresses:
                await _answer_audiosocket(desk, agent, transport)
            else:
                _log.warning("an AudioSocket connection from an address that is not allowed was refused")
        except Refused as refused:
            _log.warning("an AudioSocket connection was refused: %s", refused.code)
        except VivavoceError:
            _log.warning("an AudioSocket connection did not become a call")
        finally:
            await transport.close()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(connected(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(accepted, host, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        left = [*connections]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def _answer_audiosocket(desk: Desk, agent: str, transport: StreamTransport) -> None:
    codec = AudioSocketCodec()
    started = await _begin(codec, transport)
    await answer(desk, agent, codec, transport, started, None)


async def _begin(codec: AudioSocketCodec, transport: StreamTransport) -> Started:
    """The call's name comes first; the first audio, if it comes by itself, tells the rate."""
    try:
        async with asyncio.timeout(START_S) as limit:
            while (message := await transport.receive()) is not None:
                for fact in codec.receive(message):
                    if isinstance(fact, Started) and codec.named:
                        return fact
                if codec.named:
                    limit.reschedule(loop_time_s() + FIRST_AUDIO_S)
    except TimeoutError:
        if codec.named:
            return codec.begin(8000)
    raise ChannelFault("an AudioSocket connection that does not name its call")
