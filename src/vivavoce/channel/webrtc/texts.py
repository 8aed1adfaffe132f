"""The data channel of a peer, and the queue of what its sink is to be told besides sound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from vivavoce.errors import ChannelFault, UsageError
from vivavoce.events import PlayoutProgress, PlayoutStopped

LABEL = "oai-events"
"""What the Realtime protocol calls its data channel. Others are ignored."""
LARGEST_EVENT_BYTES = 256 * 1024
"""Events are smaller: browsers and aiortc announce a=max-message-size:262144."""
_UNSENT_LIMIT_BYTES = 4 * 1024 * 1024
_UNREAD_LIMIT = 1_000

PlayoutReport = PlayoutProgress | PlayoutStopped


class Texts:
    """``changed`` is called when ``is_open`` or what ``raise_if_flooded`` says may have changed."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._channel: Any = None
        self._news: asyncio.Queue[str | PlayoutReport] = asyncio.Queue()
        self._fault = ""

    @property
    def is_open(self) -> bool:
        return self._channel is not None and self._channel.readyState == "open"

    def adopt(self, channel: Any) -> None:
        """The peer has made a data channel."""
        if channel.label != LABEL or self._channel is not None:
            return
        self._channel = channel
        channel.on("message", self._received)
        channel.on("open", self._changed)
        channel.on("close", self._changed)
        self._changed()

    def send(self, event: bytes) -> None:
        if len(event) >= LARGEST_EVENT_BYTES:
            raise UsageError(
                f"an event of {len(event)} bytes for a data channel", hint=f"it takes less than {LARGEST_EVENT_BYTES}"
            )
        if not self.is_open:
            return
        if self._channel.bufferedAmount + len(event) > _UNSENT_LIMIT_BYTES:
            self._fail("the peer does not take what is sent to it")
        else:
            self._channel.send(event.decode())

    def report(self, report: PlayoutReport) -> None:
        self._news.put_nowait(report)

    async def next(self) -> str | PlayoutReport:
        """The next thing to tell."""
        return await self._news.get()

    def raise_if_flooded(self) -> None:
        if self._fault:
            raise ChannelFault(self._fault)

    async def drained(self, wait_s: float) -> None:
        """Returns when everything sent has been acknowledged, or after ``wait_s``."""
        if not self.is_open or not self._channel.bufferedAmount:
            return
        empty = asyncio.Event()
        self._channel.on("bufferedamountlow", empty.set)
        self._channel.on("close", empty.set)
        try:
            async with asyncio.timeout(wait_s):
                await empty.wait()
        except TimeoutError:
            pass

    def _received(self, message: str | bytes) -> None:
        if self._news.qsize() >= _UNREAD_LIMIT:
            self._fail("the peer sends more than can be read")
        else:
            self._news.put_nowait(message if isinstance(message, str) else message.decode("utf-8", "replace"))

    def _fail(self, message: str) -> None:
        self._fault = message
        self._changed()
