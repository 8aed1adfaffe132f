"""What a session of the protocol wants done, in the order to be done."""

from __future__ import annotations

import msgspec

from vivavoce.events import ChannelEvent, PastTurn, ToolCallId
from vivavoce.wire.realtime.configuration import Configuration, Modality


class Send(msgspec.Struct, frozen=True):
    """One event for the client, as JSON."""

    data: bytes


class Emit(msgspec.Struct, frozen=True):
    """A fact for the call."""

    event: ChannelEvent


class Begin(msgspec.Struct, frozen=True):
    """Start the call, at this rate and with this; comes once, before any other action but :class:`Send`."""

    rate_hz: int
    configuration: Configuration


class Revise(msgspec.Struct, frozen=True):
    """The model has to be told that the agent is another."""

    configuration: Configuration


class AnswerTool(msgspec.Struct, frozen=True):
    """The client ran a tool; the model may go on with its output."""

    tool_call: ToolCallId
    output: str


class Aside(msgspec.Struct, frozen=True, kw_only=True):
    """A reply to be made beside the call, of which the call learns nothing.

    ``turns`` is what the model shall believe was said, ``prompt`` what it shall answer (empty: ``turns`` and
    ``instructions`` say enough). ``instructions`` None means the session's.
    """

    id: str
    turns: tuple[PastTurn, ...]
    prompt: str
    instructions: str | None
    modality: Modality


class AskAside(msgspec.Struct, frozen=True):
    """Make this reply; what comes of it is told through the ``aside_...`` methods of the front."""

    aside: Aside


class CancelAside(msgspec.Struct, frozen=True):
    """Nobody waits for that reply any more."""

    id: str


class Close(msgspec.Struct, frozen=True):
    """Close the connection, after everything before was sent."""

    code: int
    reason: str


Action = Send | Emit | Begin | Revise | AnswerTool | AskAside | CancelAside | Close
