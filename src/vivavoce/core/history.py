"""What was said so far, as the caller heard it: what a session that takes over must know.

The agent's words are looked up when they are asked for, since only playout knows how much of them was heard.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from vivavoce.core.playout import Playouts
from vivavoce.events import PastTurn, ResponseId, Speaker

LIMIT_CHARACTERS = 200_000
"""What is kept of a call's words; the oldest go first. A model that takes less cuts again."""


class History:
    """The words of both sides, in order."""

    __slots__ = ("_answered", "_characters", "_said", "_sizes")

    def __init__(self) -> None:
        self._said: deque[_Said] = deque()
        self._sizes: dict[ResponseId, int] = {}  # characters of each response in ``_said``
        self._characters = 0
        self._answered = 0  # so many of the entries are answered

    def caller_said(self, text: str) -> None:
        self._add(text, typed=False)

    def caller_typed(self, text: str) -> None:
        """Until it is answered this is no history: another session is asked it again."""
        self._add(text, typed=True)

    def agent_begins(self, response: ResponseId) -> None:
        """A response that another session had begun keeps its place."""
        if response not in self._sizes:
            self._sizes[response] = 0
            self._said.append(_Said(response))

    def agent_said(self, response: ResponseId, text: str) -> None:
        """Only counted here; the words are the playout's."""
        if response in self._sizes:
            self._sizes[response] += len(text)
            self._characters += len(text)
            self._forget()

    def replace(self, turns: tuple[PastTurn, ...], playouts: Playouts) -> None:
        """All of this was said and is answered, and nothing else was, but for what the agent is saying now."""
        now = [said for said in self._said if not isinstance(said.what, PastTurn) and _is_audible(playouts, said.what)]
        self._said = deque([*(_Said(turn) for turn in turns), *now])
        self._sizes = {said.what: self._sizes[said.what] for said in now if not isinstance(said.what, PastTurn)}
        self._characters = sum(self._sizes.values()) + sum(len(turn.text) for turn in turns)
        self._answered = len(turns)
        self._forget()

    def answered(self) -> None:
        """What the caller has said so far needs no other answer."""
        self._answered = len(self._said)

    def turns(self, playouts: Playouts, *, without_unanswered: bool) -> tuple[PastTurn, ...]:
        """Oldest first; without the caller's words since the last answer, where their sound is replayed instead."""
        turns: list[PastTurn] = []
        for index, (what, typed) in enumerate(self._said):
            if isinstance(what, PastTurn):
                if index < self._answered or not (typed or without_unanswered):
                    turns.append(what)
            elif (playout := playouts.get(what)) is not None and (text := playout.text_for_memory()):
                turns.append(PastTurn(Speaker.AGENT, text))
        return tuple(turns)

    def _add(self, text: str, *, typed: bool) -> None:
        if text:
            self._characters += len(text)
            self._said.append(_Said(PastTurn(Speaker.CALLER, text), typed))
            self._forget()

    def _forget(self) -> None:
        while self._characters > LIMIT_CHARACTERS and len(self._said) > 1:
            oldest = self._said.popleft().what
            self._answered = max(0, self._answered - 1)
            self._characters -= len(oldest.text) if isinstance(oldest, PastTurn) else self._sizes.pop(oldest)


def _is_audible(playouts: Playouts, response: ResponseId) -> bool:
    playout = playouts.get(response)
    return playout is not None and playout.audible


class _Said(NamedTuple):
    what: PastTurn | ResponseId
    typed: bool = False
