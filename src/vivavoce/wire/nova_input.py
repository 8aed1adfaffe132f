"""What a client says to Nova Sonic: the events of the request stream as typed values, both ways.

:func:`decode` is total and tolerant: any bytes become an event. What cannot be used is :class:`Unknown` and says why,
without repeating what was said. Members may come in any order, with any whitespace, and with others beside them; what
clients are seen to leave out may be missing. Where a strict server would object to a form that reads all the same, the
value says which form it was.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec


class _Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    pass


class SessionStart(_Value, frozen=True):
    """The first event. ``endpointing_sensitivity`` is HIGH, MEDIUM or LOW; None leaves the member out. ``flat`` puts it
    beside the inference configuration, as Nova Sonic v1 had it, and not into one of its own.
    """

    max_tokens: int | None = None
    top_p: float | None = None
    temperature: float | None = None
    endpointing_sensitivity: str | None = None
    flat: bool = False


class ToolSpec(_Value, frozen=True):
    """``input_schema`` is JSON Schema as JSON text: the service wants a string inside its JSON. ``as_object`` says that
    it stands there as an object instead.
    """

    name: str
    description: str
    input_schema: str
    as_object: bool = False


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

    prompt: str = msgspec.field(name="promptName")
    content: str = msgspec.field(name="contentName")
    text: str = msgspec.field(name="content")
    role: str | None = None


class AudioInput(_Value, frozen=True):
    """A piece of the caller's audio, PCM16 little-endian mono."""

    prompt: str = msgspec.field(name="promptName")
    content: str = msgspec.field(name="contentName")
    pcm: bytes = msgspec.field(name="content")


class ToolResult(_Value, frozen=True):
    """The answer to a tool call, as JSON text of an object."""

    prompt: str = msgspec.field(name="promptName")
    content: str = msgspec.field(name="contentName")
    result: str = msgspec.field(name="content")


class ContentEnd(_Value, frozen=True):
    """Closes a block."""

    prompt: str = msgspec.field(name="promptName")
    content: str = msgspec.field(name="contentName")


class PromptEnd(_Value, frozen=True):
    """No more blocks will come."""

    prompt: str = msgspec.field(name="promptName")


class SessionEnd(_Value, frozen=True):
    """The last event; ``connectionEnd``, which one client sends in its place, reads as this too."""


class Unknown(_Value, frozen=True):
    """An event that this version does not know, or one of its members is not what it should be: ``why`` says which.
    ``name`` is empty where not even that could be read.
    """

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


class AudioInputEncoder:
    """Encodes the audio of one block: all but the samples is made once."""

    __slots__ = ("_prefix",)

    def __init__(self, prompt: str, content: str) -> None:
        names = msgspec.json.encode({"promptName": prompt, "contentName": content})
        self._prefix = b'{"event":{"audioInput":' + names[:-1] + b',"content":"'

    def encode(self, pcm: bytes) -> bytes:
        return b"%b%b%b" % (self._prefix, binascii.b2a_base64(pcm, newline=False), b'"}}}')


def encode(event: InputEvent) -> bytes:
    """One event as compact JSON, members in the order of the service's own documents. For audio that keeps coming take
    :class:`AudioInputEncoder`.
    """
    if isinstance(event, Unknown):
        return msgspec.json.encode({"event": {event.name: {}}})
    write = _WRITERS.get(type(event))
    name = _NAMES[type(event)]
    return msgspec.json.encode({"event": {name: event if write is None else write(event)}})


def decode(raw: bytes) -> InputEvent:
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
    if (audio := event.audioInput) is not None and event == _Event(audioInput=audio):
        return audio if len(audio.pcm) % 2 == 0 else Unknown(name="audioInput", why="half a sample")
    named = [(name, value) for name in _Event.__struct_fields__ if (value := getattr(event, name)) is not None]
    if len(named) != 1:
        return Unknown(name=_name_of(raw), why=f"{len(named)} events that are known here in one")
    name, value = named[0]
    try:
        read: InputEvent = _READERS[name](value) if name in _READERS else value
    except ValueError as error:
        return Unknown(name=name, why=str(error))
    except RecursionError:
        return Unknown(name=name, why="nested too deeply")
    return read


# -- the shapes on the wire that are not those of the values ---------------------------------------------------------

_Whole = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]  # what a JSON number can hold everywhere


