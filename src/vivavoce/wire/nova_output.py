"""What Nova Sonic says to its client: the events of the response stream as typed values, both ways."""

from __future__ import annotations

import msgspec


class _Value(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Ids(_Value, frozen=True):
    """What every event of a session carries: the service's ids, and the client's own name for its prompt."""

    session: str = ""
    prompt: str = ""
    completion: str = ""


class Tokens(_Value, frozen=True):
    """Speech and text tokens, in and out."""

    speech_in: int = 0
    speech_out: int = 0
    text_in: int = 0
    text_out: int = 0


class Usage(_Value, frozen=True):
    """``delta`` is what came on top since the last one, ``total`` counts from the start of the connection."""

    delta: Tokens
    total: Tokens


class CompletionStart(_Value, frozen=True):
    """Once for each session, before its first block."""


class ContentStart(_Value, frozen=True):
    """Opens a block. ``stage`` is SPECULATIVE or FINAL on TEXT and None elsewhere; ``rate_hz`` belongs to AUDIO."""

    content: str
    type: str
    role: str
    stage: str | None = None
    rate_hz: int | None = None


class TextOutput(_Value, frozen=True):
    """Words of a TEXT block. :data:`INTERRUPTED_MARK` stands for no words: the caller interrupted."""

    content: str
    role: str
    text: str


class AudioOutput(_Value, frozen=True):
    """A piece of speech, PCM16 little-endian mono."""

    content: str
    pcm: bytes


class ToolUse(_Value, frozen=True):
    """The model calls a tool. ``arguments`` is JSON text of an object, however often it was encoded on the way."""

    content: str
    tool_use: str
    name: str
    arguments: str


class ContentEnd(_Value, frozen=True):
    """Closes a block; ``stop_reason`` is PARTIAL_TURN, END_TURN, INTERRUPTED or TOOL_USE."""

    content: str
    type: str
    stop_reason: str


class CompletionEnd(_Value, frozen=True):
    """The last event, after the client closed its prompt or its session."""

    stop_reason: str = "END_TURN"


class Unknown(_Value, frozen=True):
    """An event that this version does not know, or one of its members is not what it should be: ``why`` says which."""

    name: str
    why: str


INTERRUPTED_MARK = '{ "interrupted" : true }'
"""Exactly this string, spaces included, as the text of a FINAL block."""

OutputEvent = (
    Usage
    | CompletionStart
    | ContentStart
    | TextOutput
    | AudioOutput
    | ToolUse
    | ContentEnd
    | CompletionEnd
    | Unknown
)
