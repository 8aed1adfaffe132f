"""What a channel is: the way one caller is connected.

A channel delivers facts and performs wishes, and decides nothing. ``run`` lives as long as the caller is on the line;
``perform`` is called from the same event loop, must not block and must not raise for anything the caller's side does.
``vivavoce.conformance.channel`` is the suite that any channel must pass.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, runtime_checkable

from vivavoce.events import ChannelEffect, ChannelEvent

EmitChannelEvent = Callable[[ChannelEvent], Awaitable[None]]
"""Hands over one fact. It waits while the call is behind, which is how backpressure reaches the source."""


class Orders(Protocol):
    """What can be done with the caller's connection besides talking. Each raises
    :class:`~vivavoce.errors.ChannelFault` if it cannot be done; what succeeded holds even if the call ends meanwhile.
    """

    async def transfer(self, to: str, summary: str) -> None:
        """Connect the caller with ``to``. ``summary`` is spoken to whoever answers, before they hear the caller; empty
        for a blind transfer. Afterwards :class:`~vivavoce.events.HangUp` ends our part of the call and not the
        caller's.
        """
        ...

    async def send_digits(self, digits: str) -> None:
        """Press keys (``0123456789*#ABCDw``; ``w`` waits half a second) towards the caller's side."""
        ...


@runtime_checkable
class Orderable(Protocol):
    """A channel that takes orders; ``orders`` is None where this connection takes none."""

    @property
    def orders(self) -> Orders | None: ...


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
        else, and is always answered with ``PlayoutStopped``; ``HangUp`` ends the connection. ``PausePlaying`` stops in
        the middle and keeps what is queued, ``ResumePlaying`` goes on from there, with no sample lost or repeated: only
        for a channel that told of :attr:`~vivavoce.events.Ability.PAUSE` in ``CallerConnected``. ``Flush`` while paused
        drops what is queued as ever; what is played after that waits for ``ResumePlaying``."""
        ...
