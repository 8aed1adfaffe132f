"""What a connection may do before anything is known of whoever is at its other end.

Connections come at a bounded rate from each address, few may stay without having shown a key, a request has to arrive
whole within a bounded time, and its head is bounded. Whatever is over a limit is told so in a line and closed, before
any of it reaches the application.
"""

from __future__ import annotations

import asyncio

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from vivavoce.engine.clock import loop_time_s
from vivavoce.server.limits import AddressRates
from vivavoce.server.metrics import Metrics
from vivavoce.server.settings import Limits

_SAID = {
    "address_rate": b"429 Too Many Requests",
    "too_many_unauthenticated": b"503 Service Unavailable",
    "head_too_large": b"431 Request Header Fields Too Large",
    "handshake_timeout": b"408 Request Timeout",
}


class Arrival:
    """A connection of which nothing is known, until :meth:`vouch`."""

    __slots__ = ("_transport", "address", "vouched")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) and peer else ""
        self.vouched = False

    @property
    def counts(self) -> bool:
        return not self.vouched and not self._transport.is_closing()

    def vouch(self) -> None:
        self.vouched = True

    def abort(self) -> None:
        self._transport.abort()


class Gate:
    """One for each process."""

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self.limits = limits
        self._metrics = metrics
        per_s = limits.connections_per_address
        self._rates = AddressRates(per_s, 2 * per_s)
        self._arrivals: list[Arrival] = []

    def why_not(self, arrival: Arrival) -> str:
        """Why this connection may not stay, one of the reasons of the metrics; empty if it may. One without an address
        comes from another of our workers."""
        if not arrival.address:
            return ""
        if not self._rates.take(arrival.address, loop_time_s()):
            return "address_rate"
        self._arrivals = [one for one in self._arrivals if one.counts]
        if len(self._arrivals) >= self.limits.unauthenticated_connections:
            return "too_many_unauthenticated"
        self._arrivals.append(arrival)
        return ""

    def close(self, transport: asyncio.Transport, reason: str) -> None:
        self._metrics.count("vivavoce_connections_refused_total", reason=reason)
        transport.write(
            b"HTTP/1.1 " + _SAID[reason] + b"\r\ncontent-length: 0\r\nretry-after: 5\r\nconnection: close\r\n\r\n"
        )
        transport.close()


class GuardedHttp(HttpToolsProtocol):
    """Uvicorn's HTTP/1.1 behind a gate. Requests find their :class:`Arrival` in ``scope["state"]["arrival"]``."""

    def __init__(self, gate: Gate, config: Config, server_state: ServerState) -> None:
        super().__init__(config, server_state, {})
        self._gate = gate
        self._patience: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as theirs
        super().connection_made(transport)
        arrival = Arrival(transport)
        self.app_state["arrival"] = arrival
        reason = self._gate.why_not(arrival)
        if reason:
            self._gate.close(transport, reason)
        else:
            self._wait_for_a_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > self._gate.limits.header_bytes:
            self._refuse("head_too_large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wait_for_a_request()

    def on_headers_complete(self) -> None:
        self._in_head = False
        head_bytes = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if head_bytes > self._gate.limits.header_bytes:
            self._refuse("head_too_large")
        else:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._stop_waiting()
        self._in_head = True
        self._head_bytes = 0
        if not self.transport.is_closing():
            super().on_message_complete()

    def on_body(self, body: bytes) -> None:
        if not self.transport.is_closing():
            super().on_body(body)

    def handle_websocket_upgrade(self) -> None:
        self._stop_waiting()
        if not self.transport.is_closing():
            super().handle_websocket_upgrade()

    def _wait_for_a_request(self) -> None:
        self._stop_waiting()
        self._patience = self.loop.call_later(self._gate.limits.handshake_s, self._refuse, "handshake_timeout")

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _refuse(self, reason: str) -> None:
        if not self.transport.is_closing():
            self._gate.close(self.transport, reason)
