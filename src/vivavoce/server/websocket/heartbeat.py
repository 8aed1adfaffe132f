"""Pings a silent way, and tells when no pong came."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Heartbeat:
    """Every ``interval_s`` it sends a ping with a payload of its own; one unanswered for ``timeout_s`` is the end."""

    __slots__ = ("_count", "_interval_s", "_loop", "_lost", "_send", "_timeout_s", "_timer")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        interval_s: float,
        timeout_s: float,
        send: Callable[[bytes], None],
        lost: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._send = send
        self._lost = lost
        self._count = 0
        self._timer = loop.call_later(interval_s, self._beat)

    def pong(self, payload: bytes) -> None:
        """A pong that answers no ping of ours, or an old one, says nothing."""
        if self._count and payload == self._payload:
            self._restart(self._interval_s, self._beat)

    def stop(self) -> None:
        self._timer.cancel()

    @property
    def _payload(self) -> bytes:
        return self._count.to_bytes(4)

    def _beat(self) -> None:
        self._count = self._count % 0xFFFF_FFFF + 1
        self._restart(self._timeout_s, self._lost)
        self._send(self._payload)

    def _restart(self, delay_s: float, action: Callable[[], None]) -> None:
        self._timer.cancel()
        self._timer = self._loop.call_later(delay_s, action)
