"""What an agent is, after its file was read and proved: plain frozen values that the engine and the models read.

Nothing here knows TOML, templates or the disk; :mod:`vivavoce.agent.file` makes these values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Knowledge:
    """One Markdown file that the agent may answer from. ``name`` is the file's name without its folder."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call.

    ``parameters`` is a JSON Schema object (``type: object``, ``properties``, ``required``); property schemas use
    ``enum``, ``format: date | time | date-time``, ``type: integer | number | boolean | string`` and, for strings that
    are said in a special way, ``x-spoken: name | digits | letters | phone | email | free``.

    The fields below ``timeout_ms`` help a model that is not a language model (the embedded one); a language model may
    use them as hints. ``examples`` are things a caller says to want this tool, with ``{parameter}`` where a value
    stands. ``questions`` maps a parameter to the question that asks for it. ``reply`` is a Jinja template over
    ``result`` (what the function returned) and the arguments by name. ``confirm`` asks the caller to say yes before
    the function is called.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    function: Callable[..., Any]
    timeout_ms: int = 10_000
    confirm: bool = False
    examples: tuple[str, ...] = ()
    questions: Mapping[str, str] = field(default_factory=dict)
    reply: str = ""


@dataclass(frozen=True, slots=True)
class TurnPolicy:
    """How turns are taken. ``interruption``: ``model``, the caller may cut the agent off whenever the model hears
    speech; ``never``, the agent finishes. ``protect_greeting`` keeps the greeting whole. ``endpoint_ms`` is the
    silence that ends a
    turn, where the model lets us choose (0: the model's own choice)."""

    interruption: Literal["model", "never"] = "model"
    protect_greeting: bool = False
    endpoint_ms: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """``silence_ms`` without a word from either side ends the call; ``call_ms`` is the longest call; ``result_bytes``
    the
    largest tool result that reaches a model."""

    silence_ms: int = 60_000
    call_ms: int = 30 * 60_000
    result_bytes: int = 16_384


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """One speech model, in order of preference, with its own settings (checked by the model itself)."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent ready to take calls. ``instructions``, ``greeting``, ``farewell`` and ``apology`` are rendered text."""

    name: str
    instructions: str
    language: str = "en-US"
    voice: str = ""
    greeting: str = ""
    farewell: str = ""
    apology: str = ""
    version: str = ""
    knowledge: tuple[Knowledge, ...] = ()
    tools: tuple[Tool, ...] = ()
    vocabulary: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    turns: TurnPolicy = TurnPolicy()
    limits: Limits = Limits()
    models: tuple[ModelChoice, ...] = (ModelChoice("local"),)
    record: bool = False
