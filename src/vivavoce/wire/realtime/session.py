"""The session object: what a client may set, what follows from it, and how it is shown.

An update is a merge: what is absent stays, ``null`` is the default again. ``audio.input`` and ``audio.output`` merge
member by member; a format, a turn detection or a transcription is replaced as one, and filled up with the protocol's
defaults. One member that cannot be refuses the whole update.

What has no effect here and does no harm (``tracing``, ``truncation``, ``noise_reduction``, ``reasoning``, the names of
transcription models) is taken and shown again. What would change the talk and cannot be done is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from vivavoce.events import END_CALL
from vivavoce.wire.realtime import rules
from vivavoce.wire.realtime.complaint import Complaint, invalid, missing, unknown_parameter
from vivavoce.wire.realtime.configuration import (
    ClientTool,
    Configuration,
    Encoding,
    Interruption,
    Modality,
    Offer,
    TurnDetection,
)

STOCK_VOICES = frozenset("alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse".split())
"""OpenAI's own, which SDKs send by default. Nobody here has them: the agent speaks with its own voice."""

STOCK_MODELS = "gpt-"
"""How the names of OpenAI's own models begin. SDKs put one into every update even if the URL names another
(``DEFAULT_REALTIME_MODEL`` of the Agents SDK); it is no wish, and the session shows the agent that it has.
"""

SIZE_LIMIT_BYTES = 200_000
"""Of a session as JSON, instructions and tools: an event that shows it has to fit into 256 KiB, the longest message of
a browser's data channel.
"""

_SERVER_VAD = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
_SEMANTIC_VAD = {"type": "semantic_vad", "eagerness": "auto", "create_response": True, "interrupt_response": True}
_DEFAULTS: dict[str, Any] = {
    "output_modalities": ["audio"],
    "instructions": "",
    "tools": [],
    "tool_choice": "auto",
    "max_output_tokens": "inf",
    "tracing": None,
    "truncation": "auto",
    "prompt": None,
    "include": None,
}
_INPUT_DEFAULTS: dict[str, Any] = {
    "format": {"type": "audio/pcm", "rate": 24_000},
    "transcription": None,
    "noise_reduction": None,
    "turn_detection": _SERVER_VAD,
}
_OUTPUT_DEFAULTS: dict[str, Any] = {"format": {"type": "audio/pcm", "rate": 24_000}, "speed": 1.0}


def first_configuration(offer: Offer) -> Configuration:
    """What a session begins with if nobody asked for anything."""
    if offer.configuration is not None:
        return offer.configuration
    heard = {**_INPUT_DEFAULTS, "turn_detection": _full_detection(offer, _SERVER_VAD)}
    session = {
        "type": "realtime",
        "object": "realtime.session",
        "id": offer.session,
        "model": offer.model,
        "expires_at": offer.expires_at,
        **_DEFAULTS,
        "audio": {"input": heard, "output": {**_OUTPUT_DEFAULTS, "voice": offer.voice}},
    }
    return Configuration(session=session, interruption=offer.interruption)


def configured(offer: Offer, session: Mapping[str, Any]) -> Configuration:
    """What a session begins with if its client asked for ``session`` beforehand: with a client secret, or with the
    offer of a peer connection. Raises :class:`~vivavoce.wire.realtime.complaint.Complaint`.
    """
    return updated(offer, first_configuration(offer), session)


def updated(offer: Offer, now: Configuration, update: Mapping[str, Any]) -> Configuration:
    """The session after an update. Raises :class:`~vivavoce.wire.realtime.complaint.Complaint`."""
    rules.check_depth("session", update)
    _check_type(update)
    for member, value in update.items():
        _check(offer, member, value)
    audio = update.get("audio") or {}
    heard = _merged(now.session["audio"]["input"], audio.get("input") or {}, _INPUT_DEFAULTS)
    spoken = _merged(now.session["audio"]["output"], audio.get("output") or {}, _OUTPUT_DEFAULTS)
    voice = _voice(offer, now.voice, audio.get("output") or {})
    spoken["voice"] = voice or offer.voice
    spoken["format"] = rules.full_format(spoken["format"])
    heard["format"] = rules.full_format(heard["format"])
    heard["turn_detection"] = _full_detection(offer, heard["turn_detection"])
    session = {**_plain(now.session, update), "audio": {"input": heard, "output": spoken}}
    size = len(msgspec.json.encode(session))
    if size > SIZE_LIMIT_BYTES:
        message = f"A session of {size} bytes; at most {SIZE_LIMIT_BYTES} are taken."
        raise Complaint(message, code="string_above_max_length", param="session")
    return _derived(offer, now, update, session, voice)


_NOT_TAKEN = frozenset(("type", "object", "id", "model", "expires_at", "audio"))
"""Ours to say; a client may send them back as it got them."""


def _check_type(update: Mapping[str, Any]) -> None:
    kind = update.get("type")
    if kind == "transcription":
        raise invalid("session.type", "Transcription sessions are not offered here; use type 'realtime'.")
    beta = next((member for member in update if member in rules.BETA), None)
    if beta is not None:
        raise unknown_parameter(f"session.{beta}", rules.BETA[beta])
    if kind is None:
        raise missing("session.type")
    if kind != "realtime":
        raise invalid("session.type", f"Invalid value: {str(kind)[:100]!r}. Supported values are: 'realtime'.")


