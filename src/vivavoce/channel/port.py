"""What a channel is: the way one caller is connected.

A channel delivers facts and performs wishes, and decides nothing. ``run`` lives as long as the caller is on the line;
``perform`` is called from the same event loop, must not block and must not raise for anything the caller's side does.
``vivavoce.conformance.channel`` is the suite that any channel must pass.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from vivavoce.events import ChannelEffect, ChannelEvent

EmitChannelEvent = Callable[[ChannelEvent], Awaitable[None]]
"""Hands over one fact. It waits while the call is behind, which is how backpressure reaches the source."""


class Channel(Protocol):
    """One caller's connection. ``rate_hz`` is the rate of the audio in both directions and so the call's rate."""

    name: str
    rate_hz: int

    async def run(self, emit: EmitChannelEvent) -> None:
        """Connect, emit ``CallerConnected``, then the caller's audio and the reports of playout, until the end.

        Returns after ``CallerHungUp`` or once a performed ``HangUp`` has been carried out. Raises
        :class:`~vivavoce.errors.ChannelFault` when the connection breaks. Frames are at most 100 ms long.
        """
        ...

    def perform(self, effect: ChannelEffect) -> None:
        """``Play`` queues audio; ``FinishPlaying`` marks the end of a response, to be answered with a last
        ``PlayoutProgress`` when all of it was played; ``Flush`` drops what is queued of a response, ahead of everything
        else, and is always answered with ``PlayoutStopped``; ``HangUp`` ends the connection."""
        ...
