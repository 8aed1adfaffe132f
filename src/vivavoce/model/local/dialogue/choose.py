"""Which dialogue an agent file's settings ask for: one line, ``dialogue = "…"``.

::

    dialogue = "embedded"                                       the default: task-bound, no language model
    dialogue = "openai:http://127.0.0.1:11434/v1#llama3.2"      an OpenAI-compatible endpoint and a model of it
    dialogue = "bedrock:us.amazon.nova-lite-v1:0"               Bedrock Converse

Secrets stay out of the file: ``dialogue_key = "NAME"`` names the environment variable that holds the endpoint's key, by
default ``OPENAI_API_KEY``. ``dialogue_region`` overrides the usual AWS region.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import urlsplit

from vivavoce.agent.declaration import Agent
from vivavoce.errors import NotAvailable, UsageError
from vivavoce.model.local.dialogue.chat import ChatCompletionsDialogue
from vivavoce.model.local.dialogue.converse import ConverseDialogue, open_bedrock
from vivavoce.model.local.dialogue.embedded import EmbeddedDialogue
from vivavoce.model.local.dialogue.port import Dialogue
from vivavoce.model.local.dialogue.understanding import Understander

SETTINGS: Final = ("dialogue", "dialogue_key", "dialogue_region")
_FORMS: Final = '"embedded", "openai:http://host:port/v1#model" or "bedrock:model-id"'
_EXAMPLE: Final = 'for example "openai:http://127.0.0.1:11434/v1#llama3.2"'


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """An OpenAI-compatible one."""

    base_url: str
    model: str
    key: str


@dataclass(frozen=True, slots=True)
class _Bedrock:
    """A model of Bedrock's; no region for that of the usual AWS settings."""

    model: str
    region: str


def make_dialogue(
    agent: Agent,
    settings: Mapping[str, Any],
    *,
    now: Callable[[], datetime],
    environment: Mapping[str, str],
    understander: Callable[[], Understander | None] = lambda: None,
) -> Dialogue:
    """The dialogue that ``settings`` name, for one call. ``understander`` may give the embedded one what was learnt of
    this agent before. Raises :class:`UsageError` or :class:`NotAvailable`.
    """
    match _chosen(settings, environment):
        case _Endpoint(base_url, model, key):
            return ChatCompletionsDialogue(agent, base_url, model, key, now=now)
        case _Bedrock(model, region):
            return ConverseDialogue(agent, model, now=now, region=region)
        case _:
            return EmbeddedDialogue(agent, now=now, understander=understander())


def check_dialogue(settings: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    """Raises what :func:`make_dialogue` would, and makes nothing. Asks no server."""
    match _chosen(settings, environment):
        case _Endpoint() if find_spec("httpx") is None:
            raise NotAvailable("a text model for the dialogue needs httpx", hint="pip install httpx")
        case _Bedrock(_, region):
            open_bedrock(region)


def _chosen(settings: Mapping[str, Any], environment: Mapping[str, str]) -> _Endpoint | _Bedrock | None:
    """None for the embedded one."""
    choice = settings.get("dialogue", "embedded")
    if choice == "embedded":
        return None
    kind, _, rest = choice.partition(":") if isinstance(choice, str) else ("", "", "")
    if kind == "openai":
        return _Endpoint(*_address_and_model(rest), _key(settings, environment))
    if kind == "bedrock" and rest:
        return _Bedrock(rest, str(settings.get("dialogue_region") or environment.get("AWS_REGION", "")))
    raise UsageError(f"dialogue = {choice!r} is none that there is", hint=f"use {_FORMS}")


def _key(settings: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    key = environment.get(str(settings.get("dialogue_key", "OPENAI_API_KEY")), "")
    if "dialogue_key" in settings and not key:
        raise UsageError(
            f"dialogue_key names {settings['dialogue_key']!r}, which is not set in the environment",
            hint="export it, or leave dialogue_key out for an endpoint without a key",
        )
    return key


def _address_and_model(text: str) -> tuple[str, str]:
    address, _, model = text.rpartition("#")
    try:
        parts = urlsplit(address)
        good = model and parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError as error:  # a port above 65535, a bracket that is not closed
        raise UsageError(f'dialogue = "openai:{text}" has no address: {error}', hint=_EXAMPLE) from error
    if not good:
        raise UsageError(f'dialogue = "openai:{text}" needs an http address and a model after "#"', hint=_EXAMPLE)
    return address, model
