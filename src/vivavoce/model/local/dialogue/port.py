"""The place of the dialogue part in the embedded model: words in, words and tool calls out.

Three things fill it: the embedded one (:mod:`.embedded`), any OpenAI-compatible text model, and Bedrock Converse.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from vivavoce.events import PastTurn, PendingTool


@dataclass(frozen=True, slots=True)
class Heard:
    """What the recogniser made of one utterance. ``alternatives`` are other readings, best first, without ``text``."""

    text: str
    alternatives: tuple[str, ...] = ()
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Say:
    """A clause or a sentence to be spoken, in order."""

    text: str


@dataclass(frozen=True, slots=True)
class CallTool:
    """A tool to run; its result comes back through :meth:`Dialogue.tool_result` with the same ``tool_call``."""

    tool_call: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EndCall:
    """Say what was said before this, then end the call. ``reason``: ``goodbye`` or ``person`` (wants a human)."""

    reason: str


Act = Say | CallTool | EndCall


class Expecting(StrEnum):
    """What kind of answer would be natural now. The ear chooses its end-pointing from it."""

    ANYTHING = "anything"
    YES_NO = "yes_no"
    CHOICE = "choice"
    DATE_OR_TIME = "date_or_time"
    DIGITS = "digits"
    NAME = "name"


class Dialogue(Protocol):
    """One call's dialogue. Every method yields acts as they become known; closing the iterator cancels the rest."""

    @property
    def expecting(self) -> Expecting: ...

    @property
    def whole_answers(self) -> tuple[str, ...]:
        """Regular expressions that find a whole answer to the open question in lower-case words, none where any words
        may go on."""
        ...

    def reply(self, heard: Heard) -> AsyncGenerator[Act, None]: ...

    def tool_result(self, tool_call: str, result: str, *, ok: bool) -> AsyncGenerator[Act, None]:
        """``result`` is JSON text; with ``ok`` false it is ``{"error": ...}``."""
        ...

    def interrupted(self, heard_text: str) -> None:
        """The caller cut the agent off; ``heard_text`` is as much of its last reply as was played."""
        ...

    async def recall(self, turns: Sequence[PastTurn], tools: Sequence[PendingTool] = ()) -> None:
        """Before anything else: what was said so far in this call, to another dialogue, and the tools that one asked
        for, whose results will come here.
        """
        ...

    def carry_on(self) -> AsyncGenerator[Act, None]:
        """After :meth:`recall`: the answer that was broken off, taken up again."""
        ...

    def prompted(self, instructions: str) -> AsyncGenerator[Act, None]:
        """Says something unasked. ``instructions`` may be empty; who cannot follow them goes without."""
        ...

    async def aclose(self) -> None:
        """Lets go of what the dialogue holds, such as connections."""
        ...
