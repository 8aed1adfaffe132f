"""What a client made of the agent for its session: the values that the call and its model need to know."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

import msgspec

Interruption = Literal["model", "local", "hybrid", "never"]
"""Whose word it is that a caller who talks into the agent's speech takes the turn."""


_OURS = ("local", "hybrid")


class AudioOver(StrEnum):
    """The way audio goes between the client and us."""

    EVENTS = "events"  # inside the protocol's own events; the client plays, and says where it stopped
    MEDIA = "media"  # beside them; whoever carries it plays, and says where it stopped


class Encoding(StrEnum):
    """How audio is written on the wire, by its media type."""

    PCM = "audio/pcm"
    ULAW = "audio/pcmu"
    ALAW = "audio/pcma"

    @property
    def rate_hz(self) -> int:
        """The one rate the protocol has for it."""
        return 24_000 if self is Encoding.PCM else 8_000

    @property
    def bytes_per_ms(self) -> int:
        return 48 if self is Encoding.PCM else 8


class TurnDetection(StrEnum):
    """Who says when the caller's turn is over."""

    SERVER = "server_vad"
    SEMANTIC = "semantic_vad"
    CLIENT = "none"


class Modality(StrEnum):
    """What a reply is made of."""

    AUDIO = "audio"
    TEXT = "text"


class ClientTool(msgspec.Struct, frozen=True):
    """A tool that the client runs. ``parameters`` is its JSON schema."""

    name: str
    description: str
    parameters: Mapping[str, Any]


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """A session as it is in effect.

    - ``instructions``: None means those of the agent file, which no client is shown.
    - ``notes``: what system messages of the conversation say, to be known on top of the instructions.
    - ``tool_choice``: ``auto``, ``none``, ``required``, or the name of the tool to call.
    - ``voice``: empty for the agent's own.
    - ``interruption``: the policy that is in force, as in an agent file's ``[turns]``.
    - ``endpoint_ms``: the silence after which the caller's turn is over; 0 leaves it to the model.
    - ``max_output_tokens``, ``idle_timeout_ms``: 0 for no limit.
    - ``session``: the whole session object, as the client is told it.
    """

    instructions: str | None = None
    notes: tuple[str, ...] = ()
    tools: tuple[ClientTool, ...] = ()
    tool_choice: str = "auto"
    voice: str = ""
    interruption: Interruption = "model"
    endpoint_ms: int = 0
    max_output_tokens: int = 0
    modality: Modality = Modality.AUDIO
    input: Encoding = Encoding.PCM
    output: Encoding = Encoding.PCM
    transcription: bool = False
    turn_detection: TurnDetection = TurnDetection.SERVER
    idle_timeout_ms: int = 0
    prefix_ms: int = 0
    session: Mapping[str, Any] = {}

    @property
    def floor_is_ours(self) -> bool:
        """It is decided here, and not by the model, whether a voice into the agent's speech takes the turn."""
        return self.interruption in _OURS

    @property
    def rate_hz(self) -> int:
        """The rate of a call that begins with this: that of the telephone only where both directions have it."""
        return max(self.input.rate_hz, self.output.rate_hz)

    def asks_the_same(self, other: Configuration) -> bool:
        """Nothing that a model has to know is different."""
        return self._of_the_model() == other._of_the_model()

    def _of_the_model(self) -> tuple[object, ...]:
        return (
            (self.instructions, self.notes, self.tools, self.tool_choice, self.voice),
            (self.interruption, self.endpoint_ms, self.max_output_tokens),
        )


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What a client that connects is given. ``model`` is the agent's name, ``voices`` are those its model has (empty:
    nobody knows), ``server_tools`` the tools that run here, ``expires_at`` is in seconds since 1970. ``interruption``
    is the agent file's policy. ``configuration`` is what the session begins with; without one, with the protocol's
    defaults.
    """

    session: str
    model: str
    voice: str
    voices: tuple[str, ...] = ()
    server_tools: frozenset[str] = frozenset()
    expires_at: int = 0
    interruption: Interruption = "model"
    configuration: Configuration | None = None

    @property
    def floor_is_ours(self) -> bool:
        """As :attr:`Configuration.floor_is_ours`, unless the client wants it otherwise."""
        return self.interruption in _OURS
