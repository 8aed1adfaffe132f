"""The application on sockets: uvicorn's protocols on our listeners, until the process is asked to end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from vivavoce.engine.clock import loop_time_s
from vivavoce.errors import SetupFault, UsageError
from vivavoce.server.desk import Desk
from vivavoce.server.door import Door
from vivavoce.server.gate import Gate, GuardedHttp
from vivavoce.server.metrics import Metrics
from vivavoce.server.settings import ServerSettings
from vivavoce.server.telephony.audiosocket import audiosocket
from vivavoce.server.waiting import cancelling
from vivavoce.server.websocket.protocol import WebSocket
from vivavoce.tools.outside import held

PING_S = 20.0
LAG_SAMPLE_S = 0.02
FAREWELL_S = 3.0
"""How long connections may take to be closed once no call is live."""
BACKLOG = 2048


def open_listener(settings: ServerSettings) -> socket.socket:
    """Raises :class:`UsageError` if that address cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host.strip("[]"), settings.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        where = f"{settings.host}:{settings.port}"
        raise UsageError(
            f"cannot listen on {where}: {error.strerror or error}",
            hint="choose another --port (0 takes any that is free), or a --host that is this machine's",
        ) from error
    listener.setblocking(False)
    return listener


def url_of(settings: ServerSettings, listener: socket.socket) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{'https' if settings.tls_cert else 'http'}://{host}:{listener.getsockname()[1]}"


def tls_context(settings: ServerSettings) -> ssl.SSLContext | None:
    """Raises :class:`SetupFault` for files that are no certificate and its key."""
    if not settings.tls_cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    for name in (settings.tls_cert, settings.tls_key):
        if not Path(name).is_file():
            raise SetupFault(f"{name} is not there", hint="--tls-cert and --tls-key name files in PEM")
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password="")
    except (OSError, ValueError) as error:  # an ssl.SSLError is an OSError
        raise SetupFault(
            f"{settings.tls_cert} and {settings.tls_key} are no certificate and its key",
            hint="both in PEM, the chain after the certificate, the key without a passphrase",
        ) from error
    return context


class Connections:
    """What makes a protocol for each connection, and closes those that are left."""

    def __init__(self, app: ASGIApp, settings: ServerSettings, metrics: Metrics) -> None:
        self._gate = Gate(settings.limits, metrics)
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # it warns of every malformed request
        self._config = uvicorn.Config(
            app,
            interface="asgi3",
            http=GuardedHttp,
            ws=WebSocket if settings.websocket == "vivavoce" else settings.websocket,
            ws_max_size=settings.limits.message_bytes,
            ws_ping_interval=PING_S,
            ws_ping_timeout=PING_S,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=round(settings.limits.idle_connection_s),
        )
        self._config.load()
        self._state = ServerState()

    @property
    def open(self) -> int:
        return len(self._state.connections)

    def protocol(self) -> asyncio.Protocol:
        return GuardedHttp(self._gate, self._config, self._state)

    async def keep_time(self) -> None:
        """Sets the Date of answers."""
        while True:
            self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
            await asyncio.sleep(1)

    async def close(self) -> None:
        """Asks all to end, waits a little, and ends what is left."""
        for connection in list(self._state.connections):
            connection.shutdown()
        tasks = list(self._state.tasks)
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=FAREWELL_S)
            if left:
                logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # it tells of each that is cancelled
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left, timeout=FAREWELL_S)


class Signals:
    """The first SIGTERM or SIGINT asks for a polite end, the second for one at once."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()

    def receive(self) -> None:
        (self.hurried if self.asked.is_set() else self.asked).set()

    @asynccontextmanager
    async def heeded(self) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGINT, signal.SIGTERM)
        for number in numbers:
            loop.add_signal_handler(number, self.receive)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)


@asynccontextmanager
async def working(app: ASGIApp, door: Door) -> AsyncIterator[Connections]:
    """All that runs beside the calls, for as long as the block does. Afterwards every connection is closed."""
    connections = Connections(app, door.settings, door.metrics)
    async with (
        door.background.opened(),
        door.desk.books.opened(door.desk.spent, door.desk.tell),
        cancelling(watch_lag(door.desk)),
        cancelling(connections.keep_time()),
        audiosocket(door),
        held(),  # so that a server of tools is not started anew for each call
    ):
        try:
            yield connections
        finally:
            await connections.close()


async def serve(
    app: ASGIApp, door: Door, listeners: Sequence[socket.socket], on_ready: Callable[[], None], signals: Signals
) -> int:
    """Serves until asked to end, drains, and returns how many calls had to be stopped. The listeners stay open for as
    long as calls are live, so that whoever comes then is told why not.
    """
    context = tls_context(door.settings)
    async with signals.heeded(), working(app, door) as connections:
        servers = [await _listen(connections, listener, context, door.settings) for listener in listeners]
        try:
            on_ready()
            await signals.asked.wait()
            return await drained(door, signals)
        finally:
            for server in servers:
                server.close()


async def drained(door: Door, signals: Signals) -> int:
    """Lets all end, within the bounds of the settings."""
    without_a_call = door.sessions.end_those_without_a_call
    return await door.desk.drain(door.settings.drain_s, signals.hurried, without_a_call)


async def watch_lag(desk: Desk) -> None:
    """Tells the desk how late the loop is, over and over."""
    while True:
        begun_s = loop_time_s()
        await asyncio.sleep(LAG_SAMPLE_S)
        now_s = loop_time_s()
        desk.lag.observe(max(0.0, now_s - begun_s - LAG_SAMPLE_S) * 1000, now_s)


async def _listen(
    connections: Connections, listener: socket.socket, context: ssl.SSLContext | None, settings: ServerSettings
) -> asyncio.Server:
    handshake_s = settings.limits.handshake_s if context is not None else None
    return await asyncio.get_running_loop().create_server(
        connections.protocol, sock=listener, ssl=context, backlog=BACKLOG, ssl_handshake_timeout=handshake_s
    )


def new_loop() -> asyncio.AbstractEventLoop:
    """uvloop's where it is to be had."""
    with contextlib.suppress(ImportError):
        import uvloop

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()
