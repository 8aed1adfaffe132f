"""Asterisk's AudioSocket: TCP connections that Asterisk opens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address

from vivavoce.engine.clock import loop_time_s
from vivavoce.errors import ChannelFault, Refused, UsageError, VivavoceError
from vivavoce.server.desk import Desk
from vivavoce.server.door import Door
from vivavoce.server.telephony.answering import START_S, answer
from vivavoce.server.telephony.asterisk import ASTERISK_CONTROL
from vivavoce.server.telephony.guests import Guest
from vivavoce.wire.telephony.audiosocket import AudioSocketCodec
from vivavoce.wire.telephony.line import Message, Started

FIRST_AUDIO_S = 1.0
"""After its name, so long is waited for a line's first audio, which tells the rate; then it is 8 kHz."""
_READ_BYTES = 16_384

_log = logging.getLogger(__name__)


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
    still live then is ended. Raises :class:`~vivavoce.errors.UsageError` if the port cannot be had.
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

    try:
        server = await asyncio.start_server(accepted, host, port)
    except OSError as error:
        hint = "choose another port in [telephony.audiosocket]"
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror or error}", hint=hint) from error
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
    await answer(desk, Guest(agent, ASTERISK_CONTROL), codec, transport, started)


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


@asynccontextmanager
async def audiosocket(door: Door) -> AsyncIterator[None]:
    """Listens while the block runs, if ``[telephony.audiosocket]`` is there. In one process only: it is for few calls,
    and brings no more of them than one can serve.
    """
    settings = door.settings.telephony.audiosocket
    if settings is None or door.worker > 1:
        yield
        return
    agent = door.desk.find(settings.agent).name
    async with serve_audiosocket(door.desk, settings.host, settings.port, agent, allowed=settings.allowed):
        yield
