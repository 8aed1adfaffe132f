"""The embedded dialogue: a task-bound conversation without a language model.

It answers from the agent's knowledge, fills and confirms the slots of the agent's tools, and says when it does not
understand. It is not free dictation and makes nothing up. :mod:`.conversation` decides; this is its face to the model.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

from vivavoce.agent.declaration import Agent
from vivavoce.events import PastTurn, PendingTool, Speaker
from vivavoce.model.local.dialogue.conversation import Conversation, Form, Phase
from vivavoce.model.local.dialogue.port import Act, CallTool, EndCall, Expecting, Heard, Say
from vivavoce.model.local.dialogue.understanding import Understander, Understanding


class EmbeddedDialogue:
    """Implements :class:`.port.Dialogue` for one call. ``now`` tells the time; "tomorrow" depends on it.

    A :class:`CallTool` is always the first act of its list, so an iterator that was started never leaves a tool
    uncalled."""

    def __init__(self, agent: Agent, *, now: Callable[[], datetime], understander: Understander | None = None) -> None:
        self._agent = agent
        self._now = now
        self._understander = understander or Understander(agent, now())
        self._conversation = Conversation(agent, self._understander, now)

    @property
    def expecting(self) -> Expecting:
        return self._conversation.expecting

    @property
    def whole_answers(self) -> tuple[str, ...]:
        return self._conversation.whole_answers

    @property
    def last_understanding(self) -> Understanding:
        """What the last utterance was taken to mean, in its place in the conversation."""
        return self._conversation.understanding

    def understand(
        self, heard: Heard, *, tool: str = "", asked: str = "", filled: Mapping[str, Any] | None = None
    ) -> Understanding:
        """What ``heard`` means; changes nothing. By itself, or, with ``tool``, as the answer to the question for the
        parameter ``asked`` when ``filled`` was given before (both empty: while the tool's call is being confirmed)."""
        if not tool:
            return self._understander.understand(heard, self._now())
        other = self.placed(tool, asked, filled)
        other._conversation.hear(heard)
        return other.last_understanding

    def placed(self, tool: str = "", asked: str = "", filled: Mapping[str, Any] | None = None) -> EmbeddedDialogue:
        """A new dialogue with all that this one has learnt: at the beginning or, with ``tool``, in the middle of that
        tool's form, where ``filled`` is known and the parameter ``asked`` was asked for (empty: all is to be
        confirmed)."""
        dialogue = EmbeddedDialogue(self._agent, now=self._now, understander=self._understander)
        if tool:
            dialogue._conversation.state.form = Form(tool, dict(filled or {}), asked)
            dialogue._conversation.state.phase = Phase.ASKING if asked else Phase.CONFIRMING
        return dialogue

    async def reply(self, heard: Heard) -> AsyncGenerator[Act, None]:
        for act in await _to_its_end(lambda: self._conversation.hear(heard)):
            yield act

    async def tool_result(self, tool_call: str, result: str, *, ok: bool) -> AsyncGenerator[Act, None]:
        for act in await _to_its_end(lambda: self._conversation.result(tool_call, result, ok)):
            yield act

    def interrupted(self, heard_text: str) -> None:
        self._conversation.interrupted(heard_text)

    async def recall(self, turns: Sequence[PastTurn], tools: Sequence[PendingTool] = ()) -> None:
        await _to_its_end(lambda: self._rehear(turns, tools))

    async def carry_on(self) -> AsyncGenerator[Act, None]:
        """Says the whole of it again: it cannot tell which of its words were heard."""
        for text in self._conversation.state.said:
            yield Say(text)

    async def prompted(self, instructions: str) -> AsyncGenerator[Act, None]:
        """What it said last, or else its greeting, or else what it can do. It follows no instructions."""
        del instructions
        if said := self._conversation.state.said or ([self._agent.greeting] if self._agent.greeting else []):
            for text in said:
                yield Say(text)
        else:
            async with aclosing(self.reply(Heard("what can you do"))) as acts:
                async for act in acts:
                    yield act

    def _rehear(self, turns: Sequence[PastTurn], tools: Sequence[PendingTool]) -> list[Act]:
        """The conversation is where the caller's words since the last tool call have brought it."""
        for turn in turns:
            if turn.speaker is Speaker.CALLER:
                acts = self._conversation.hear(Heard(turn.text))
                if any(isinstance(act, CallTool | EndCall) for act in acts):
                    self._conversation = Conversation(self._agent, self._understander, self._now)
        for tool in tools:
            self._conversation.await_result(tool.tool_call, tool.name, _values(tool.arguments))
        return []

    async def aclose(self) -> None:
        """Nothing is held."""


def _values(arguments: str) -> dict[str, Any]:
    """What another model wrote; of what cannot be read nothing is known."""
    try:
        values = json.loads(arguments)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


async def _to_its_end(step: Callable[[], list[Act]]) -> list[Act]:
    """Understanding takes milliseconds that the event loop must not lose, so a step is made in a thread. A step that
    was begun is finished even if nobody wants its acts any more: the conversation has one state."""
    making = asyncio.ensure_future(asyncio.to_thread(step))
    try:
        return await asyncio.shield(making)
    except asyncio.CancelledError:
        await asyncio.wait({making})
        raise
