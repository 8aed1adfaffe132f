"""What can be said about a phone line, whoever the carrier is: facts that come in, wishes that go out, and what a codec
between them is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from vivavoce.errors import ChannelFault

FRAME_MS = 20
"""Every carrier here works in frames of this length; a part of one is heard as a click (openai-agents-js#1184)."""
LONGEST_MESSAGE = 64 * 1024
"""Bytes of one message. Nothing a carrier sends comes near it: 20 ms are some 300 bytes, a start some 2000."""

Message = str | bytes
"""A text or a binary WebSocket message; for AudioSocket, bytes of the stream."""


class MalformedFrame(ChannelFault):
    """A message that is not of the carrier's protocol. The next one may be: the line is not lost."""


class UnusableFormat(ChannelFault):
    """The carrier offers audio that is not spoken here: the call cannot be served, and the set-up has to change."""


@dataclass(frozen=True, slots=True)
class Started:
    """The line is open. ``stream`` and ``call`` are the carrier's ids, as far as it has them; ``parameters`` what the
    answer to its webhook, or the dial plan, sent along. Audio is mono at ``rate_hz`` in both directions.
    """

    stream: str
    call: str
    rate_hz: int
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Media:
    """What the caller says: PCM16. ``at_ms`` is the carrier's clock, from any origin, None if it has none. ``chunk``
    counts the media of a carrier that does not promise their order.
    """

    pcm: bytes
    at_ms: int | None = None
    chunk: int | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """The caller pressed a key: one of ``0123456789*#ABCD``."""

    digit: str


@dataclass(frozen=True, slots=True)
class MarkReached:
    """All audio sent before :class:`Mark` was played, or dropped by :class:`Clear`."""

    name: str


@dataclass(frozen=True, slots=True)
class Cleared:
    """:class:`Clear` was obeyed, by a carrier that says so otherwise than by the marks it drops."""


@dataclass(frozen=True, slots=True)
class Paused:
    """The carrier's queue is full: what is sent now may be lost."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """There is room again."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """The carrier says that something went wrong; ``code`` is its word for it. The line may go on."""

    code: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The stream is over: the caller hung up, or the carrier moved the call elsewhere."""


LineFact = Started | Media | Key | MarkReached | Cleared | Paused | Resumed | Trouble | Stopped


@dataclass(frozen=True, slots=True)
class SendMedia:
    """Play these whole frames after what was sent before."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """Say when all audio up to here was played."""

    name: str


@dataclass(frozen=True, slots=True)
class Clear:
    """Drop what was sent and not played."""


@dataclass(frozen=True, slots=True)
class HangUpLine:
    """End the call, as far as that is done on this wire."""


LineWish = SendMedia | Mark | Clear | HangUpLine


class Codec(Protocol):
    """One call's side of one carrier's protocol.

    ``queues``: the carrier keeps what it is sent and plays it in its own time, answers marks and can drop the rest; the
    others play what they get when they get it. ``frames_per_message`` is the most that one message may carry.
    """

    @property
    def name(self) -> str: ...

    @property
    def queues(self) -> bool: ...

    @property
    def frames_per_message(self) -> int: ...

    def receive(self, message: Message) -> Sequence[LineFact]:
        """What a message says; nothing for one that does not matter here. Raises :class:`MalformedFrame`, and
        :class:`UnusableFormat` for a start that cannot be served.
        """
        ...

    def send(self, wish: LineWish) -> Sequence[Message]:
        """The messages that carry a wish; none where the carrier has no word for it. After :class:`Started` only."""
        ...
