"""From an open media stream to a call that is answered, whoever the carrier is."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from vivavoce.channel.telephony.channel import TelephonyChannel
from vivavoce.channel.telephony.line import Transport
from vivavoce.engine.clock import loop_time_s
from vivavoce.errors import ChannelFault, SetupFault
from vivavoce.server.access import vouch
from vivavoce.server.desk import Desk
from vivavoce.server.telephony.guests import Guest
from vivavoce.wire.telephony.line import LONGEST_MESSAGE, Codec, Message, Started

START_S = 10.0
"""A stream that has not begun by then is closed."""
MESSAGES_BEFORE_START = 20

# RFC 6455 section 7.4.1, and the registry of its section 11.7.
NORMAL, GOING_AWAY, PROTOCOL_ERROR, NO_STATUS, TOO_BIG, MISTAKE = 1000, 1001, 1002, 1005, 1009, 1011

_log = logging.getLogger(__name__)


class SocketTransport:
    """A :class:`~vivavoce.channel.telephony.line.Transport` over an accepted WebSocket."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def receive(self) -> Message | None:
        received = await self._socket.receive()
        if received["type"] == "websocket.disconnect":
            code = received.get("code", NO_STATUS)
            if code in (NORMAL, GOING_AWAY, NO_STATUS):
                return None
            raise ChannelFault(f"the carrier's connection broke with code {code}")
        text: str | None = received.get("text")
        message: Message = text if text is not None else received.get("bytes") or b""
        if len(message) > LONGEST_MESSAGE:
            await self.close(TOO_BIG)
            raise ChannelFault(f"the carrier sent a message of {len(message)} bytes")
        return message

    async def send(self, message: Message) -> None:
        try:
            if isinstance(message, str):
                await self._socket.send_text(message)
            else:
                await self._socket.send_bytes(message)
        except (WebSocketDisconnect, RuntimeError, OSError) as error:  # RuntimeError: closed meanwhile, says Starlette
            raise ChannelFault("the carrier's connection is closed") from error

    async def close(self, code: int = NORMAL) -> None:
        open_on_both_sides = (
            self._socket.application_state is WebSocketState.CONNECTED
            and self._socket.client_state is WebSocketState.CONNECTED
        )
        if open_on_both_sides:
            with contextlib.suppress(RuntimeError, OSError):  # the other side was faster
                await self._socket.close(code)


async def begin(codec: Codec, transport: Transport) -> Started:
    """What the carrier says of the call. Raises :class:`~vivavoce.errors.ChannelFault` if it does not in time."""
    try:
        async with asyncio.timeout(START_S):
            for _ in range(MESSAGES_BEFORE_START):
                message = await transport.receive()
                if message is None:
                    break
                for fact in codec.receive(message):
                    if isinstance(fact, Started):
                        return fact
    except TimeoutError:
        pass
    raise ChannelFault("a media stream did not begin with its start")


async def answer(desk: Desk, guest: Guest, codec: Codec, transport: Transport, started: Started) -> None:
    """One call, to its end. Raises :class:`~vivavoce.errors.Refused` before anything is spent on it."""
    served, order = desk.find(guest.agent), guest.order
    with desk.admit(served, order.bounds if order else None):
        channel = TelephonyChannel(codec, transport, started, loop_time_s, guest.control)
        agent = order.agent if order else None
        await desk.run(await desk.answering(served, channel, agent=agent, outbound=order is not None))


async def answer_socket(
    desk: Desk,
    socket: WebSocket,
    codec: Codec,
    greet: Callable[[Started], Guest],
) -> None:
    """Answers a WebSocket that was accepted. ``greet`` says whom the stream brings, or refuses it. A
    :class:`~vivavoce.errors.Refused` is the application's to tell.
    """
    transport = SocketTransport(socket)
    try:
        started = await begin(codec, transport)
        guest = greet(started)
        vouch(socket)
        await answer(desk, guest, codec, transport, started)
    except ChannelFault:
        _log.warning("a media stream broke before it was a call")
        await transport.close(PROTOCOL_ERROR)
    except SetupFault:
        await transport.close(MISTAKE)
        raise
    else:
        await transport.close()
