"""What ``response.create`` asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from vivavoce.wire.realtime import rules
from vivavoce.wire.realtime.complaint import invalid, missing, unknown_parameter, wrong_type
from vivavoce.wire.realtime.configuration import Configuration, Modality, Offer
from vivavoce.wire.realtime.session import STOCK_VOICES

METADATA_LIMIT = 16
METADATA_VALUE_LIMIT = 512


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A reply that a client waits for. ``input`` None means the conversation."""

    metadata: Mapping[str, str] | None = None
    instructions: str = ""
    modality: Modality = Modality.AUDIO
    aside: bool = False
    input: tuple[Mapping[str, Any], ...] | None = None


_FIELDS = frozenset(
    "audio conversation input instructions max_output_tokens metadata output_modalities parallel_tool_calls prompt "
    "reasoning tool_choice tools".split()
)


def read_request(response: Mapping[str, Any] | None, offer: Offer, session: Configuration) -> Request:
    """Raises :class:`~vivavoce.wire.realtime.complaint.Complaint`."""
    members = {name: value for name, value in (response or {}).items() if value is not None}
    for name, value in members.items():
        if name not in _FIELDS:
            raise unknown_parameter(f"response.{name}", rules.BETA.get(name, ""))
        if name in _LIKE_SESSION:
            rules.SESSION[name](f"response.{name}", value)
    _check_audio(members.get("audio", {}), offer, session)
    limit = members.get("max_output_tokens")
    if limit is not None and limit != session.session["max_output_tokens"]:
        raise invalid("response.max_output_tokens", "The limit is the session's; set it with 'session.update'.")
    aside = _is_aside(members.get("conversation", "auto"))
    asked = members.get("input")
    if asked is not None and not aside:
        raise invalid("response.input", 'A reply to other input needs "conversation": "none".')
    return Request(
        metadata=_metadata(members.get("metadata")),
        instructions=_instructions(members, session, aside=aside),
        modality=Modality(members["output_modalities"][0]) if "output_modalities" in members else session.modality,
        aside=aside,
        input=_input(asked),
    )


_LIKE_SESSION = frozenset(
    "instructions output_modalities parallel_tool_calls prompt tool_choice tools max_output_tokens".split()
)


def _is_aside(conversation: Any) -> bool:
    if conversation not in ("auto", "none"):
        raise invalid("response.conversation", "Supported values are: 'auto', 'none'.")
    return bool(conversation == "none")


def _metadata(value: Any) -> Mapping[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise wrong_type("response.metadata", "an object of strings")
    if len(value) > METADATA_LIMIT:
        raise invalid("response.metadata", f"{len(value)} keys, of at most {METADATA_LIMIT}.")
    if any(len(text) > METADATA_VALUE_LIMIT for pair in value.items() for text in pair):
        raise invalid("response.metadata", f"Keys and values have at most {METADATA_VALUE_LIMIT} characters.")
    return value


def _input(value: Any) -> tuple[Mapping[str, Any], ...] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise wrong_type("response.input", "an array")
    for index, item in enumerate(value):
        if not isinstance(item, dict):
            raise wrong_type(f"response.input[{index}]", "an object")
        if item.get("type") == "item_reference" and not isinstance(item.get("id"), str):
            raise missing(f"response.input[{index}].id")
    return tuple(value)


def _instructions(members: Mapping[str, Any], session: Configuration, *, aside: bool) -> str:
    """A model in talk cannot be given other tools for one reply, but it can be told."""
    told = [str(members.get("instructions", ""))]
    if aside:
        if members.get("tools") or members.get("tool_choice", "auto") not in ("auto", "none"):
            raise invalid("response.tools", "An out-of-band response calls no tools.")
    else:
        told += _about_tools(members, session)
    return "\n\n".join(each for each in told if each)


def _about_tools(members: Mapping[str, Any], session: Configuration) -> list[str]:
    known = [tool.name for tool in session.tools]
    offered = [tool["name"] for tool in members.get("tools", ())] if "tools" in members else known
    for index, name in enumerate(offered):
        if name not in known:
            message = f"There is no tool {name!r} in the session; declare it with 'session.update'."
            raise invalid(f"response.tools[{index}].name", message)
    choice = members.get("tool_choice", session.tool_choice)
    if isinstance(choice, dict):
        choice = choice["name"]
        if choice not in known:
            raise invalid("response.tool_choice.name", f"There is no tool {choice[:100]!r} in the session.")
    if choice == "none" or (known and not offered):
        return ["Call no tool for this reply."] if session.tool_choice != "none" else []
    told = (
        [f"Call no other tools than these for this reply: {', '.join(offered)}."] if set(offered) != set(known) else []
    )
    if choice not in ("auto", session.tool_choice):
        told.append(f"Call {'a tool' if choice == 'required' else f'the tool {choice}'} for this reply.")
    return told


def _check_audio(audio: Any, offer: Offer, session: Configuration) -> None:
    """One reply cannot have another voice or format than the session's."""
    output = audio.get("output") if isinstance(audio, dict) else audio
    if output is None:
        return
    if not isinstance(audio, dict) or not isinstance(output, dict):
        raise wrong_type("response.audio", "an object")
    voice = output.get("voice")
    name = voice.get("id") if isinstance(voice, dict) else voice
    known = {session.voice or offer.voice, None, *(() if session.voice else STOCK_VOICES)}
    if not isinstance(name, str | None) or name not in known:
        raise invalid("response.audio.output.voice", "The voice is the session's; set it with 'session.update'.")
    format_ = output.get("format")
    if format_ is not None:
        rules.SESSION["audio"]("response.audio", {"output": {"format": format_}})
        if format_["type"] != session.output:
            raise invalid("response.audio.output.format", "The format is the session's; set it with 'session.update'.")