def _check(offer: Offer, member: str, value: Any) -> None:
    path = f"session.{member}"
    rule = rules.SESSION.get(member)
    if member == "model":
        if value not in (None, offer.model) and not str(value).startswith(STOCK_MODELS):
            raise invalid(path, f"The model of a session cannot be changed; this one is {offer.model!r}.")
    elif rule is None:
        raise unknown_parameter(path)
    elif value is not None:
        rule(path, value)
    if member == "tools":
        for index, tool in enumerate(value or ()):
            if tool["name"] in offer.server_tools or tool["name"] == END_CALL:
                raise invalid(
                    f"{path}[{index}].name",
                    f"{tool['name']!r} is a tool of the agent, which runs on the server; give yours another name.",
                )


def _merged(now: Mapping[str, Any], update: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """``null`` is a value where the default is one, or where it means something: no turn detection."""
    merged = {**now, **update}
    for member, default in defaults.items():
        if merged.get(member) is None and member != "turn_detection":
            merged[member] = default
        elif isinstance(merged[member], dict):
            merged[member] = {name: value for name, value in merged[member].items() if value is not None}
    return merged


def _plain(now: Mapping[str, Any], update: Mapping[str, Any]) -> dict[str, Any]:
    """The members that are replaced as they are; of those that have no default, ``null`` takes them away."""
    merged = {**now, **{member: value for member, value in update.items() if member not in _NOT_TAKEN}}
    plain = {member: _DEFAULTS.get(member) if value is None else value for member, value in merged.items()}
    plain["tools"] = [{"type": "function", **tool} for tool in plain["tools"] or ()]
    return {member: value for member, value in plain.items() if value is not None or member in _DEFAULTS}


def _voice(offer: Offer, now: str, output: Mapping[str, Any]) -> str:
    """The voice that was chosen; empty for the agent's own."""
    if "voice" not in output:
        return now
    asked = output["voice"]
    name = asked["id"] if isinstance(asked, dict) else asked
    if name in offer.voices:
        return "" if name == offer.voice else str(name)
    if name is None or name == offer.voice or name in STOCK_VOICES:
        return ""
    if offer.voices:
        known = ", ".join(repr(voice) for voice in offer.voices)
        raise invalid("session.audio.output.voice", f"Invalid value: {name[:100]!r}. Supported values are: {known}.")
    return str(name)


def _full_detection(offer: Offer, detection: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """An agent that nobody is to interrupt stays so, and the session says it."""
    if detection is None:
        return None
    defaults = _SEMANTIC_VAD if detection.get("type") == "semantic_vad" else _SERVER_VAD
    full = {**defaults, **{member: value for member, value in detection.items() if value is not None}}
    return {**full, "interrupt_response": full["interrupt_response"] and offer.interruption != "never"}


def _interruption(offer: Offer, detection: Mapping[str, Any] | None) -> Interruption:
    """The agent file's policy, unless the client wants none at all. A client that says itself when a turn begins and
    ends leaves nothing to be decided from the sound, which comes late and all at once.
    """
    if detection is None:
        return "never" if offer.interruption == "never" else "model"
    return offer.interruption if detection["interrupt_response"] else "never"


def _derived(
    offer: Offer, now: Configuration, update: Mapping[str, Any], session: dict[str, Any], voice: str
) -> Configuration:
    heard, spoken = session["audio"]["input"], session["audio"]["output"]
    detection = heard["turn_detection"]
    limit = session["max_output_tokens"]
    return Configuration(
        instructions=(update["instructions"] or "") if "instructions" in update else now.instructions,
        notes=now.notes,
        tools=tuple(_tool(tool) for tool in session["tools"]),
        tool_choice=_tool_choice(session["tool_choice"], session["tools"]),
        voice=voice,
        interruption=_interruption(offer, detection),
        endpoint_ms=_endpoint_ms(now, update, detection),
        max_output_tokens=0 if limit == "inf" else limit,
        modality=Modality(session["output_modalities"][0]),
        input=Encoding(heard["format"]["type"]),
        output=Encoding(spoken["format"]["type"]),
        transcription=heard["transcription"] is not None,
        turn_detection=TurnDetection.CLIENT if detection is None else TurnDetection(detection["type"]),
        idle_timeout_ms=(detection or {}).get("idle_timeout_ms") or 0,
        prefix_ms=(detection or {}).get("prefix_padding_ms") or 0,
        session=session,
    )


def _endpoint_ms(now: Configuration, update: Mapping[str, Any], detection: Mapping[str, Any] | None) -> int:
    """Only a silence that the client named is one to keep to: the default shown is the protocol's, not the model's."""
    heard = (update.get("audio") or {}).get("input") or {}
    if "turn_detection" not in heard:
        return now.endpoint_ms
    return int((heard["turn_detection"] or {}).get("silence_duration_ms") or 0) if detection is not None else 0


def _tool(tool: Mapping[str, Any]) -> ClientTool:
    parameters = tool.get("parameters") or {"type": "object", "properties": {}}
    return ClientTool(tool["name"], tool.get("description") or "", parameters)


def _tool_choice(choice: Any, tools: list[Mapping[str, Any]]) -> str:
    if not isinstance(choice, dict):
        return str(choice)
    name = str(choice["name"])
    if all(tool["name"] != name for tool in tools):
        raise invalid("session.tool_choice.name", f"There is no tool {name[:100]!r} in 'session.tools'.")
    return name
