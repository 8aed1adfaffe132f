"""The sending side of a connection: whether there is room, and its end, certain even if nobody reads."""

from __future__ import annotations

import asyncio


class Output:
    """Wraps a transport. Whoever writes looks at :attr:`room` first, or accepts that it waits in memory."""

    __slots__ = ("_end", "_room", "transport")

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._room: asyncio.Event | None = None  # while there is none
        self._end: asyncio.TimerHandle | None = None

    @property
    def room(self) -> bool:
        """Whether what was written before is on its way."""
        return self._room is None

    async def wait(self) -> None:
        """Until there is room, or the connection is gone."""
        if self._room is not None:
            await self._room.wait()

    def pause(self) -> None:
        self._room = self._room or asyncio.Event()

    def resume(self) -> None:
        room, self._room = self._room, None
        if room is not None:
            room.set()

    def lost(self) -> None:
        """No timer stays, and nobody waits for ever: a transport that is lost while full does not call resume."""
        self.resume()
        if self._end is not None:
            self._end.cancel()

    def finish(self, last: bytes, within_s: float) -> None:
        """Sends ``last`` and closes the connection."""
        self.transport.write(last)
        self.transport.close()
        self.end_within(within_s)

    def linger(self, last: bytes, within_s: float) -> None:
        """Sends ``last`` and leaves closing to the peer for so long. What it has sent meanwhile must still be read: a
        connection that is closed with something unread is reset, and ``last`` lost.
        """
        if not self.transport.can_write_eof():  # over TLS there is no half of a connection
            self.finish(last, within_s)
            return
        self.transport.write(last)
        self.transport.write_eof()
        self.end_within(within_s)

    def end_within(self, seconds: float) -> None:
        """The connection is cut then, if it is still there."""
        if self._end is not None:
            self._end.cancel()
        self._end = asyncio.get_running_loop().call_later(seconds, self.transport.abort)
