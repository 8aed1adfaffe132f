"""How a client's sound is carried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from vivavoce.events import (
    ChannelEffect,
    Evidence,
    Play,
    PlayoutProgress,
    ResponseId,
    Samples,
)

Carrier = Callable[[ChannelEffect], None]
"""Takes the call's wishes towards the caller, and answers them elsewhere."""


class Line:
    """``name`` is the channel's. ``carrier`` plays where the sound goes beside the protocol (WebRTC), and then never
    stops; without one it is in the client's events, and may. Either can pause: a carrier as it is told, the client by
    being sent no more.
    """

    def __init__(self, name: str, carrier: Carrier | None = None) -> None:
        self.name = name
        self._carrier = carrier
        self._unspoken: Counter[ResponseId] = Counter()

    @property
    def fills(self) -> bool:
        """The client may send no sound for a while."""
        return self._carrier is None

    def perform(self, effect: ChannelEffect, speaks: Callable[[ResponseId], bool]) -> PlayoutProgress | None:
        """What a carrier does; the protocol sees all wishes as a witness. A reply in words only (``speaks`` says so) is
        not carried, and counts as heard at once.
        """
        if self._carrier is None:
            return None
        if isinstance(effect, Play) and not speaks(effect.response):
            self._unspoken[effect.response] += effect.audio.samples
            return PlayoutProgress(effect.response, Samples(self._unspoken[effect.response]), Evidence.ASSUMED)
        self._carrier(effect)
        return None
