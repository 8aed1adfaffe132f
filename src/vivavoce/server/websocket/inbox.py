"""What has come and was not asked for yet, bounded: it says when the peer has to wait."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

Message = dict[str, Any]

_FULL_MESSAGES, _FULL_BYTES = 64, 256 * 1024
"""Both are more than a second of audio at real time."""


class Inbox:
    """Messages in order, then the last word for ever. For one reader."""

    __slots__ = ("_bytes", "_last", "_messages", "_waiting")

    def __init__(self) -> None:
        self._messages: deque[tuple[Message, int]] = deque()
        self._bytes = 0
        self._last: Message | None = None
        self._waiting: asyncio.Future[None] | None = None

    @property
    def full(self) -> bool:
        return self._bytes > _FULL_BYTES or len(self._messages) > _FULL_MESSAGES

    @property
    def empty(self) -> bool:
        return not self._messages

    def put(self, message: Message, size: int) -> None:
        """Nothing is kept after the end."""
        if self._last is None:
            self._messages.append((message, size))
            self._bytes += size
            self._wake()

    def end(self, last: Message, *, forget: bool = False) -> None:
        """``last`` is what is read from now on; the first one counts. ``forget`` what was not read before."""
        if self._last is None:
            self._last = last
            if forget:
                self._messages.clear()
                self._bytes = 0
            self._wake()

    async def get(self) -> Message:
        while not self._messages:
            if self._last is not None:
                return self._last
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        message, size = self._messages.popleft()
        self._bytes -= size
        return message

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
