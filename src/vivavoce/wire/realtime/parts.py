"""What all of a session share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from vivavoce.events import Instant
from vivavoce.wire.realtime.configuration import AudioOver, Configuration, Offer
from vivavoce.wire.realtime.conversation import Conversation
from vivavoce.wire.realtime.writer import Writer


def earlier(one: Instant | None, other: Instant | None) -> Instant | None:
    """Of two deadlines, either of which may not be."""
    if one is None or other is None:
        return other if one is None else one
    return min(other, one)


@dataclass(slots=True)
class Parts:
    """``rate_hz`` is the call's, and 0 until it has begun. ``conversation_id`` is what replies of the call name."""

    offer: Offer
    new_id: Callable[[str], str]
    over: AudioOver
    writer: Writer
    configuration: Configuration
    conversation_id: str
    rate_hz: int = 0
    conversation: Conversation = field(default_factory=Conversation)

    @property
    def client_plays(self) -> bool:
        return self.over is AudioOver.EVENTS
