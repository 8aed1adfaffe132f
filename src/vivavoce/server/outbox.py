"""What waits to be sent to one client: bounded in bytes and in time, so that a client that does not read costs its own
session and nobody's memory.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from starlette.websockets import WebSocket, WebSocketDisconnect

from vivavoce.engine.clock import loop_time_s
from vivavoce.server.access import abort_connection
from vivavoce.server.door import door
from vivavoce.server.refusals import TRY_AGAIN_LATER

CLOSE_S = 5.0
"""How long a client may take for what is queued and the close, once the session is over."""


class Socket(Protocol):
    """What of Starlette's WebSocket is needed."""

    def send_text(self, data: str) -> Awaitable[None]: ...

    def send_bytes(self, data: bytes) -> Awaitable[None]: ...

    def close(self, code: int = 1000, reason: str | None = None) -> Awaitable[None]: ...


class _Waiting(NamedTuple):
    since_s: float
    size: int
    message: str | bytes


class Outbox:
    """One for each socket; :meth:`run` is its one writer. All methods are for the loop.

    ``send`` takes text or bytes and never blocks. Once more waits than ``limit_bytes``, or the oldest for longer than
    ``limit_ms``, ``failed`` is called once with a reason, everything is dropped, and the socket is closed with 1013. A
    client that does not even take that is cut off by ``abort``.
    """

    def __init__(
        self,
        socket: Socket,
        *,
        limit_bytes: int,
        limit_ms: int,
        failed: Callable[[str], None] | None = None,
        abort: Callable[[], None] | None = None,
    ) -> None:
        self.waiting_bytes = 0
        self._socket = socket
        self._limit_bytes = limit_bytes
        self._limit_s = limit_ms / 1000
        self._failed = failed
        self._abort = abort
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._close: tuple[int, str] | None = None

    def send(self, message: str | bytes) -> None:
        """Nothing once the outbox is closed."""
        if self._close is not None:
            return
        size = len(message)
        self.waiting_bytes += size
        self._queue.append(_Waiting(loop_time_s(), size, message))
        if self.waiting_bytes > self._limit_bytes or self._is_late():
            self._give_up()
        self._wake.set()

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Send what waits, then close. The first close counts."""
        if self._close is None:
            self._close = code, reason
            self._wake.set()

    async def run(self) -> None:
        """Writes until the outbox is closed or the client is gone. Whoever runs the session cancels it otherwise."""
        try:
            await self._write_watched()
            async with asyncio.timeout(CLOSE_S):
                await self._write()
                code, reason = self._close or (1000, "")
                await self._socket.close(code, reason[:120])
        except TimeoutError:  # an OSError, too
            self._drop()
            if self._abort is not None:
                self._abort()
        except (WebSocketDisconnect, OSError):
            self._drop()
        finally:
            self._close = self._close or (1006, "")

    async def _write_watched(self) -> None:
        """Until the outbox is closed. A write that hangs is cut off when what waits is too late, though nothing more
        is sent.
        """
        try:
            async with asyncio.timeout(None) as patience:
                watchdog = _Watchdog(self._late_in_s, lambda: patience.reschedule(loop_time_s()), self._limit_s)
                with watchdog:
                    while self._close is None:
                        await self._wake.wait()
                        self._wake.clear()
                        while self._queue and self._close is None:
                            await self._write_one()
        except TimeoutError:
            self._give_up()

    async def _write(self) -> None:
        while self._queue:
            await self._write_one()

    async def _write_one(self) -> None:
        waiting = self._queue[0]
        if isinstance(waiting.message, str):
            await self._socket.send_text(waiting.message)
        else:
            await self._socket.send_bytes(waiting.message)
        if self._queue and self._queue[0] is waiting:  # unless all was dropped meanwhile
            self._queue.popleft()
            self.waiting_bytes -= waiting.size

    def _is_late(self) -> bool:
        return loop_time_s() - self._queue[0].since_s > self._limit_s

    def _late_in_s(self) -> float:
        """How long until that, if nothing goes; at once if all was dropped and its first still hangs."""
        if self._queue:
            return self._queue[0].since_s + self._limit_s - loop_time_s()
        return self._limit_s if self._close is None else 0.0

    def _give_up(self) -> None:
        if self._close is not None:
            return
        self._drop()
        self._close = TRY_AGAIN_LATER, "the client does not read fast enough"
        self._wake.set()
        if self._failed is not None:
            self._failed("slow_consumer")

    def _drop(self) -> None:
        self._queue.clear()
        self.waiting_bytes = 0


class _Watchdog:
    """Looks at the queue when what now waits would be late, and no sooner: one timer for a socket, and not one for each
    message.
    """

    def __init__(self, late_in_s: Callable[[], float], bark: Callable[[], None], first_s: float) -> None:
        self._late_in_s = late_in_s
        self._bark = bark
        self._first_s = first_s
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        self._look_in(self._first_s)

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look_in(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        late_in_s = self._late_in_s()
        if late_in_s > 0:
            self._look_in(late_in_s)
        else:
            self._bark()


def outbox_of(websocket: WebSocket, failed: Callable[[str], None] | None = None) -> Outbox:
    """With the limits of the settings; a client that is cut is counted."""
    here = door(websocket)

    def cut(reason: str) -> None:
        here.metrics.count("vivavoce_sessions_cut_total", reason=reason)
        if failed is not None:
            failed(reason)

    return Outbox(
        websocket,
        limit_bytes=here.settings.limits.waiting_bytes,
        limit_ms=here.settings.limits.waiting_ms,
        failed=cut,
        abort=lambda: abort_connection(websocket),
    )
