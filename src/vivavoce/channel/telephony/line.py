"""What a telephone channel needs of the connection to its carrier."""

from __future__ import annotations

from typing import Protocol

from vivavoce.wire.telephony.line import Message


class Transport(Protocol):
    """A WebSocket or a TCP connection that is open."""

    async def receive(self) -> Message | None:
        """The next message; None once the other side has closed in order. Raises
        :class:`~vivavoce.errors.ChannelFault` when the connection broke.
        """
        ...

    async def send(self, message: Message) -> None:
        """Waits while the other side does not read. Raises :class:`~vivavoce.errors.ChannelFault`."""
        ...

    async def close(self) -> None:
        """Close in order. Does not raise, and may be called again."""
        ...


class CallControl(Protocol):
    """What a carrier does with a call when asked beside its media stream. Raises
    :class:`~vivavoce.errors.ChannelFault`; a call that is already over is none.
    """

    async def hang_up(self) -> None: ...

    async def transfer(self, to: str, summary: str) -> None:
        """Connect the caller with ``to`` (a number in E.164 form, a SIP address, or what the carrier takes) instead of
        the agent. ``summary`` is spoken to whoever answers, before; empty for none. The media stream ends by it.
        """
        ...
