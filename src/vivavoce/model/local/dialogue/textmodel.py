"""A language model in the place of the embedded dialogue: what is the same for every wire.

The history is kept in neutral values; a :class:`Wire` turns it into one streamed answer. What the caller did not hear
is cut from the history, a tool whose result never came is closed there, and the first failure is an apology, the second
a fault.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any, Final, Protocol

from vivavoce.agent.declaration import Agent
from vivavoce.errors import ModelFault
from vivavoce.events import PastTurn, PendingTool, Speaker
from vivavoce.model.local.dialogue.port import Act, CallTool, EndCall, Expecting, Heard, Say

END_CALL: Final = "end_call"
END_CALL_DESCRIPTION: Final = "End the call, after saying goodbye, or hand it to a person, after saying so."
END_CALL_PARAMETERS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"reason": {"type": "string", "enum": ["goodbye", "person"]}},
    "required": ["reason"],
}
_KNOWLEDGE_CHARACTERS: Final = 24_000
_ROUNDS: Final = 3
_MANNER: Final = (
    "You are on the telephone. Answer in one or two short spoken sentences, without lists, markup or emoji. Say "
    "numbers, dates and times as people say them. What the caller says comes from a speech recogniser and may "
    "hold wrong words that sound right. If you do not know something, say so."
)
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=\S)|(?<=[,;:])\s+(?=\S)")
_FIRST_CLAUSE_CHARACTERS: Final = 40
_APOLOGY: Final = "I'm sorry, I could not answer just now. Could you say that again?"
_BROKEN_OFF: Final = (
    "(Not the caller: the line was disturbed and your last answer was broken off. Go on from there, without repeating "
    "what you had said.)"
)
_PROMPTED: Final = "(Not the caller: say something to the caller now, without waiting for them. {instructions})"
_EXPECTATIONS: Final = (
    (re.compile(r"\b(digits?|number|code)\b"), Expecting.DIGITS),
    (re.compile(r"\b(your name|what name|which name)\b"), Expecting.NAME),
    (re.compile(r"\b(what (day|date|time)|which (day|date)|when)\b"), Expecting.DATE_OR_TIME),
    (re.compile(r"\b(is that|right|correct|shall i|do you want|would you like me)\b"), Expecting.YES_NO),
)


@dataclass(frozen=True, slots=True)
class UserSaid:
    """The caller's words."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolWish:
    """A tool that the model wants called, with its arguments as JSON text."""

    tool_call: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class AgentSaid:
    """The agent's words, as far as they were heard, and the tools it asked for."""

    text: str
    wishes: tuple[ToolWish, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolGave:
    """A tool's result as JSON text."""

    tool_call: str
    text: str
    ok: bool = True


Message = UserSaid | AgentSaid | ToolGave


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a streamed answer: text, or a part of the tool wish with that ``index``."""

    text: str = ""
    index: int = -1
    tool_call: str = ""
    """Empty for a model that gives its wishes no ids; the dialogue then does."""
    name: str = ""
    arguments: str = ""


class Wire(Protocol):
    """One text model. Raises :class:`ModelFault`; closing the iterator abandons the answer."""

    def stream(self, instructions: str, history: Sequence[Message]) -> AsyncGenerator[Piece, None]: ...


@dataclass(slots=True)
class _Answer:
    """An answer as it streams in. ``open_text`` is what is not yet a whole clause."""

    said: str = ""
    open_text: str = ""
    wishes: dict[int, ToolWish] = field(default_factory=dict)

    def take(self, piece: Piece) -> list[str]:
        """The clauses that ``piece`` completes."""
        if piece.index >= 0:
            old = self.wishes.get(piece.index, ToolWish("", "", ""))
            self.wishes[piece.index] = ToolWish(
                old.tool_call or piece.tool_call, old.name or piece.name, old.arguments + piece.arguments
            )
        self.open_text += piece.text
        whole: list[str] = []
        while cut := self._cut():
            whole.append(self.open_text[:cut].strip())
            self.open_text = self.open_text[cut:]
        return whole

    def _cut(self) -> int:
        """Sentence ends cut always; a comma only when enough stands before it to be worth a breath."""
        for match in _SENTENCE.finditer(self.open_text):
            if self.open_text[match.start() - 1] in ".!?" or match.start() >= _FIRST_CLAUSE_CHARACTERS:
                return match.end()
        return 0


def instructions_of(agent: Agent, now: datetime) -> str:
    """The agent's instructions, the manner of the telephone, what day it is, and its knowledge as far as it fits."""
    parts = [agent.instructions, _MANNER, f"It is {now:%A, %d %B %Y, %H:%M}. You speak {agent.language}."]
    parts += [f"You already greeted the caller: {agent.greeting}"] if agent.greeting else []
    room = _KNOWLEDGE_CHARACTERS
    for known in agent.knowledge:
        parts += [f"# Knowledge: {known.name}\n{known.text[:room]}"] if room > 0 else []
        room -= len(known.text)
    return "\n\n".join(part for part in parts if part)


class TextModelDialogue:
    """Implements :class:`.port.Dialogue` over a :class:`Wire`."""

    def __init__(self, agent: Agent, wire: Wire, *, now: Callable[[], datetime]) -> None:
        self._agent = agent
        self._wire = wire
        self._now = now
        self._history: list[Message] = []
        self._waiting: set[str] = set()
        self._failed = False
        self._last_said = ""
        self._numbers = count(1)

    @property
    def history(self) -> tuple[Message, ...]:
        """What was said so far, as both sides heard it."""
        return tuple(self._history)

    @property
    def expecting(self) -> Expecting:
        """A guess from the agent's last question."""
        last = re.split(r"(?<=[.!?])\s+", self._last_said.strip())[-1].lower()
        if not last.endswith("?"):
            return Expecting.ANYTHING
        return next((kind for pattern, kind in _EXPECTATIONS if pattern.search(last)), Expecting.ANYTHING)

    @property
    def whole_answers(self) -> tuple[str, ...]:
        """None: what the model wants to know is not known here."""
        return ()

    async def reply(self, heard: Heard) -> AsyncGenerator[Act, None]:
        for tool_call in sorted(self._waiting):
            self._history.append(ToolGave(tool_call, '{"error": "no result yet; it may still come"}', ok=False))
        self._waiting.clear()
        self._history.append(UserSaid(heard.text))
        async with aclosing(self._answer()) as acts:
            async for act in acts:
                yield act

    async def tool_result(self, tool_call: str, result: str, *, ok: bool) -> AsyncGenerator[Act, None]:
        if tool_call in self._waiting:
            self._waiting.discard(tool_call)
            self._history.append(ToolGave(tool_call, result, ok))
        else:
            self._history.append(UserSaid(f"(Not the caller: the late result of a tool is {result})"))
        if not self._waiting:
            async with aclosing(self._answer()) as acts:
                async for act in acts:
                    yield act

    def interrupted(self, heard_text: str) -> None:
        """The agent's last words become those that were heard."""
        for at in range(len(self._history) - 1, -1, -1):
            message = self._history[at]
            if isinstance(message, AgentSaid) and message.text:
                self._history[at] = replace(message, text=f"{heard_text.strip()} …" if heard_text.strip() else "…")
                return

    async def recall(self, turns: Sequence[PastTurn], tools: Sequence[PendingTool] = ()) -> None:
        for turn in turns:
            said = UserSaid(turn.text) if turn.speaker is Speaker.CALLER else AgentSaid(turn.text)
            self._history.append(said)
        if tools:
            wishes = tuple(ToolWish(tool.tool_call, tool.name, tool.arguments) for tool in tools)
            self._history.append(AgentSaid("", wishes))
            self._waiting.update(tool.tool_call for tool in tools)

    def carry_on(self) -> AsyncGenerator[Act, None]:
        return self._told_aside(_BROKEN_OFF)

    def prompted(self, instructions: str) -> AsyncGenerator[Act, None]:
        return self._told_aside(_PROMPTED.format(instructions=instructions or "Go on by what was said so far."))

    async def _told_aside(self, text: str) -> AsyncGenerator[Act, None]:
        self._history.append(UserSaid(text))
        async with aclosing(self._answer()) as acts:
            async for act in acts:
                yield act

    async def aclose(self) -> None:
        """Nothing is held here; a wire's owner closes it."""

    async def _answer(self) -> AsyncGenerator[Act, None]:
        """One answer, and others after it while the model asks for tools in ways that cannot be called."""
        for _ in range(_ROUNDS):
            answer = _Answer()
            try:
                async with aclosing(self._streamed(answer)) as acts:
                    async for act in acts:
                        yield act
            finally:
                # Also when the caller interrupts and the iterator is closed half-way.
                self._keep(answer)
            calls = self._calls(tuple(answer.wishes.values()))
            for act in calls:
                yield act
            if calls or not answer.wishes:
                return

    async def _streamed(self, answer: _Answer) -> AsyncGenerator[Act, None]:
        try:
            # A closed generator does not close the ones it reads from; without aclosing the model would go on talking.
            async with aclosing(self._wire.stream(instructions_of(self._agent, self._now()), self._history)) as pieces:
                async for piece in pieces:
                    for text in answer.take(piece):
                        answer.said = f"{answer.said} {text}".strip()
                        yield Say(text)
        except ModelFault as fault:
            if self._failed or not fault.retryable:
                raise
            self._failed = True
            answer.open_text, answer.wishes = _APOLOGY, {}
        else:
            self._failed = False
        if rest := answer.open_text.strip():
            answer.said = f"{answer.said} {rest}".strip()
            answer.open_text = ""
            yield Say(rest)

    def _keep(self, answer: _Answer) -> None:
        named = [wish for wish in answer.wishes.values() if wish.name] if not answer.open_text else []
        wishes = tuple(replace(wish, tool_call=wish.tool_call or f"unnamed_{next(self._numbers)}") for wish in named)
        answer.wishes = dict(enumerate(wishes))
        if answer.said or wishes:
            self._history.append(AgentSaid(answer.said, wishes))
        self._last_said = answer.said or self._last_said

    def _calls(self, wishes: tuple[ToolWish, ...]) -> list[Act]:
        """Wishes as acts. One that cannot be read is answered in the history, for the model to mend."""
        acts: list[Act] = []
        for wish in wishes:
            try:
                arguments = json.loads(wish.arguments or "{}")
            except ValueError:
                arguments = None
            if not isinstance(arguments, dict):
                self._history.append(
                    ToolGave(wish.tool_call, '{"error": "the arguments are no JSON object"}', ok=False)
                )
            elif wish.name == END_CALL:
                self._history.append(ToolGave(wish.tool_call, "{}"))
                acts.append(EndCall("person" if arguments.get("reason") == "person" else "goodbye"))
            else:
                self._waiting.add(wish.tool_call)
                acts.append(CallTool(wish.tool_call, wish.name, arguments))
        return acts
