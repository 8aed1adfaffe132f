"""What Nova Sonic says to its client: the events of the response stream as typed values, both ways.

:func:`decode` is total and tolerant as :func:`vivavoce.wire.nova_input.decode` is. :func:`encode` writes as the service
does: compact, members in alphabetical order, ``additionalModelFields`` a JSON text inside the JSON.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Mapping
from typing import Annotated, Any

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
    """``delta`` is what came on top since the last one, None where that is not told; ``total`` counts from the start of
    the connection.
    """

    delta: Tokens | None
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

    content: str = msgspec.field(name="contentId")
    text: str = msgspec.field(name="content")
    role: str = ""


class AudioOutput(_Value, frozen=True):
    """A piece of speech, PCM16 little-endian mono."""

    content: str = msgspec.field(name="contentId")
    pcm: bytes = msgspec.field(name="content")


class ToolUse(_Value, frozen=True):
    """The model calls a tool. ``arguments`` is JSON text of an object, however often it was encoded on the way. What
    is no object at all becomes the one member ``unreadable`` of one: the call still has to be answered, and a tool that
    refuses it tells the model why.
    """

    content: str
    tool_use: str
    name: str
    arguments: str


class ContentEnd(_Value, frozen=True):
    """Closes a block; ``stop_reason`` is PARTIAL_TURN, END_TURN, INTERRUPTED or TOOL_USE."""

    content: str = msgspec.field(name="contentId")
    type: str = ""
    stop_reason: str = msgspec.field(name="stopReason", default="")


class CompletionEnd(_Value, frozen=True):
    """The last event, after the client closed its prompt or its session."""

    stop_reason: str = msgspec.field(name="stopReason", default="END_TURN")


class Unknown(_Value, frozen=True):
    """An event that this version does not know, or one of its members is not what it should be: ``why`` says which.
    ``name`` is empty where not even that could be read.
    """

    name: str
    why: str


INTERRUPTED_MARK = '{ "interrupted" : true }'
"""Exactly this string, spaces included, as the text of a FINAL block."""

OutputEvent = (
    Usage | CompletionStart | ContentStart | TextOutput | AudioOutput | ToolUse | ContentEnd | CompletionEnd | Unknown
)


class AudioOutputEncoder:
    """Encodes the audio of one block: all but the samples is made once."""

    __slots__ = ("_prefix", "_suffix")

    def __init__(self, ids: Ids, content: str) -> None:
        before = msgspec.json.encode({"completionId": ids.completion})
        after = msgspec.json.encode(
            {"contentId": content, "promptName": ids.prompt, "role": "ASSISTANT", "sessionId": ids.session}
        )
        self._prefix = b'{"event":{"audioOutput":' + before[:-1] + b',"content":"'
        self._suffix = b'",' + after[1:] + b"}}"

    def encode(self, pcm: bytes) -> bytes:
        return b"%b%b%b" % (self._prefix, binascii.b2a_base64(pcm, newline=False), self._suffix)


def encode(event: OutputEvent, ids: Ids = Ids()) -> bytes:  # noqa: B008  # frozen
    """One event as the service writes it. For audio take :class:`AudioOutputEncoder`."""
    if isinstance(event, Unknown):
        return msgspec.json.encode({"event": {event.name: {}}})
    common = {"completionId": ids.completion, "promptName": ids.prompt, "sessionId": ids.session}
    name, write = _WRITERS[type(event)]
    return msgspec.json.encode({"event": {name: common | write(event)}}, order="sorted")


def decode(raw: bytes) -> OutputEvent:
    """Never raises."""
    try:
        event = _DECODER.decode(raw).event
    except msgspec.ValidationError as error:
        return Unknown(name=_name_of(raw), why=str(error))
    except (msgspec.DecodeError, UnicodeError) as error:
        return Unknown(name="", why=str(error))
    except RecursionError:
        return Unknown(name="", why="nested too deeply")
    # Audio first: it is nearly all there is.
    if (audio := event.audioOutput) is not None and event == _Event(audioOutput=audio):
        return audio if len(audio.pcm) % 2 == 0 else Unknown(name="audioOutput", why="half a sample")
    named = [(name, value) for name in _Event.__struct_fields__ if (value := getattr(event, name)) is not None]
    if len(named) != 1:
        return Unknown(name=_name_of(raw), why=f"{len(named)} events that are known here in one")
    name, value = named[0]
    try:
        read: OutputEvent = _READERS[name](value) if name in _READERS else value
    except RecursionError:
        return Unknown(name=name, why="nested too deeply")
    return read


# -- the shapes on the wire that are not those of the values ---------------------------------------------------------

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class _Shape(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    pass


class _TokenShape(_Shape, frozen=True):
    speech_tokens: _Count = 0
    text_tokens: _Count = 0


class _Direction(_Shape, frozen=True):
    input: _TokenShape | None = None
    output: _TokenShape | None = None


class _Details(_Shape, frozen=True):
    delta: _Direction | None = None
    total: _Direction | None = None


class _UsageEvent(_Shape, frozen=True):
    details: _Details | None = None


class _AudioShape(_Shape, frozen=True):
    sample_rate_hertz: _Count | None = None


class _ContentStart(_Shape, frozen=True):
    content_id: str
    type: str
    role: str | None = None
    additional_model_fields: Any = None
    audio_output_configuration: _AudioShape | None = None


class _ToolUse(_Shape, frozen=True):
    content_id: str
    tool_use_id: str
    tool_name: str
    content: Any = None


class _Event(msgspec.Struct, frozen=True, kw_only=True):
    usageEvent: _UsageEvent | None = None  # noqa: N815  # the wire's names, so that what is wrong is named by them
    completionStart: CompletionStart | None = None  # noqa: N815
    contentStart: _ContentStart | None = None  # noqa: N815
    textOutput: TextOutput | None = None  # noqa: N815
    audioOutput: AudioOutput | None = None  # noqa: N815
    toolUse: _ToolUse | None = None  # noqa: N815
    contentEnd: ContentEnd | None = None  # noqa: N815
    completionEnd: CompletionEnd | None = None  # noqa: N815


class _Envelope(msgspec.Struct, frozen=True):
    event: _Event


# Typed decoding makes no tree: the samples of an audioOutput are the only thing of size that is made of it.
_DECODER = msgspec.json.Decoder(_Envelope)


# -- reading -----------------------------------------------------------------------------------------------------------


def _read_usage(shape: _UsageEvent) -> Usage:
    details = shape.details or _Details()
    delta = None if details.delta is None else _read_tokens(details.delta)
    return Usage(delta=delta, total=_read_tokens(details.total or _Direction()))


def _read_tokens(shape: _Direction) -> Tokens:
    into, out = shape.input or _TokenShape(), shape.output or _TokenShape()
    return Tokens(
        speech_in=into.speech_tokens,
        speech_out=out.speech_tokens,
        text_in=into.text_tokens,
        text_out=out.text_tokens,
    )


def _read_content_start(shape: _ContentStart) -> ContentStart:
    fields = _object(shape.additional_model_fields) or {}
    stage = fields.get("generationStage")
    audio = shape.audio_output_configuration
    return ContentStart(
        content=shape.content_id,
        type=shape.type,
        role=shape.role or "",
        stage=stage if isinstance(stage, str) else None,
        rate_hz=None if audio is None else audio.sample_rate_hertz,
    )


def _read_tool_use(shape: _ToolUse) -> ToolUse:
    content = shape.content
    arguments = _object(content)
    if isinstance(content, str) and content.lstrip().startswith("{") and arguments is not None:
        text = content  # as the model wrote it
    elif arguments is not None:
        text = msgspec.json.encode(arguments).decode()
    else:
        text = msgspec.json.encode({"unreadable": content} if content else {}).decode()
    return ToolUse(content=shape.content_id, tool_use=shape.tool_use_id, name=shape.tool_name, arguments=text)


def _object(content: Any) -> dict[str, Any] | None:
    """The object in it: JSON text of one, or JSON text of such text, as the service sometimes has it."""
    for _ in range(4):
        if isinstance(content, dict):
            return content
        if not isinstance(content, str):
            return None
        try:
            content = msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
    return None


_READERS: Mapping[str, Callable[[Any], OutputEvent]] = {
    "usageEvent": _read_usage,
    "contentStart": _read_content_start,
    "toolUse": _read_tool_use,
}


def _name_of(raw: bytes) -> str:
    """The name of the first event in it, known or not."""
    try:
        event = msgspec.json.decode(raw, type=dict[str, Any]).get("event")
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return ""
    return next(iter(event), "") if isinstance(event, dict) else ""


# -- writing -----------------------------------------------------------------------------------------------------------


def _write_usage(event: Usage) -> dict[str, Any]:
    total = event.total
    details = {"total": _write_tokens(total)}
    if event.delta is not None:
        details["delta"] = _write_tokens(event.delta)
    into, out = total.speech_in + total.text_in, total.speech_out + total.text_out
    return {
        "details": details,
        "totalInputTokens": into,
        "totalOutputTokens": out,
        "totalTokens": into + out,
    }


def _write_tokens(tokens: Tokens) -> dict[str, Any]:
    return {
        "input": {"speechTokens": tokens.speech_in, "textTokens": tokens.text_in},
        "output": {"speechTokens": tokens.speech_out, "textTokens": tokens.text_out},
    }


def _write_content_start(event: ContentStart) -> dict[str, Any]:
    written: dict[str, Any] = {"contentId": event.content, "role": event.role, "type": event.type}
    if event.stage is not None:
        fields = msgspec.json.encode({"generationStage": event.stage}).decode()
        written["additionalModelFields"] = fields
    if event.type == "TEXT":
        written["textOutputConfiguration"] = {"mediaType": "text/plain"}
    if event.type == "TOOL":
        written["toolUseOutputConfiguration"] = {"mediaType": "application/json"}
    if event.rate_hz is not None:
        written["audioOutputConfiguration"] = {
            "channelCount": 1,
            "encoding": "base64",
            "mediaType": "audio/lpcm",
            "sampleRateHertz": event.rate_hz,
            "sampleSizeBits": 16,
        }
    return written


def _write_tool_use(event: ToolUse) -> dict[str, Any]:
    return {
        "content": event.arguments,
        "contentId": event.content,
        "role": "TOOL",
        "toolName": event.name,
        "toolUseId": event.tool_use,
    }


_WRITERS: Mapping[type, tuple[str, Callable[[Any], dict[str, Any]]]] = {
    Usage: ("usageEvent", _write_usage),
    CompletionStart: ("completionStart", lambda _: {}),
    ContentStart: ("contentStart", _write_content_start),
    TextOutput: ("textOutput", lambda e: {"content": e.text, "contentId": e.content, "role": e.role}),
    AudioOutput: ("audioOutput", lambda e: {"content": e.pcm, "contentId": e.content, "role": "ASSISTANT"}),
    ToolUse: ("toolUse", _write_tool_use),
    ContentEnd: ("contentEnd", lambda e: {"contentId": e.content, "stopReason": e.stop_reason, "type": e.type}),
    CompletionEnd: ("completionEnd", lambda e: {"stopReason": e.stop_reason}),
}