class _Shape(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    pass


class _Inference(_Shape, frozen=True):
    max_tokens: _Whole | None = None
    top_p: float | None = None
    temperature: float | None = None


class _TurnDetection(_Shape, frozen=True):
    endpointing_sensitivity: str | None = None


class _SessionStart(_Shape, frozen=True):
    inference_configuration: _Inference | None = None
    turn_detection_configuration: _TurnDetection | None = None
    endpointing_sensitivity: str | None = None


class _AudioShape(_Shape, frozen=True):
    sample_rate_hertz: _Whole | None = None
    sample_size_bits: _Whole = 16
    channel_count: _Whole = 1
    encoding: str = "base64"
    voice_id: str | None = None


class _Schema(_Shape, frozen=True):
    json: str | dict[str, Any]


class _Spec(_Shape, frozen=True):
    name: str
    input_schema: _Schema
    description: str | None = None


class _Tool(_Shape, frozen=True):
    tool_spec: _Spec


class _NamedTool(_Shape, frozen=True):
    name: str


class _ToolChoice(_Shape, frozen=True):
    auto: dict[str, Any] | None = None
    any: dict[str, Any] | None = None
    tool: _NamedTool | None = None


class _ToolConfiguration(_Shape, frozen=True):
    tools: tuple[_Tool, ...] | None = None
    tool_choice: _ToolChoice | None = None


class _PromptStart(_Shape, frozen=True):
    prompt_name: str
    audio_output_configuration: _AudioShape | None = None
    tool_configuration: _ToolConfiguration | None = None


class _ToolResultShape(_Shape, frozen=True):
    tool_use_id: str


class _ContentStart(_Shape, frozen=True):
    prompt_name: str
    content_name: str
    type: str
    role: str | None = None
    interactive: bool | None = None
    audio_input_configuration: _AudioShape | None = None
    tool_result_input_configuration: _ToolResultShape | None = None


class _Event(msgspec.Struct, frozen=True, kw_only=True):
    sessionStart: _SessionStart | None = None  # noqa: N815  # the wire's names, so that what is wrong is named by them
    promptStart: _PromptStart | None = None  # noqa: N815
    contentStart: _ContentStart | None = None  # noqa: N815
    textInput: TextInput | None = None  # noqa: N815
    audioInput: AudioInput | None = None  # noqa: N815
    toolResult: ToolResult | None = None  # noqa: N815
    contentEnd: ContentEnd | None = None  # noqa: N815
    promptEnd: PromptEnd | None = None  # noqa: N815
    sessionEnd: SessionEnd | None = None  # noqa: N815
    connectionEnd: SessionEnd | None = None  # noqa: N815


class _Envelope(msgspec.Struct, frozen=True):
    event: _Event


# Typed decoding makes no tree: the samples of an audioInput are the only thing of size that is made of it.
_DECODER = msgspec.json.Decoder(_Envelope)


# -- reading -----------------------------------------------------------------------------------------------------------


def _read_session_start(shape: _SessionStart) -> SessionStart:
    inference = shape.inference_configuration or _Inference()
    nested = shape.turn_detection_configuration
    return SessionStart(
        max_tokens=inference.max_tokens,
        top_p=inference.top_p,
        temperature=inference.temperature,
        endpointing_sensitivity=(nested and nested.endpointing_sensitivity) or shape.endpointing_sensitivity,
        flat=shape.endpointing_sensitivity is not None,
    )


def _read_prompt_start(shape: _PromptStart) -> PromptStart:
    audio = _checked(shape.audio_output_configuration) or _AudioShape()
    tools = shape.tool_configuration
    return PromptStart(
        prompt=shape.prompt_name,
        voice=audio.voice_id,
        output_rate_hz=audio.sample_rate_hertz,
        tools=None if tools is None else tuple(_read_tool(tool.tool_spec) for tool in tools.tools or ()),
        tool_choice=None if tools is None else _read_choice(tools.tool_choice),
    )


def _read_tool(spec: _Spec) -> ToolSpec:
    schema = spec.input_schema.json
    return ToolSpec(
        name=spec.name,
        description=spec.description or "",
        input_schema=schema if isinstance(schema, str) else msgspec.json.encode(schema).decode(),
        as_object=not isinstance(schema, str),
    )


def _read_choice(choice: _ToolChoice | None) -> str | None:
    if choice is None:
        return None
    if choice.tool is not None:
        return f"tool:{choice.tool.name}"
    if (choice.auto is None) == (choice.any is None):
        raise ValueError("toolChoice is none of auto, any and tool")
    return "auto" if choice.auto is not None else "any"


def _read_content_start(shape: _ContentStart) -> ContentStart:
    audio = _checked(shape.audio_input_configuration)
    tool = shape.tool_result_input_configuration
    return ContentStart(
        prompt=shape.prompt_name,
        content=shape.content_name,
        type=shape.type,
        role=shape.role,
        interactive=shape.interactive,
        rate_hz=None if audio is None else audio.sample_rate_hertz,
        tool_use=None if tool is None else tool.tool_use_id,
    )


def _checked(audio: _AudioShape | None) -> _AudioShape | None:
    if audio is not None and (audio.sample_size_bits, audio.channel_count, audio.encoding) != (16, 1, "base64"):
        raise ValueError("audio is not 16-bit mono in base64")
    return audio


_READERS: Mapping[str, Callable[[Any], InputEvent]] = {
    "sessionStart": _read_session_start,
    "promptStart": _read_prompt_start,
    "contentStart": _read_content_start,
}


def _name_of(raw: bytes) -> str:
    """The name of the first event in it, known or not."""
    try:
        event = msgspec.json.decode(raw, type=dict[str, Any]).get("event")
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return ""
    return next(iter(event), "") if isinstance(event, dict) else ""


# -- writing -----------------------------------------------------------------------------------------------------------

_TEXT = {"mediaType": "text/plain"}


def _write_session_start(event: SessionStart) -> dict[str, Any]:
    inference = {"maxTokens": event.max_tokens, "topP": event.top_p, "temperature": event.temperature}
    written: dict[str, Any] = {"inferenceConfiguration": {k: v for k, v in inference.items() if v is not None}}
    if event.endpointing_sensitivity is not None:
        sensitivity = {"endpointingSensitivity": event.endpointing_sensitivity}
        written |= sensitivity if event.flat else {"turnDetectionConfiguration": sensitivity}
    return written


def _write_prompt_start(event: PromptStart) -> dict[str, Any]:
    audio = _write_audio(event.output_rate_hz, voice=event.voice)
    written = {"promptName": event.prompt, "textOutputConfiguration": _TEXT, "audioOutputConfiguration": audio}
    if event.tools is not None:
        tools: dict[str, Any] = {"tools": [{"toolSpec": _write_tool(tool)} for tool in event.tools]}
        if event.tool_choice is not None:
            kind, _, name = event.tool_choice.partition(":")
            tools["toolChoice"] = {kind: {"name": name} if kind == "tool" else {}}
        written["toolUseOutputConfiguration"] = {"mediaType": "application/json"}
        written["toolConfiguration"] = tools
    return written


def _write_tool(tool: ToolSpec) -> dict[str, Any]:
    schema = msgspec.Raw(tool.input_schema.encode()) if tool.as_object else tool.input_schema
    return {"name": tool.name, "description": tool.description, "inputSchema": {"json": schema}}


def _write_audio(rate_hz: int | None, voice: str | None = None) -> dict[str, Any]:
    members = {
        "mediaType": "audio/lpcm",
        "sampleRateHertz": rate_hz,
        "sampleSizeBits": 16,
        "channelCount": 1,
        "voiceId": voice,
        "encoding": "base64",
        "audioType": "SPEECH",
    }
    return {name: value for name, value in members.items() if value is not None}


def _write_content_start(event: ContentStart) -> dict[str, Any]:
    members: dict[str, Any] = {
        "promptName": event.prompt,
        "contentName": event.content,
        "type": event.type,
        "interactive": event.interactive,
        "role": event.role,
    }
    if event.type == "TEXT":
        members["textInputConfiguration"] = _TEXT
    if event.type == "AUDIO" or event.rate_hz is not None:
        members["audioInputConfiguration"] = _write_audio(event.rate_hz)
    if event.tool_use is not None:
        tool = {"toolUseId": event.tool_use, "type": "TEXT", "textInputConfiguration": _TEXT}
        members["toolResultInputConfiguration"] = tool
    return {name: value for name, value in members.items() if value is not None}


_NAMES: Mapping[type, str] = {
    SessionStart: "sessionStart",
    PromptStart: "promptStart",
    ContentStart: "contentStart",
    TextInput: "textInput",
    AudioInput: "audioInput",
    ToolResult: "toolResult",
    ContentEnd: "contentEnd",
    PromptEnd: "promptEnd",
    SessionEnd: "sessionEnd",
}
_WRITERS: Mapping[type, Callable[[Any], dict[str, Any]]] = {
    SessionStart: _write_session_start,
    PromptStart: _write_prompt_start,
    ContentStart: _write_content_start,
}
