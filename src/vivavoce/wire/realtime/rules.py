"""What each member of a session object may be, as a table of checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from vivavoce.wire.realtime.complaint import invalid, missing, unknown_parameter, wrong_type

Rule = Callable[[str, Any], None]
"""Is given the path of a value and the value, and raises what is wrong with it."""

TOOLS_LIMIT = 128
DEPTH_LIMIT = 64

BETA = {
    # From the documents of both; OpenAI switched the beta off in 2026.
    "modalities": "It is 'output_modalities' now.",
    "voice": "It is 'audio.output.voice' now.",
    "speed": "It is 'audio.output.speed' now.",
    "input_audio_format": 'It is \'audio.input.format\' now: {"type": "audio/pcm", "rate": 24000}.',
    "output_audio_format": 'It is \'audio.output.format\' now: {"type": "audio/pcm", "rate": 24000}.',
    "input_audio_transcription": "It is 'audio.input.transcription' now.",
    "input_audio_noise_reduction": "It is 'audio.input.noise_reduction' now.",
    "turn_detection": "It is 'audio.input.turn_detection' now.",
    "max_response_output_tokens": "It is 'max_output_tokens' now.",
    "temperature": "There is no such thing any more.",
}


def check_depth(path: str, value: Any) -> None:
    """Deeper than this is no schema, and could not be written again where there is less of a stack."""
    level = [value]
    for _ in range(DEPTH_LIMIT):
        level = [inner for outer in level for inner in _inner(outer)]
        if not level:
            return
    raise invalid(path, f"'{path}' is nested deeper than {DEPTH_LIMIT} levels.")


def _inner(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _text(path: str, value: Any) -> None:
    if not isinstance(value, str):
        raise wrong_type(path, "a string")


def _flag(path: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise wrong_type(path, "a boolean")


def _free(path: str, value: Any) -> None:
    """Has no effect here."""


def _number(low: float, high: float) -> Rule:
    def check(path: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong_type(path, "a number")
        if not low <= value <= high:
            raise invalid(path, f"Invalid value: {value}. It must be from {low:g} to {high:g}.")

    return check


def _whole(low: int, high: int) -> Rule:
    def check(path: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong_type(path, "an integer")
        _number(low, high)(path, value)

    return check


def _one_of(*values: str) -> Rule:
    def check(path: str, value: Any) -> None:
        if value not in values:
            known = ", ".join(repr(each) for each in values)
            raise invalid(path, f"Invalid value: {str(value)[:100]!r}. Supported values are: {known}.")

    return check


def _only(wanted: Any, why: str) -> Rule:
    def check(path: str, value: Any) -> None:
        if value != wanted:
            raise invalid(path, f"{why} Supported values are: {wanted}.")

    return check


def _object(rules: Mapping[str, Rule], *required: str) -> Rule:
    def check(path: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise wrong_type(path, "an object")
        for name in required:
            if value.get(name) is None:
                raise missing(f"{path}.{name}")
        for name, member in value.items():
            rule = rules.get(name)
            if rule is None:
                raise unknown_parameter(f"{path}.{name}")
            if member is not None:
                rule(f"{path}.{name}", member)

    return check


def _format(path: str, value: Any) -> None:
    """SDKs leave the rate out; another one than the protocol's there cannot be."""
    if isinstance(value, str):
        raise invalid(
            path, f'A format is an object now, such as {{"type": "audio/pcm"}}; {value[:20]!r} is of the beta.'
        )
    _object({"type": _one_of("audio/pcm", "audio/pcmu", "audio/pcma"), "rate": _whole(1, 1_000_000)}, "type")(
        path, value
    )
    rate = value.get("rate")
    wanted = 24_000 if value["type"] == "audio/pcm" else 8_000
    if rate not in (None, wanted):
        raise invalid(f"{path}.rate", f"Invalid value: {rate}. Supported values are: {wanted}.")


def full_format(value: Mapping[str, Any]) -> dict[str, Any]:
    """A format as it is shown: only PCM has a rate there."""
    return {"type": value["type"], "rate": 24_000} if value["type"] == "audio/pcm" else {"type": value["type"]}


