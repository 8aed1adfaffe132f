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
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from vivavoce.agent.declaration import Agent
from vivavoce.errors import UsageError
from vivavoce.model.local.dialogue.chat import ChatCompletionsDialogue
from vivavoce.model.local.dialogue.converse import ConverseDialogue
from vivavoce.model.local.dialogue.embedded import EmbeddedDialogue
from vivavoce.model.local.dialogue.port import Dialogue

SETTINGS: Final = ("dialogue", "dialogue_key", "dialogue_region")
_FORMS: Final = '"embedded", "openai:http://host:port/v1#model" or "bedrock:model-id"'


def make_dialogue(
    agent: Agent, settings: Mapping[str, Any], *, now: Callable[[], datetime], environment: Mapping[str, str]
) -> Dialogue:
    """The dialogue that ``settings`` name, for one call. Raises :class:`UsageError` or :class:`NotAvailable`."""
    choice = settings.get("dialogue", "embedded")
    if choice == "embedded":
        return EmbeddedDialogue(agent, now=now)
    kind, _, rest = choice.partition(":") if isinstance(choice, str) else ("", "", "")
    if kind == "openai":
        base_url, model = _endpoint(rest)
        key = environment.get(str(settings.get("dialogue_key", "OPENAI_API_KEY")), "")
        if "dialogue_key" in settings and not key:
            raise UsageError(
                f"dialogue_key names {settings['dialogue_key']!r}, which is not set in the environment",
                hint="export it, or leave dialogue_key out for an endpoint without a key",
            )
        return ChatCompletionsDialogue(agent, base_url, model, key, now=now)
    if kind == "bedrock" and rest:
        region = str(settings.get("dialogue_region") or environment.get("AWS_REGION", ""))
        return ConverseDialogue(agent, rest, now=now, region=region)
    raise UsageError(f"dialogue = {choice!r} is none that there is", hint=f"use {_FORMS}")


def _endpoint(text: str) -> tuple[str, str]:
    address, mark, model = text.rpartition("#")
    parts = urlsplit(address)
    if not mark or not model or parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f'dialogue = "openai:{text}" needs an http address and a model after "#"',
            hint='for example "openai:http://127.0.0.1:11434/v1#llama3.2"',
        )
    return address, model
