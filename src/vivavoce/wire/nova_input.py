"""What a client says to Nova Sonic: the events of the request stream as typed values, both ways."""

from __future__ import annotations

import msgspec


class _Value(msgspec.Struct, frozen=True, kw_only=True):
    pass


class SessionStart(_Value, frozen=True):
    """The first event. ``endpointing_sensitivity`` is HIGH, MEDIUM or LOW; None leaves the member out."""

    max_tokens: int | None = None
    top_p: float | None = None
    temperature: float | None = None
    endpointing_sensitivity: str | None = None


class ToolSpec(_Value, frozen=True):
    """``input_schema`` is JSON Schema as JSON text: the service wants a string inside its JSON."""

    name: str
    description: str
    input_schema: str


class PromptStart(_Value, frozen=True):
    """Voice, output rate and tools of the session. Without ``tools`` neither of the tool members is sent.
    ``tool_choice``: ``auto``, ``any``, ``tool:NAME``, or None to leave it out.
    """

    prompt: str
    voice: str | None = None
    output_rate_hz: int | None = None
    tools: tuple[ToolSpec, ...] | None = None
    tool_choice: str | None = None


class ContentStart(_Value, frozen=True):
    """Opens a block. ``type`` is TEXT, AUDIO or TOOL; ``role`` SYSTEM, USER, ASSISTANT, TOOL or SYSTEM_SPEECH, None
    where a client left it out. ``rate_hz`` belongs to AUDIO, ``tool_use`` to TOOL.
    """

    prompt: str
    content: str
    type: str
    role: str | None = None
    interactive: bool | None = None
    rate_hz: int | None = None
    tool_use: str | None = None


class TextInput(_Value, frozen=True):
    """Words of a TEXT block. Some clients tell the role here and not when they open the block."""

    prompt: str
    content: str
    text: str
    role: str | None = None


class AudioInput(_Value, frozen=True):
    """A piece of the caller's audio, PCM16 little-endian mono."""

    prompt: str
    content: str
    pcm: bytes


class ToolResult(_Value, frozen=True):
    """The answer to a tool call, as JSON text of an object."""

    prompt: str
    content: str
    result: str


class ContentEnd(_Value, frozen=True):
    """Closes a block."""

    prompt: str
    content: str


class PromptEnd(_Value, frozen=True):
    """No more blocks will come."""

    prompt: str


class SessionEnd(_Value, frozen=True):
    """The last event; ``connectionEnd``, which one client sends in its place, reads as this too."""


class Unknown(_Value, frozen=True):
    """An event that this version does not know, or one of its members is not what it should be: ``why`` says which."""

    name: str
    why: str


InputEvent = (
    SessionStart
    | PromptStart
    | ContentStart
    | TextInput
    | AudioInput
    | ToolResult
    | ContentEnd
    | PromptEnd
    | SessionEnd
    | Unknown
)
