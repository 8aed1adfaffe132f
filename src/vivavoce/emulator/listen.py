"""The emulator on sockets: TLS with ALPN, clear text, or both. The only module of it that opens any."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from vivavoce.emulator.server import HANDSHAKE_LIMIT_S
from vivavoce.emulator.service import Emulator
from vivavoce.errors import UsageError

FAREWELL_S = 2.0


@dataclass(frozen=True, slots=True)
class Door:
    """Where to listen. Port 0 takes any that is free; ``tls`` None speaks HTTP/2 in clear text."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None

    def url(self, port: int) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{port}"


@asynccontextmanager
async def listening(emulator: Emulator, *doors: Door) -> AsyncIterator[list[str]]:
    """The URLs, in the order of the doors. Afterwards every connection is closed."""
    servers: list[asyncio.Server] = []
    try:
        for door in doors:
            servers.append(await _listen(emulator, door))  # noqa: PERF401  # those that listen must be closed
        yield [door.url(_port(server)) for door, server in zip(doors, servers, strict=True)]
    finally:
        for server in servers:
            server.close()
        emulator.close()
        await _all_gone(emulator)


async def _listen(emulator: Emulator, door: Door) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    handshake_s, farewell_s = (HANDSHAKE_LIMIT_S, FAREWELL_S / 2) if door.tls else (None, None)
    try:
        return await loop.create_server(
            emulator.protocol,
            door.host,
            door.port,
            ssl=door.tls,
            ssl_handshake_timeout=handshake_s,
            ssl_shutdown_timeout=farewell_s,
        )
    except OSError as error:
        hint = "choose another port, or 0 for any that is free"
        where = f"{door.host}:{door.port}"
        raise UsageError(f"cannot listen on {where}: {error.strerror or error}", hint=hint) from error


def _port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


async def _all_gone(emulator: Emulator) -> None:
    """Wait for the last bytes; whoever does not take them is left."""
    waiting = [asyncio.ensure_future(connection.gone.wait()) for connection in emulator.connections]
    if waiting:
        await asyncio.wait(waiting, timeout=FAREWELL_S)
    for connection in list(emulator.connections):
        connection.abort()
    for one in waiting:
        one.cancel()