_ANSWERS = _only(True, "Replies that wait for 'response.create' are had with turn_detection null.")
_SERVER = _object(
    {
        "type": _text,
        "threshold": _number(0, 1),
        "prefix_padding_ms": _whole(0, 60_000),
        "silence_duration_ms": _whole(0, 60_000),
        "idle_timeout_ms": _whole(5_000, 30_000),
        "create_response": _ANSWERS,
        "interrupt_response": _flag,
    }
)
_SEMANTIC = _object(
    {
        "type": _text,
        "eagerness": _one_of("low", "medium", "high", "auto"),
        "create_response": _ANSWERS,
        "interrupt_response": _flag,
    }
)


def _detection(path: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise wrong_type(path, "an object or null")
    kind = value.get("type")
    if kind is None:
        raise missing(f"{path}.type")
    _one_of("server_vad", "semantic_vad")(f"{path}.type", kind)
    (_SERVER if kind == "server_vad" else _SEMANTIC)(path, value)


def _voice(path: str, value: Any) -> None:
    if isinstance(value, dict):
        _object({"id": _text}, "id")(path, value)
    else:
        _text(path, value)


def _modalities(path: str, value: Any) -> None:
    if value not in (["audio"], ["text"]):
        raise invalid(path, f"Invalid value: {str(value)[:100]}. Supported values are: ['audio'] and ['text'].")


def _tools(path: str, value: Any) -> None:
    if not isinstance(value, list):
        raise wrong_type(path, "an array")
    if len(value) > TOOLS_LIMIT:
        raise invalid(path, f"{len(value)} tools, of at most {TOOLS_LIMIT}.")
    names: set[str] = set()
    for index, tool in enumerate(value):
        _tool(f"{path}[{index}]", tool)
        if tool["name"] in names:
            raise invalid(f"{path}[{index}].name", f"There are two tools named {tool['name']!r}.")
        names.add(tool["name"])


_FUNCTION = {"type": _text, "name": _text, "description": _text, "parameters": _free, "strict": _flag}


def _tool(path: str, tool: Any) -> None:
    if not isinstance(tool, dict):
        raise wrong_type(path, "an object")
    if tool.get("type", "function") == "mcp":
        raise invalid(
            f"{path}.type", "MCP servers cannot be used here; declare functions, and call the server yourself."
        )
    _only("function", "Tools are functions.")(f"{path}.type", tool.get("type", "function"))
    if isinstance(tool.get("function"), dict):
        raise unknown_parameter(f"{path}.function", "Its members belong into the tool itself.")
    _object({**_FUNCTION, "parameters": _schema}, "name")(path, tool)
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", tool["name"]):
        raise invalid(f"{path}.name", "A tool's name is made of letters, digits, '_' and '-', at most 64.")


def _schema(path: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise wrong_type(path, "an object")


def _tool_choice(path: str, value: Any) -> None:
    if isinstance(value, dict):
        if value.get("type") != "function":
            raise invalid(f"{path}.type", "Only a function can be chosen.")
        _object({"type": _text, "name": _text}, "name")(path, value)
    else:
        _one_of("auto", "none", "required")(path, value)


def _output_tokens(path: str, value: Any) -> None:
    if value != "inf":
        _whole(1, 1_000_000)(path, value)


def _prompt(path: str, _: Any) -> None:
    raise invalid(path, "There are no stored prompts here; send 'instructions'.")


def _include(path: str, value: Any) -> None:
    if not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
        raise wrong_type(path, "an array of strings")


_TRANSCRIPTION = _object(
    {"model": _text, "language": _text, "prompt": _text, "delay": _text, "keywords": _free, "languages": _free}
)

SESSION: dict[str, Rule] = {
    "type": _text,
    "object": _free,
    "id": _free,
    "expires_at": _free,
    "model": _text,
    "output_modalities": _modalities,
    "instructions": _text,
    "tools": _tools,
    "tool_choice": _tool_choice,
    "max_output_tokens": _output_tokens,
    "tracing": _free,
    "truncation": _free,
    "prompt": _prompt,
    "include": _include,
    "reasoning": _free,
    "parallel_tool_calls": _flag,
    "audio": _object(
        {
            "input": _object(
                {
                    "format": _format,
                    "transcription": _TRANSCRIPTION,
                    "noise_reduction": _object({"type": _one_of("near_field", "far_field"), "strength": _number(0, 1)}),
                    "turn_detection": _detection,
                }
            ),
            "output": _object({"format": _format, "voice": _voice, "speed": _only(1, "The pace cannot be changed.")}),
        }
    ),
}
